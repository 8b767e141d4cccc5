"""Routes under /w/<slug>/."""

from django.urls import path

from accounts.views import api_keys, audit, invitations, members, operator_access, roles, security, workspace

app_name = "accounts"
urlpatterns = [
    path("", workspace.workspace_home, name="workspace"),
    path("settings/", workspace.settings_home, name="settings"),
    path("settings/workspace/", workspace.general, name="general"),
    path("settings/workspace/read-receipts/", workspace.read_receipts, name="read_receipts"),
    path("settings/membership/", members.membership, name="membership"),
    path("settings/membership/leave/", members.leave, name="leave"),
    path("settings/security/", security.security, name="security"),
    path("settings/members/", members.members, name="members"),
    path("settings/members/invite/", invitations.invite, name="invite"),
    path("settings/members/transfer/", members.transfer, name="transfer"),
    path("settings/members/<uuid:identity>/", members.member, name="member"),
    path("settings/members/<uuid:identity>/remove/", members.remove, name="remove_member"),
    path("settings/invitations/<uuid:identity>/resend/", invitations.resend, name="resend_invitation"),
    path("settings/invitations/<uuid:identity>/revoke/", invitations.revoke, name="revoke_invitation"),
    path("settings/roles/", roles.roles, name="roles"),
    path("settings/roles/new/", roles.new_role, name="new_role"),
    path("settings/roles/<uuid:identity>/", roles.role, name="role"),
    path("settings/roles/<uuid:identity>/delete/", roles.delete_role, name="delete_role"),
    path("settings/api-keys/", api_keys.api_keys, name="api_keys"),
    path("settings/api-keys/<uuid:key_id>/rotate/", api_keys.rotate_api_key, name="rotate_api_key"),
    path("settings/api-keys/<uuid:key_id>/end-old/", api_keys.end_old_secret, name="end_old_secret"),
    path("settings/api-keys/<uuid:key_id>/revoke/", api_keys.revoke_api_key, name="revoke_api_key"),
    path("settings/audit/", audit.audit_log, name="audit"),
    path("settings/audit/verify/", audit.verify_audit, name="verify_audit"),
    path("settings/audit/export/", audit.export_audit, name="export_audit"),
    path("settings/audit/heads/", audit.audit_heads, name="audit_heads"),
    path("settings/audit/mail/", audit.mail_audit_heads, name="mail_audit_heads"),
    path("settings/audit/keeping/", audit.keep_audit, name="keep_audit"),
    path("settings/operator-access/", operator_access.operator_access, name="operator_access"),
    path("settings/operator-access/<uuid:grant_id>/", operator_access.operator_reads, name="operator_reads"),
    path("settings/operator-access/<uuid:grant_id>/approve/", operator_access.approve_access, name="approve_access"),
    path("settings/operator-access/<uuid:grant_id>/refuse/", operator_access.refuse_access, name="refuse_access"),
    path("settings/operator-access/<uuid:grant_id>/end/", operator_access.end_access, name="end_access"),
]
