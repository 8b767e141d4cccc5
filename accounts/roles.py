"""Who may do what: one table from role to permission. What is not listed is denied."""

from enum import StrEnum

from django.db import models


class Role(models.TextChoices):
    """A member's role in a workspace."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    PRIVACY_OFFICER = "privacy_officer", "Privacy officer"
    AGENT = "agent", "Agent"
    VIEWER = "viewer", "Viewer"


class Permission(StrEnum):
    """What a page or an endpoint may ask for. API keys carry the same words as scopes."""

    WORKSPACE_VIEW = "workspace.view"
    WORKSPACE_MANAGE = "workspace.manage"
    WORKSPACE_CLOSE = "workspace.close"
    WORKSPACE_TRANSFER = "workspace.transfer"
    SECURITY_MANAGE = "security.manage"
    CONVERSATIONS_VIEW = "conversations.view"
    CONVERSATIONS_REPLY = "conversations.reply"
    CONVERSATIONS_MANAGE = "conversations.manage"
    IDENTIFIERS_REVEAL = "identifiers.reveal"
    CHANNELS_VIEW = "channels.view"
    CHANNELS_MANAGE = "channels.manage"
    MEMBERS_VIEW = "members.view"
    MEMBERS_MANAGE = "members.manage"
    ROLES_MANAGE = "roles.manage"
    API_KEYS_MANAGE = "api_keys.manage"
    RETENTION_VIEW = "retention.view"
    RETENTION_MANAGE = "retention.manage"
    AUDIT_VIEW = "audit.view"
    AUDIT_EXPORT = "audit.export"
    OPERATOR_ACCESS_VIEW = "operator_access.view"
    OPERATOR_ACCESS_DECIDE = "operator_access.decide"


P = Permission
_VIEW = {P.WORKSPACE_VIEW, P.CONVERSATIONS_VIEW, P.CHANNELS_VIEW, P.MEMBERS_VIEW, P.RETENTION_VIEW}
_AGENT = _VIEW | {P.CONVERSATIONS_REPLY, P.CONVERSATIONS_MANAGE, P.IDENTIFIERS_REVEAL}
_OVERSIGHT = {P.AUDIT_VIEW, P.AUDIT_EXPORT, P.OPERATOR_ACCESS_VIEW}
_ADMIN = _AGENT | _OVERSIGHT | {
    P.WORKSPACE_MANAGE, P.SECURITY_MANAGE, P.CHANNELS_MANAGE, P.MEMBERS_MANAGE, P.ROLES_MANAGE, P.API_KEYS_MANAGE,
    P.RETENTION_MANAGE,
}  # fmt: skip

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(_ADMIN),
    Role.PRIVACY_OFFICER: frozenset(
        _VIEW | _OVERSIGHT | {P.RETENTION_MANAGE, P.IDENTIFIERS_REVEAL, P.OPERATOR_ACCESS_DECIDE}
    ),
    Role.AGENT: frozenset(_AGENT),
    Role.VIEWER: frozenset(_VIEW),
}


def allows(role: str, permission: Permission) -> bool:
    """Whether a role has a permission. An unknown role has none."""
    return permission in PERMISSIONS.get(Role(role), frozenset()) if role in Role.values else False
