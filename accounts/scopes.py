"""What an API key may be given: the permissions that some endpoint asks for. A test compares them."""

from collections.abc import Iterable

from accounts.roles import WITHIN_CHANNELS, Permission
from accounts.roles import Permission as P

SCOPES: tuple[Permission, ...] = (
    P.CONVERSATIONS_VIEW,
    P.CONVERSATIONS_REPLY,
    P.CONVERSATIONS_MANAGE,
    P.IDENTIFIERS_REVEAL,
    P.CONTACTS_MANAGE,
    P.CHANNELS_VIEW,
    P.CHANNELS_MANAGE,
    P.MEMBERS_VIEW,
    P.RETENTION_VIEW,
    P.RETENTION_MANAGE,
    P.AUDIT_VIEW,
)


def beyond_channels(scopes: Iterable[str]) -> list[Permission]:
    """Those that a key which is limited to channels cannot have."""
    return [scope for scope in SCOPES if scope in set(scopes) - WITHIN_CHANNELS]
