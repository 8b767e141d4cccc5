"""Routes under /w/<slug>/settings/channels/."""

from django.urls import include, path

from channels_app import login_views, views

app_name = "channels"
urlpatterns = [
    path("", views.channel_list, name="list"),
    path("connect/", login_views.choose_platform, name="choose"),
    path("connect/<slug:flow>/", login_views.sign_in, name="sign_in"),
    path("login/<uuid:identity>/", login_views.choose, name="login"),
    path("app/", login_views.own_app, name="own_app"),
    path("app/<uuid:identity>/remove/", login_views.remove_own_app, name="remove_own_app"),
    path("whatsapp/connect/", views.connect, name="connect"),
    path("<uuid:channel_id>/", views.detail, name="detail"),
    path("<uuid:channel_id>/check/", views.check, name="check"),
    path("<uuid:channel_id>/token/", views.new_token, name="new_token"),
    path("<uuid:channel_id>/disconnect/", views.disconnect, name="disconnect"),
    path("<uuid:channel_id>/templates/", include("channels_app.templates.urls")),
]
