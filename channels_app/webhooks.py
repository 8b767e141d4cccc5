"""Webhooks in: check the signature, append one sealed raw event, answer 200. Nothing else happens in the request.

1. No signature, no row. The body is hashed as it came, before anything reads it.
2. The insert is one statement of its own: durable when it is answered. The runtime role may append and not read.
3. The broker gets a wake-up at most; whatever it does, the answer stands.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from psycopg_pool import PoolTimeout

from accounts.access import public
from channels_app.contract import Provider
from channels_app.models import OwnApp
from channels_app.providers.meta import signing
from channels_app.registry import PROVIDERS
from omnistra.core import keyring
from omnistra.core.ids import uuid7
from omnistra.core.jobs import wake
from omnistra.core.logs import get_logger
from omnistra.core.sealing import installation_hash
from omnistra.core.tenancy import system_scope

log = get_logger(__name__)
PREFIX = "/webhooks/"
MAX_BODY = 3 * 1024 * 1024  # providers/whatsapp.md 4.3
_APPEND = (
    "INSERT INTO channels_app_rawevent (id, provider, event_key, body, received_at, workspace_id, state, reason) "
    "VALUES (%s, %s, %s, %s, %s, %s, 'new', '') ON CONFLICT DO NOTHING"
)


def place(provider: str, identity: Any) -> bytes:
    """The associated data of a raw event's body."""
    return f"rawevent|{provider}|{identity}".encode()


def append(provider: str, body: bytes, workspace_id: UUID | None = None) -> None:
    """Write a body into the journal; a repeat of a body that is there changes nothing. `workspace_id`: its own app signed
    it, so it tells of no other workspace's channels. Raises DatabaseError."""
    now = datetime.now(UTC)
    identity = uuid7()
    sealed = keyring.ingress_key(now.date()).seal(body, place(provider, identity))
    signed_for = f":{workspace_id}" if workspace_id else ""  # what one app signed hides no other app's event
    key = installation_hash(f"event:{provider}{signed_for}", body)
    with connection.cursor() as cursor:
        cursor.execute(_APPEND, (identity, provider, key, sealed, now, workspace_id))


def _text(body: str, status: int) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="text/plain; charset=utf-8")


@dataclass(frozen=True, slots=True)
class _App:
    """A workspace's own app with its secrets opened."""

    workspace_id: UUID
    secret: str = field(repr=False)
    verify_token: str = field(repr=False)


def _handshake(provider: Provider, own: _App | None, request: HttpRequest) -> HttpResponse:
    query = {name: str(value) for name, value in request.GET.items()}
    answer = signing.handshake(query, own.verify_token) if own else provider.handshake(query)
    return _text("Wrong verify token.", 403) if answer is None else _text(answer, 200)


def _receive(provider: Provider, own: _App | None, request: HttpRequest) -> HttpResponse:
    if own is None and not provider.is_set_up():
        log.error("webhook.no_secret", provider=provider.slug)
        return _text("This platform is not set up here.", 503)
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
            return _text("A webhook may have 3 MB.", 413)
        body = request.read(MAX_BODY + 1)
    except (OSError, ValueError):
        return _text("The body could not be read.", 400)
    if len(body) > MAX_BODY:
        return _text("A webhook may have 3 MB.", 413)
    holds = (
        signing.signature_holds(body, request.headers, [own.secret]) if own
        else provider.signature_holds(body, request.headers)
    )  # fmt: skip
    if not holds:
        return _text("Missing or wrong signature.", 401)
    try:
        append(provider.slug, body, own.workspace_id if own else None)
    except (DatabaseError, InterfaceError, PoolTimeout) as error:
        log.error("webhook.not_stored", provider=provider.slug, error=type(error).__name__)
        return _text("Try again later.", 503)
    wake("conversations.drain")
    return _text("", 200)


def _own_app(key: str) -> _App | None:
    """The workspace's own app whose webhooks come to this address, its secrets opened; None for an unknown one."""
    with transaction.atomic(), system_scope("channels.webhook"):
        own = OwnApp.objects.filter(key=key).first()
        if own is not None:
            return _App(own.workspace_id, str(own.secret), str(own.verify_token))
    return None


def answer(request: HttpRequest, slug: str, key: str = "") -> HttpResponse:
    """GET: the platform's handshake. POST: one webhook (contract.md, Webhooks in). With a `key` it is a workspace's own
    app that calls: its secret alone is accepted there."""
    provider = PROVIDERS.get(slug)
    if provider is None:
        return _text("Unknown provider.", 404)
    if request.method not in ("GET", "POST"):
        return HttpResponse(status=405, headers={"Allow": "GET, POST"})
    try:
        own = _own_app(key) if key else None
    except (DatabaseError, InterfaceError, PoolTimeout) as error:
        log.error("webhook.app_not_read", provider=slug, error=type(error).__name__)
        return _text("Try again later.", 503)
    if key and own is None:
        return _text("Unknown app.", 404)
    receive = _handshake if request.method == "GET" else _receive
    return receive(provider, own, request)


class WebhookMiddleware:
    """Answers webhooks before sessions, cookies and page headers: they need none and must be quick."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(PREFIX):
            slug, _, key = request.path_info[len(PREFIX) :].strip("/").partition("/")
            return answer(request, slug, key)
        return self.get_response(request)


@csrf_exempt
@public
def webhook(request: HttpRequest, provider: str, key: str = "") -> HttpResponse:
    """The route of the same, so that the address is named and reversed like any other."""
    return answer(request, provider, key)
