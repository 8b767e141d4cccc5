"""Routes under /w/<slug>/."""

from django.urls import path

from accounts.views import api_keys, members, workspace

app_name = "accounts"
urlpatterns = [
    path("", workspace.workspace_home, name="workspace"),
    path("settings/", workspace.settings_home, name="settings"),
    path("settings/members/", members.members, name="members"),
    path("settings/api-keys/", api_keys.api_keys, name="api_keys"),
    path("settings/api-keys/<uuid:key_id>/revoke/", api_keys.revoke_api_key, name="revoke_api_key"),
]
