"""Addresses of the sandbox, under `/sandbox/`. Refuses to be mounted anywhere but in a local or test
environment."""

from django.core.exceptions import ImproperlyConfigured
from django.urls import path

from . import api, checks, graph, login, pages

if not checks.permitted():
    raise ImproperlyConfigured("The sandbox exists in local and test environments only.")

app_name = "sandbox"
urlpatterns = [
    path("", pages.phone_page, name="phone"),
    path("api/<slug:name>", api.api, name="api"),
    path("api/<slug:name>/", api.api),
    path("media/<slug:media_id>", api.show_media, name="media"),
    path("login/<str:version>/dialog/oauth", login.dialog, name="login"),
    path("login/oauth/authorize", login.dialog, name="instagram_login"),
    path("instagram/oauth/access_token", login.instagram_exchange, name="instagram_exchange"),
    path("graph/access_token", login.instagram_token, name="instagram_token"),
    path("graph/refresh_access_token", login.instagram_token),
    path("graph/<str:version>/<path:path>", graph.graph, name="graph"),
    path("cdn/<slug:media_id>/<str:name>", graph.cdn, name="cdn"),
    path("lookaside/whatsapp_business/attachments/", graph.download, name="download"),
]
