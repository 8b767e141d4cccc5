"""Every action of the audit log and its words: the one table that pages, filters, the API and exports read.

1. An action that is not here cannot be written: a test reads every call of `audit.recording`
   (tests/accounts/audit/test_actions.py).
2. A sentence names who did it as {who} and what it was done to as {what}; `target` says what kind of row that is, so
   that `audit.names` can find what it is called today. Nothing of it is stored with the entry.
3. An action that is no longer written keeps its words until the last entry of it has had its time.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Action:
    """The words of one action: its group, its sentence, and what kind of row its target is ("": no matter)."""

    group: str
    words: Promise | str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Actions that belong together: what a filter calls them, and their icon."""

    label: Promise | str
    icon: str


GROUPS: dict[str, Group] = {
    "conversations": Group(_("Conversations"), "message-circle"),
    "campaigns": Group(_("Campaigns"), "megaphone"),
    "channels": Group(_("Channels"), "plug"),
    "members": Group(_("Members and roles"), "users"),
    "sign_in": Group(_("Sign-in and security"), "lock-keyhole"),
    "api_keys": Group(_("API keys"), "key-round"),
    "privacy": Group(_("Privacy and retention"), "shield-check"),
    "operators": Group(_("Operators"), "eye"),
    "workspace": Group(_("Workspace"), "building-2"),
    "audit": Group(_("Audit log"), "scroll-text"),
}

ACTIONS: dict[str, Action] = {
    "conversation.opened": Action("conversations", _("{who} opened {what}"), "conversation"),
    "conversation.replied": Action("conversations", _("{who} replied in {what}"), "conversation"),
    "conversation.closed": Action("conversations", _("{who} closed {what}"), "conversation"),
    "conversation.reopened": Action("conversations", _("{who} reopened {what}"), "conversation"),
    "conversation.assigned": Action("conversations", _("{who} changed who answers {what}"), "conversation"),
    "conversation.changed": Action("conversations", _("{who} changed {what}"), "conversation"),
    "message.retried": Action("conversations", _("{who} sent a message once more")),
    "campaign.created": Action("campaigns", _("{who} drafted {what}"), "campaign"),
    "campaign.changed": Action("campaigns", _("{who} chose who gets {what}"), "campaign"),
    "campaign.discarded": Action("campaigns", _("{who} deleted the draft of a campaign")),
    "campaign.scheduled": Action("campaigns", _("{who} scheduled {what}"), "campaign"),
    "campaign.came_due": Action("campaigns", _("{what} came due"), "campaign"),
    "campaign.started": Action("campaigns", _("{who} started {what}"), "campaign"),
    "campaign.paused": Action("campaigns", _("{who} paused {what}"), "campaign"),
    "campaign.held": Action("campaigns", _("{what} was held"), "campaign"),
    "campaign.resumed": Action("campaigns", _("{who} resumed {what}"), "campaign"),
    "campaign.stopped": Action("campaigns", _("{who} stopped {what}"), "campaign"),
    "campaign.finished": Action("campaigns", _("{what} went out to everybody"), "campaign"),
    "campaign.exported": Action("campaigns", _("{who} exported the results of {what}"), "campaign"),
    "contact.created": Action("conversations", _("{who} added a contact")),
    "contact.changed": Action("conversations", _("{who} changed a contact")),
    "contact.blocked": Action("conversations", _("{who} blocked a contact")),
    "contact.unblocked": Action("conversations", _("{who} unblocked a contact")),
    "contact.confirmed": Action("conversations", _("{who} confirmed who a contact is")),
    "message.reacted": Action("conversations", _("{who} changed a reaction in {what}"), "conversation"),
    "message.scheduled": Action("conversations", _("{who} scheduled a message in {what}"), "conversation"),
    "message.schedule_changed": Action(
        "conversations", _("{who} changed a scheduled message in {what}"), "conversation"
    ),
    "message.schedule_cancelled": Action(
        "conversations", _("{who} cancelled a scheduled message in {what}"), "conversation"
    ),
    "message.came_due": Action("conversations", _("A scheduled message in {what} came due"), "conversation"),
    "channel.connected": Action("channels", _("{who} connected {what}"), "channel"),
    "channel.reconnected": Action("channels", _("{who} gave {what} a new token"), "channel"),
    "channel.checked": Action("channels", _("{who} checked {what}"), "channel"),
    "channel.renamed": Action("channels", _("{who} renamed {what}"), "channel"),
    "channel.disconnected": Action("channels", _("{who} disconnected {what}"), "channel"),
    "channel.erasure_started": Action("channels", _("{who} had everything of {what} erased"), "channel"),
    "channel.cut_off": Action("channels", _("The connection of {what} was taken back at the platform"), "channel"),
    "channel.security_event": Action("channels", _("The platform reported a security event of {what}"), "channel"),
    "own_app.saved": Action("channels", _("{who} set up an own Meta app")),
    "own_app.removed": Action("channels", _("{who} removed an own Meta app")),
    "template.fetched": Action("channels", _("{who} fetched the templates of {what}"), "channel"),
    "template.created": Action("channels", _("{who} handed in the template {what}"), "template"),
    "template.changed": Action("channels", _("{who} changed the template {what}"), "template"),
    "template.deleted": Action("channels", _("{who} deleted a template")),
    "template.status_changed": Action(
        "channels", _("The platform changed the status of the template {what}"), "template"
    ),
    "template.category_announced": Action(
        "channels", _("The platform announced another category of the template {what}"), "template"
    ),
    "template.category_changed": Action(
        "channels", _("The platform changed the category of the template {what}"), "template"
    ),
    "member.invited": Action("members", _("{who} invited somebody")),
    "member.role_changed": Action("members", _("{who} changed the role of {what}"), "member"),
    "member.channels_changed": Action("members", _("{who} changed the channels of {what}"), "member"),
    "member.removed": Action("members", _("{who} removed {what}"), "member"),
    "member.left": Action("members", _("{who} left the workspace"), "member"),
    "account.closed": Action("members", _("{who} began to close their account"), "member"),
    "account.reopened": Action("members", _("{who} undid the closing of their account"), "member"),
    "account.exported": Action("members", _("{who} took along what is held of them"), "member"),
    "invitation.resent": Action("members", _("{who} sent an invitation once more")),
    "invitation.revoked": Action("members", _("{who} took an invitation back")),
    "invitation.accepted": Action("members", _("{who} accepted an invitation")),
    "ownership.transferred": Action("members", _("{who} made {what} the owner"), "member"),
    "role.created": Action("members", _("{who} made {what}"), "role"),
    "role.changed": Action("members", _("{who} changed {what}"), "role"),
    "role.deleted": Action("members", _("{who} deleted {what}"), "role"),
    "sign_in.succeeded": Action("sign_in", _("{who} signed in"), "member"),
    "sign_in.failed": Action("sign_in", _("Somebody tried to sign in as {what} and failed"), "member"),
    "sign_out.done": Action("sign_in", _("{who} signed out"), "member"),
    "session.ended": Action("sign_in", _("{who} ended sessions of their own"), "member"),
    "password.changed": Action("sign_in", _("{who} changed their password"), "member"),
    "password.reset": Action("sign_in", _("{who} set a new password by mail"), "member"),
    "email.changed": Action("sign_in", _("{who} changed their e-mail address"), "member"),
    "second_factor.added": Action("sign_in", _("{who} added a second factor"), "member"),
    "second_factor.removed": Action("sign_in", _("{who} removed a second factor"), "member"),
    "second_factor.renamed": Action("sign_in", _("{who} renamed a second factor"), "member"),
    "second_factor.refused": Action("sign_in", _("A second factor for {what} was wrong"), "member"),
    "recovery_codes.renewed": Action("sign_in", _("{who} made new recovery codes"), "member"),
    "recovery_code.used": Action("sign_in", _("{who} used a recovery code"), "member"),
    "api_key.created": Action("api_keys", _("{who} made {what}"), "api_key"),
    "api_key.rotated": Action("api_keys", _("{who} gave {what} a new secret"), "api_key"),
    "api_key.old_secret_ended": Action("api_keys", _("{who} ended the old secret of {what}"), "api_key"),
    "api_key.revoked": Action("api_keys", _("{who} revoked {what}"), "api_key"),
    "api_key.used_from_new_address": Action("api_keys", _("{what} was used from a new address"), "api_key"),
    "identifier.revealed": Action("privacy", _("{who} revealed a contact's number or name on a platform")),
    "terms.accepted": Action("privacy", _("{who} accepted the data processing terms")),
    "opt_in.attested": Action("privacy", _("{who} stated that you write only to people who agreed")),
    "opt_in.recorded": Action("privacy", _("{who} recorded an opt-in")),
    "opt_in.withdrawn": Action("privacy", _("{who} recorded that a contact wants no more")),
    "retention.changed": Action("privacy", _("{who} changed how long things are kept")),
    "retention.purge_started": Action("privacy", _("{who} started a purge")),
    "retention.purge_finished": Action("privacy", _("A purge deleted what had had its time")),
    "operator.access_requested": Action("operators", _("{who} asked to read {what}"), "conversation"),
    "operator.access_approved": Action("operators", _("{who} let an operator read {what}"), "conversation"),
    "operator.access_refused": Action("operators", _("{who} did not let an operator read {what}"), "conversation"),
    "operator.access_ended": Action("operators", _("{who} ended an operator's access to {what}"), "conversation"),
    "operator.conversation_read": Action("operators", _("{who} read {what}"), "conversation"),
    "person.sessions_ended": Action("operators", _("{who} ended the sessions of {what}"), "member"),
    "person.second_factor_reset": Action("operators", _("{who} removed the second factor of {what}"), "member"),
    "workspace.suspended": Action("operators", _("{who} suspended the workspace")),
    "workspace.resumed": Action("operators", _("{who} resumed the workspace")),
    "workspace.opened": Action("workspace", _("{who} opened the workspace")),
    "workspace.renamed": Action("workspace", _("{who} renamed the workspace")),
    "workspace.read_receipts_changed": Action("workspace", _("{who} changed whether read receipts are sent")),
    "workspace.second_factor_rule": Action("workspace", _("{who} changed whether a second factor is required")),
    "workspace.closed": Action("workspace", _("{who} began to close the workspace")),
    "workspace.reopened": Action("workspace", _("{who} undid the closing of the workspace")),
    "audit.exported": Action("audit", _("{who} exported the audit log")),
    "audit.keeping_changed": Action("audit", _("{who} changed how long the audit log is kept")),
    "audit.shortened": Action("audit", _("Entries that had had their time were removed")),
}


def of_group(group: str) -> list[str]:
    """The actions of a group."""
    return [name for name, action in ACTIONS.items() if action.group == group]
