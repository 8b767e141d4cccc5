"""Who may do what: one table from role to permission. What is not listed is denied."""

from collections.abc import Iterable
from enum import StrEnum

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CUSTOM = "custom"  # the role of a member whose permissions a custom role lists


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
    CONTACTS_MANAGE = "contacts.manage"
    CAMPAIGNS_MANAGE = "campaigns.manage"
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

    @property
    def label(self) -> str | Promise:
        """What it allows, as pages say it."""
        return _LABELS[self]


P = Permission
_VIEW = {P.WORKSPACE_VIEW, P.CONVERSATIONS_VIEW, P.CHANNELS_VIEW, P.MEMBERS_VIEW, P.RETENTION_VIEW}
_AGENT = _VIEW | {P.CONVERSATIONS_REPLY, P.CONVERSATIONS_MANAGE, P.IDENTIFIERS_REVEAL, P.CONTACTS_MANAGE}
_OVERSIGHT = {P.AUDIT_VIEW, P.AUDIT_EXPORT, P.OPERATOR_ACCESS_VIEW}
_ADMIN = _AGENT | _OVERSIGHT | {
    P.WORKSPACE_MANAGE, P.SECURITY_MANAGE, P.CHANNELS_MANAGE, P.MEMBERS_MANAGE, P.ROLES_MANAGE, P.API_KEYS_MANAGE,
    P.RETENTION_MANAGE, P.CAMPAIGNS_MANAGE,
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


# What a member or an API key that is limited to channels may at most: everything else reaches beyond its channels.
WITHIN_CHANNELS: frozenset[Permission] = frozenset(
    _VIEW | {P.CONVERSATIONS_REPLY, P.CONVERSATIONS_MANAGE, P.IDENTIFIERS_REVEAL, P.CONTACTS_MANAGE}
)

# What each role is for, as pages say it.
ROLE_WORDS: dict[Role, str | Promise] = {
    Role.OWNER: _("Everything, also handing over and closing the workspace."),
    Role.ADMIN: _("Runs the workspace: channels, members, roles, keys, retention."),
    Role.PRIVACY_OFFICER: _("Oversees: retention, audit log, operators’ access. Answers nobody."),
    Role.AGENT: _("Answers conversations."),
    Role.VIEWER: _("Reads, and changes nothing."),
}

OWNERS_ONLY = frozenset({P.WORKSPACE_CLOSE, P.WORKSPACE_TRANSFER})  # no custom role holds them
GRANTABLE = tuple(each for each in Permission if each not in OWNERS_ONLY)

# The permissions as pages show them: by subject, the harmless ones first.
GROUPS: tuple[tuple[str | Promise, dict[Permission, str | Promise]], ...] = (
    (_("Conversations"), {
        P.CONVERSATIONS_VIEW: _("Read conversations"),
        P.CONVERSATIONS_REPLY: _("Answer"),
        P.CONVERSATIONS_MANAGE: _("Assign, close and reopen"),
        P.IDENTIFIERS_REVEAL: _("Reveal numbers and identifiers"),
        P.CONTACTS_MANAGE: _("Add and block contacts, record opt-ins"),
        P.CAMPAIGNS_MANAGE: _("Make, start and stop campaigns"),
    }),
    (_("Channels"), {
        P.CHANNELS_VIEW: _("See channels"),
        P.CHANNELS_MANAGE: _("Connect and disconnect channels"),
    }),
    (_("People"), {
        P.MEMBERS_VIEW: _("See members and roles"),
        P.MEMBERS_MANAGE: _("Invite, change and remove members"),
        P.ROLES_MANAGE: _("Make and change roles"),
    }),
    (_("Privacy and oversight"), {
        P.RETENTION_VIEW: _("See retention"),
        P.RETENTION_MANAGE: _("Change retention and purge"),
        P.AUDIT_VIEW: _("Read the audit log"),
        P.AUDIT_EXPORT: _("Export the audit log"),
        P.OPERATOR_ACCESS_VIEW: _("See operators’ access"),
        P.OPERATOR_ACCESS_DECIDE: _("Allow or end operators’ access"),
    }),
    (_("Workspace"), {
        P.WORKSPACE_VIEW: _("Open the workspace"),
        P.WORKSPACE_MANAGE: _("Change the workspace’s settings"),
        P.SECURITY_MANAGE: _("Set the rules of sign-in"),
        P.API_KEYS_MANAGE: _("Make and revoke API keys"),
        P.WORKSPACE_TRANSFER: _("Hand the workspace over"),
        P.WORKSPACE_CLOSE: _("Close the workspace"),
    }),
)  # fmt: skip
_LABELS = {permission: label for _title, group in GROUPS for permission, label in group.items()}


def with_needed(permissions: Iterable[Permission]) -> set[Permission]:
    """These and what they are of no use without: opening the workspace, and seeing what one may change."""
    wanted = {*permissions, P.WORKSPACE_VIEW}
    nouns = {each.partition(".")[0] for each in wanted}
    wanted |= {each for each in Permission if each.endswith(".view") and each.partition(".")[0] in nouns}
    if wanted & {P.IDENTIFIERS_REVEAL, P.CONTACTS_MANAGE, P.CAMPAIGNS_MANAGE}:
        wanted.add(P.CONVERSATIONS_VIEW)
    if P.ROLES_MANAGE in wanted:
        wanted.add(P.MEMBERS_VIEW)
    return wanted
