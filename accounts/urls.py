"""Routes under /w/<slug>/."""

from django.urls import path

from accounts.views import api_keys, members, operator_access, workspace

app_name = "accounts"
urlpatterns = [
    path("", workspace.workspace_home, name="workspace"),
    path("settings/", workspace.settings_home, name="settings"),
    path("settings/workspace/", workspace.general, name="general"),
    path("settings/members/", members.members, name="members"),
    path("settings/api-keys/", api_keys.api_keys, name="api_keys"),
    path("settings/api-keys/<uuid:key_id>/revoke/", api_keys.revoke_api_key, name="revoke_api_key"),
    path("settings/operator-access/", operator_access.operator_access, name="operator_access"),
    path("settings/operator-access/<uuid:grant_id>/", operator_access.operator_reads, name="operator_reads"),
    path("settings/operator-access/<uuid:grant_id>/approve/", operator_access.approve_access, name="approve_access"),
    path("settings/operator-access/<uuid:grant_id>/refuse/", operator_access.refuse_access, name="refuse_access"),
    path("settings/operator-access/<uuid:grant_id>/end/", operator_access.end_access, name="end_access"),
]
