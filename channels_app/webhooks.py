"""Webhooks in: check the signature, append one sealed raw event, answer 200. Nothing else happens in the request.

1. No signature, no row. The body is hashed as it came, before anything reads it.
2. The insert is one statement of its own: durable when it is answered. The runtime role may append and not read.
3. The broker gets a wake-up at most; whatever it does, the answer stands.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from psycopg_pool import PoolTimeout

from accounts.access import public
from channels_app.contract import Provider
from channels_app.registry import PROVIDERS
from omnistra.core import keyring
from omnistra.core.ids import uuid7
from omnistra.core.jobs import wake
from omnistra.core.logs import get_logger
from omnistra.core.sealing import installation_hash

log = get_logger(__name__)
PREFIX = "/webhooks/"
MAX_BODY = 3 * 1024 * 1024  # providers/whatsapp.md 4.3
_APPEND = (
    "INSERT INTO channels_app_rawevent (id, provider, event_key, body, received_at, state, reason) "
    "VALUES (%s, %s, %s, %s, %s, 'new', '') ON CONFLICT DO NOTHING"
)


def place(provider: str, identity: Any) -> bytes:
    """The associated data of a raw event's body."""
    return f"rawevent|{provider}|{identity}".encode()


def append(provider: str, body: bytes) -> None:
    """Write a body into the journal; a repeat of a body that is there changes nothing. Raises DatabaseError."""
    now = datetime.now(UTC)
    identity = uuid7()
    sealed = keyring.ingress_key(now.date()).seal(body, place(provider, identity))
    key = installation_hash(f"event:{provider}", body)
    with connection.cursor() as cursor:
        cursor.execute(_APPEND, (identity, provider, key, sealed, now))


def _text(body: str, status: int) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="text/plain; charset=utf-8")


def _handshake(provider: Provider, request: HttpRequest) -> HttpResponse:
    answer = provider.handshake({name: str(value) for name, value in request.GET.items()})
    return _text("Wrong verify token.", 403) if answer is None else _text(answer, 200)


def _receive(provider: Provider, request: HttpRequest) -> HttpResponse:
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
            return _text("A webhook may have 3 MB.", 413)
        body = request.read(MAX_BODY + 1)
    except (OSError, ValueError):
        return _text("The body could not be read.", 400)
    if len(body) > MAX_BODY:
        return _text("A webhook may have 3 MB.", 413)
    if not provider.signature_holds(body, request.headers):
        return _text("Missing or wrong signature.", 401)
    try:
        append(provider.slug, body)
    except (DatabaseError, InterfaceError, PoolTimeout) as error:
        log.error("webhook.not_stored", provider=provider.slug, error=type(error).__name__)
        return _text("Try again later.", 503)
    wake("conversations.drain")
    return _text("", 200)


def answer(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: the platform's handshake. POST: one webhook (contract.md, Webhooks in)."""
    provider = PROVIDERS.get(slug)
    if provider is None:
        return _text("Unknown provider.", 404)
    if request.method == "GET":
        return _handshake(provider, request)
    if request.method == "POST":
        return _receive(provider, request)
    return HttpResponse(status=405, headers={"Allow": "GET, POST"})


class WebhookMiddleware:
    """Answers webhooks before sessions, cookies and page headers: they need none and must be quick."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(PREFIX):
            return answer(request, request.path_info[len(PREFIX) :].strip("/"))
        return self.get_response(request)


@csrf_exempt
@public
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """The route of the same, so that the address is named and reversed like any other."""
    return answer(request, provider)
