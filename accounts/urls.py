"""Routes under /w/<slug>/."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.workspace_home, name="workspace"),
    path("settings/", views.settings_home, name="settings"),
    path("settings/members/", views.members, name="members"),
    path("settings/api-keys/", views.api_keys, name="api_keys"),
    path("settings/api-keys/<uuid:key_id>/revoke/", views.revoke_api_key, name="revoke_api_key"),
]
