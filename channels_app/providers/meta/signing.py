"""Whose webhooks these are: the handshake and the signature (providers/whatsapp.md 4, the same for all of Meta)."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping


def handshake(query: Mapping[str, str], verify_token: str) -> str | None:
    """The challenge, when the token is the right one (4.1)."""
    token, challenge = query.get("hub.verify_token", ""), query.get("hub.challenge", "")
    holds = bool(verify_token) and hmac.compare_digest(token.encode(), verify_token.encode())
    return challenge if holds and challenge and query.get("hub.mode") == "subscribe" else None


def signature_holds(body: bytes, headers: Mapping[str, str], secrets: Iterable[str]) -> bool:
    """Whether one of the secrets signed exactly these bytes (4.2). All of them are tried, each in constant time; hex may
    be in upper case."""
    scheme, _, given = headers.get("X-Hub-Signature-256", "").partition("=")
    if scheme != "sha256":
        return False
    holds = False
    for secret in secrets:
        if secret:
            wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            holds |= hmac.compare_digest(wanted.encode(), given.lower().encode())
    return holds
