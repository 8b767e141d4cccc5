"""Routes of the sandbox when it stands on an address of its own (server.py)."""

from django.contrib.staticfiles.views import serve
from django.db import transaction
from django.urls import include, path

urlpatterns = [
    path("sandbox/", include("channels_app.sandbox.urls")),
    path("static/<path:path>", transaction.non_atomic_requests(serve), {"insecure": True}),
]
