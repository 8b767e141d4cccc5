"""The floor of the webhook: a bare Django view without middleware that checks the same HMAC and makes one INSERT
through a psycopg pool, served by the same uvicorn and a2wsgi."""

import hashlib
import hmac
import os
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import django
from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from psycopg_pool import ConnectionPool

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="bench",
    MIDDLEWARE=[],
    DATA_UPLOAD_MAX_MEMORY_SIZE=3 * 1024 * 1024,
    LOGGING_CONFIG=None,
)
django.setup()

_url = urlsplit(os.environ["DATABASE_OWNER_URL"])
_pool = ConnectionPool(
    kwargs={
        "host": unquote(parse_qs(_url.query)["host"][0]),
        "user": _url.username,
        "dbname": _url.path[1:],
        "autocommit": True,
    },
    min_size=8,
    max_size=16,
    open=True,
)
_secret = os.environ["META_APP_SECRET"].encode()


def take(request: HttpRequest) -> HttpResponse:
    """Check and store."""
    body = request.body
    wanted = "sha256=" + hmac.new(_secret, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, request.headers.get("X-Hub-Signature-256", "")):
        return HttpResponse(status=401)
    with _pool.connection() as connection:
        connection.execute("INSERT INTO bench_floor (body) VALUES (%s)", [body])
    return HttpResponse()


urlpatterns = [path("webhooks/whatsapp/", take)]
application: Any = WSGIMiddleware(cast(Any, get_wsgi_application()), workers=int(os.environ.get("WEB_THREADS", "8")))
