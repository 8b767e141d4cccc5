"""Signing in at a platform to connect channels: one module a flow, and what they share.

1. A login begins with a `state` that is bound to the person's session, the workspace and the member, and is good once.
2. What the platform then gives is checked by asking it again with the new token; nothing that came by the browser but
   the code is believed.
3. Tokens stand sealed in a LoginAttempt until the member has chosen, an hour at most.
"""
