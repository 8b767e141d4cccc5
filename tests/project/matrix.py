"""Who may call which address with which method: the one declared table. tests/project/test_matrix.py holds the product
to it; an address that is missing here, or stands here and is gone, fails.

A row says what the page or endpoint asks for, written down independently of the mark in the code.
"""

from dataclasses import dataclass, field

from accounts.roles import Permission as P

ANYONE = "anyone"  # no sign-in asked
PERSON = "person"  # somebody who signed in, whatever the workspace
OPERATOR = "operator"
MEMBER = "member"  # of the workspace in the address
KEY = "key"  # an API key


@dataclass(frozen=True)
class Rule:
    """`who` may call it, by which methods; for members and keys the permission of each method. `args` names the rows
    that stand in the address: converter name -> kind of row."""

    who: str
    methods: dict[str, P | None]
    args: dict[str, str] = field(default_factory=dict)


def anyone(*methods: str, **args: str) -> Rule:
    """Everybody."""
    return Rule(ANYONE, dict.fromkeys(methods), args)


def person(*methods: str, **args: str) -> Rule:
    """Whoever has signed in."""
    return Rule(PERSON, dict.fromkeys(methods), args)


def member(permission: P, *methods: str, **args: str) -> Rule:
    """Members with a permission."""
    return Rule(MEMBER, dict.fromkeys(methods, permission), args)


def key(args: dict[str, str] | None = None, **methods: P) -> Rule:
    """API keys with the scope of the method."""
    return Rule(KEY, dict(methods), args or {})


CONVERSATION = {"identity": "conversation"}
CHANNEL = {"channel_id": "channel"}
TEMPLATE = {"channel_id": "channel", "template_id": "template"}
CAMPAIGN = {"campaign_id": "campaign"}
GRANT = {"grant_id": "grant"}

TABLE: dict[str, Rule] = {
    # Public pages and what machines ask for.
    "home": anyone("GET", "HEAD"),
    "privacy_policy": anyone("GET"),
    "terms": anyone("GET"),
    "processing_terms": anyone("GET"),
    "webhook": anyone("GET", "POST", provider="provider"),
    "own_webhook": anyone("GET", "POST", provider="provider", key="nothing"),
    "data_deletion": anyone("POST"),
    "deauthorize": anyone("POST"),
    "instagram_deletion": anyone("POST"),
    "instagram_deauthorize": anyone("POST"),
    "data_request": anyone("GET", "HEAD", code="nothing"),
    "healthz": anyone("GET"),
    "readyz": anyone("GET"),
    "metrics": anyone("GET"),
    "api_schema": anyone("GET"),
    "api_docs": anyone("GET"),
    "api_nothing_here": anyone("GET", "POST", "PUT", "PATCH", "DELETE", rest="nothing"),
    # Signing in.
    "account_login": anyone("GET", "POST"),
    "account_logout": anyone("GET", "POST"),
    "account_inactive": anyone("GET"),
    "account_signup": anyone("GET", "POST"),
    "account_email_verification_sent": anyone("GET"),
    "account_confirm_email": anyone("GET", "POST", key="nothing"),
    "account_reset_password": anyone("GET", "POST"),
    "account_reset_password_done": anyone("GET"),
    "account_reset_password_from_key": anyone("GET", "POST", uidb36="nothing", key="nothing"),
    "account_reset_password_from_key_done": anyone("GET"),
    "account_reauthenticate": person("GET", "POST"),
    "account_second_factor": anyone("GET", "POST"),
    "account_security": person("GET"),
    "account_second_factor_set_up": person("GET"),
    "account_second_factor_add_app": person("GET", "POST"),
    "account_second_factor_add_passkey": person("GET", "POST"),
    "account_recovery_codes": person("GET", "POST"),
    "account_second_factor_rename": person("GET", "POST", kind="factor", identity="nothing"),
    "account_second_factor_remove": person("GET", "POST", kind="factor", identity="nothing"),
    "account_email": person("GET", "POST"),
    "account_change_password": person("GET", "POST"),
    "account_sessions": person("GET"),
    "account_end_session": person("POST", session_id="session"),
    "account_end_other_sessions": person("POST"),
    "account_sign_out_everywhere": person("POST"),
    "workspaces": person("GET"),
    "channel_login": person("GET"),
    "new_workspace": person("GET", "POST"),
    "invitation": anyone("GET", "POST", token="nothing"),
    "join": anyone("POST", token="nothing"),
    # One's own account.
    "account_data": person("GET"),
    "account_export": person("GET", "POST"),
    "account_close": person("GET", "POST"),
    "account_keep": person("POST"),
    # A workspace.
    "accounts:workspace": member(P.WORKSPACE_VIEW, "GET"),
    "accounts:settings": member(P.WORKSPACE_VIEW, "GET"),
    "accounts:read_receipts": member(P.WORKSPACE_MANAGE, "POST"),
    "accounts:general": member(P.WORKSPACE_MANAGE, "GET", "POST"),
    "accounts:security": member(P.SECURITY_MANAGE, "GET", "POST"),
    "accounts:members": member(P.MEMBERS_VIEW, "GET"),
    "accounts:membership": member(P.WORKSPACE_VIEW, "GET"),
    "accounts:leave": member(P.WORKSPACE_VIEW, "POST"),
    "accounts:invite": member(P.MEMBERS_MANAGE, "GET", "POST"),
    "accounts:transfer": member(P.WORKSPACE_TRANSFER, "GET", "POST"),
    "accounts:member": member(P.MEMBERS_MANAGE, "GET", "POST", identity="viewer"),
    "accounts:remove_member": member(P.MEMBERS_MANAGE, "POST", identity="viewer"),
    "accounts:resend_invitation": member(P.MEMBERS_MANAGE, "POST", identity="invitation"),
    "accounts:revoke_invitation": member(P.MEMBERS_MANAGE, "POST", identity="invitation"),
    "accounts:roles": member(P.MEMBERS_VIEW, "GET"),
    "accounts:new_role": member(P.ROLES_MANAGE, "GET", "POST"),
    "accounts:role": member(P.ROLES_MANAGE, "GET", "POST", identity="role"),
    "accounts:delete_role": member(P.ROLES_MANAGE, "POST", identity="role"),
    "accounts:api_keys": member(P.API_KEYS_MANAGE, "GET", "POST"),
    "accounts:rotate_api_key": member(P.API_KEYS_MANAGE, "POST", key_id="api_key"),
    "accounts:end_old_secret": member(P.API_KEYS_MANAGE, "POST", key_id="api_key"),
    "accounts:revoke_api_key": member(P.API_KEYS_MANAGE, "POST", key_id="api_key"),
    "accounts:audit": member(P.AUDIT_VIEW, "GET"),
    "accounts:verify_audit": member(P.AUDIT_VIEW, "POST"),
    "accounts:export_audit": member(P.AUDIT_EXPORT, "POST"),
    "accounts:audit_heads": member(P.AUDIT_VIEW, "GET"),
    "accounts:mail_audit_heads": member(P.AUDIT_VIEW, "POST"),
    "accounts:keep_audit": member(P.WORKSPACE_MANAGE, "POST"),
    "accounts:operator_access": member(P.OPERATOR_ACCESS_VIEW, "GET"),
    "accounts:operator_reads": member(P.OPERATOR_ACCESS_VIEW, "GET", **GRANT),
    "accounts:approve_access": member(P.OPERATOR_ACCESS_DECIDE, "POST", **GRANT),
    "accounts:refuse_access": member(P.OPERATOR_ACCESS_DECIDE, "POST", **GRANT),
    "accounts:end_access": member(P.OPERATOR_ACCESS_DECIDE, "POST", **GRANT),
    "conversations:list": member(P.CONVERSATIONS_VIEW, "GET"),
    "conversations:detail": member(P.CONVERSATIONS_VIEW, "GET", **CONVERSATION),
    "conversations:reply": member(P.CONVERSATIONS_REPLY, "POST", **CONVERSATION),
    "conversations:close": member(P.CONVERSATIONS_MANAGE, "POST", **CONVERSATION),
    "conversations:reopen": member(P.CONVERSATIONS_MANAGE, "POST", **CONVERSATION),
    "conversations:assign": member(P.CONVERSATIONS_MANAGE, "POST", **CONVERSATION),
    "conversations:read": member(P.CONVERSATIONS_REPLY, "POST", **CONVERSATION),
    "conversations:reveal": member(P.IDENTIFIERS_REVEAL, "POST", **CONVERSATION),
    "conversations:record_opt_in": member(P.CONTACTS_MANAGE, "POST", **CONVERSATION),
    "conversations:withdraw_opt_in": member(P.CONTACTS_MANAGE, "POST", **CONVERSATION),
    "conversations:block": member(P.CONTACTS_MANAGE, "POST", **CONVERSATION),
    "conversations:unblock": member(P.CONTACTS_MANAGE, "POST", **CONVERSATION),
    "conversations:confirm": member(P.CONVERSATIONS_REPLY, "POST", **CONVERSATION),
    "conversations:opt_ins": member(P.WORKSPACE_VIEW, "GET"),
    "conversations:attest": member(P.WORKSPACE_MANAGE, "POST"),
    "conversations:template": member(P.CONVERSATIONS_REPLY, "GET", "POST", **CONVERSATION),
    "conversations:choices": member(P.CONVERSATIONS_REPLY, "GET", "POST", **CONVERSATION),
    "conversations:typing": member(P.CONVERSATIONS_REPLY, "POST", **CONVERSATION),
    "conversations:react": member(P.CONVERSATIONS_REPLY, "POST", identity="message"),
    "conversations:reschedule": member(P.CONVERSATIONS_REPLY, "POST", identity="message"),
    "conversations:cancel_scheduled": member(P.CONVERSATIONS_REPLY, "POST", identity="message"),
    "conversations:retry": member(P.CONVERSATIONS_REPLY, "POST", identity="message"),
    "conversations:attachment": member(P.CONVERSATIONS_VIEW, "GET", identity="attachment"),
    "conversations:fetch_again": member(P.CONVERSATIONS_MANAGE, "POST", identity="attachment"),
    "conversations:campaigns": member(P.CAMPAIGNS_MANAGE, "GET"),
    "conversations:new_campaign": member(P.CAMPAIGNS_MANAGE, "GET", "POST"),
    "conversations:campaign": member(P.CAMPAIGNS_MANAGE, "GET", **CAMPAIGN),
    "conversations:campaign_people": member(P.CAMPAIGNS_MANAGE, "POST", **CAMPAIGN),
    "conversations:start_campaign": member(P.CAMPAIGNS_MANAGE, "POST", **CAMPAIGN),
    "conversations:pause_campaign": member(P.CAMPAIGNS_MANAGE, "POST", **CAMPAIGN),
    "conversations:resume_campaign": member(P.CAMPAIGNS_MANAGE, "POST", **CAMPAIGN),
    "conversations:stop_campaign": member(P.CAMPAIGNS_MANAGE, "POST", **CAMPAIGN),
    "conversations:discard_campaign": member(P.CAMPAIGNS_MANAGE, "POST", **CAMPAIGN),
    "conversations:campaign_recipients": member(P.CAMPAIGNS_MANAGE, "GET", **CAMPAIGN),
    "conversations:campaign_results": member(P.CAMPAIGNS_MANAGE, "POST", **CAMPAIGN),
    "channels:list": member(P.CHANNELS_VIEW, "GET"),
    "channels:choose": member(P.CHANNELS_MANAGE, "GET"),
    "channels:sign_in": member(P.CHANNELS_MANAGE, "GET", "POST", flow="provider"),
    "channels:login": member(P.CHANNELS_MANAGE, "GET", "POST", identity="conversation"),
    "channels:own_app": member(P.CHANNELS_MANAGE, "GET", "POST"),
    "channels:remove_own_app": member(P.CHANNELS_MANAGE, "POST", identity="conversation"),
    "channels:connect": member(P.CHANNELS_MANAGE, "GET", "POST"),
    "channels:detail": member(P.CHANNELS_VIEW, "GET", **CHANNEL),
    "channels:check": member(P.CHANNELS_MANAGE, "POST", **CHANNEL),
    "channels:new_token": member(P.CHANNELS_MANAGE, "POST", **CHANNEL),
    "channels:disconnect": member(P.CHANNELS_MANAGE, "POST", **CHANNEL),
    "channels:templates": member(P.CHANNELS_VIEW, "GET", **CHANNEL),
    "channels:fetch_templates": member(P.CHANNELS_MANAGE, "POST", **CHANNEL),
    "channels:new_template": member(P.CHANNELS_MANAGE, "GET", "POST", **CHANNEL),
    "channels:template": member(P.CHANNELS_VIEW, "GET", **TEMPLATE),
    "channels:edit_template": member(P.CHANNELS_MANAGE, "GET", "POST", **TEMPLATE),
    "channels:delete_template": member(P.CHANNELS_MANAGE, "POST", **TEMPLATE),
    "privacy:home": member(P.RETENTION_VIEW, "GET"),
    "privacy:retention": member(P.RETENTION_VIEW, "GET"),
    "privacy:retention_save": member(P.RETENTION_MANAGE, "POST"),
    "privacy:purge_now": member(P.RETENTION_MANAGE, "POST"),
    "privacy:close_workspace": member(P.WORKSPACE_CLOSE, "POST"),
    "privacy:keep_workspace": member(P.WORKSPACE_CLOSE, "POST"),
    # The API.
    "members": key(GET=P.MEMBERS_VIEW),
    "channels": key(GET=P.CHANNELS_VIEW, POST=P.CHANNELS_MANAGE),
    "channel": key({"id": "channel"}, GET=P.CHANNELS_VIEW, PATCH=P.CHANNELS_MANAGE, DELETE=P.CHANNELS_MANAGE),
    "channel_check": key({"id": "channel"}, POST=P.CHANNELS_MANAGE),
    "contacts": key(GET=P.CONVERSATIONS_VIEW, POST=P.CONTACTS_MANAGE),
    "contact": key({"id": "contact"}, GET=P.CONVERSATIONS_VIEW, PATCH=P.CONTACTS_MANAGE),
    "contact_opt_ins": key({"id": "contact"}, GET=P.CONVERSATIONS_VIEW, POST=P.CONTACTS_MANAGE),
    "contact_reveal": key({"id": "contact"}, POST=P.IDENTIFIERS_REVEAL),
    "conversations": key(GET=P.CONVERSATIONS_VIEW),
    "conversation": key({"id": "conversation"}, GET=P.CONVERSATIONS_VIEW, PATCH=P.CONVERSATIONS_MANAGE),
    "conversation_messages": key({"id": "conversation"}, GET=P.CONVERSATIONS_VIEW, POST=P.CONVERSATIONS_REPLY),
    "messages": key(POST=P.CONVERSATIONS_REPLY),
    "message": key(
        {"id": "message"}, GET=P.CONVERSATIONS_VIEW, PATCH=P.CONVERSATIONS_REPLY, DELETE=P.CONVERSATIONS_REPLY
    ),
    "templates": key(GET=P.CHANNELS_VIEW, POST=P.CHANNELS_MANAGE),
    "template": key({"id": "template"}, GET=P.CHANNELS_VIEW, PATCH=P.CHANNELS_MANAGE, DELETE=P.CHANNELS_MANAGE),
    "retention": key(GET=P.RETENTION_VIEW, PUT=P.RETENTION_MANAGE),
    "audit": key(GET=P.AUDIT_VIEW),
    "retention_preview": key(POST=P.RETENTION_VIEW),
}
# Whole parts of the address space, by the start of the route, with the reason why rows are not listed one by one.
PARTS = {
    "admin/": (OPERATOR, "Django's admin makes its addresses from the registered models"),
    "sandbox/": (ANYONE, "the other side, local and tests only: it holds nothing of the product"),
    "styleguide/": (ANYONE, "local and tests only: no data"),
}
ELSEWHERE = {"conversations:events": "asynchronous: tests/project/test_doors.py and the sign-in tests call it"}
