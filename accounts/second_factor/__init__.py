"""The second factor (policy clause 12b): what proves a sign-in beside the password, and where it is demanded.

1. The only second factors are django-otp's devices: authenticator apps and passkeys. Recovery codes stand in for them.
2. There is one door: the sign-in is finished by the login stage (stage.py). The middleware ends every session that came in
   otherwise, and leads to set-up whoever must have a factor and has none.
3. Every change asks again who is there (fresh.py), is mailed to the person and written into the audit log.
"""
