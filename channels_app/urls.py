"""Routes under /w/<slug>/settings/channels/."""

from django.urls import path

from channels_app import views

app_name = "channels"
urlpatterns = [
    path("", views.channel_list, name="list"),
    path("whatsapp/connect/", views.connect, name="connect"),
    path("<uuid:channel_id>/", views.detail, name="detail"),
    path("<uuid:channel_id>/check/", views.check, name="check"),
    path("<uuid:channel_id>/token/", views.new_token, name="new_token"),
    path("<uuid:channel_id>/disconnect/", views.disconnect, name="disconnect"),
]
