"""One port: Django's WSGI handler in threads for pages, API and webhooks; its ASGI handler for event streams only.

1. Measured: the ASGI handler is several times slower for ordinary requests, and a stream would hold a thread.
2. A body above its limit answers 413 before it is read; a webhook's body is read here, so that no slow sender holds a
   thread, and never beyond the limit.
3. A body without a length answers 411: WSGI would show it to the application as an empty one.
"""

import os
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnistra.settings.local")

from a2wsgi import WSGIMiddleware
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.template.loader import render_to_string

from omnistra.core.headers import complete

WEBHOOK_LIMIT = 3 * 1024 * 1024  # bytes; Meta sends at most 3 MB (providers/whatsapp.md 4.3)
BODY_LIMIT = 110 * 1024 * 1024  # bytes; WhatsApp's largest attachment has 100 MB, and forms add their parts

_streams = get_asgi_application()
_pages: Any = WSGIMiddleware(cast(Any, get_wsgi_application()), workers=int(os.environ.get("WEB_THREADS", "8")))


async def application(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http":
        path = scope["path"]
        if path.startswith("/w/") and path.endswith("/events/"):
            await _streams(scope, receive, send)
        elif path.startswith("/webhooks/") and scope["method"] == "POST":
            await _webhook(scope, receive, send)
        else:
            await _page(scope, receive, send)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _webhook(scope: Any, receive: Any, send: Any) -> None:
    """Read the body up to the limit, then hand it over whole."""
    if _length(scope) > WEBHOOK_LIMIT:
        await _refuse(scope, send, 413)
        return
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        if len(body) > WEBHOOK_LIMIT:
            await _refuse(scope, send, 413)
            return
        more = message.get("more_body", False)
    whole = bytes(body)

    async def replay() -> dict[str, Any]:
        return {"type": "http.request", "body": whole, "more_body": False}

    headers = [pair for pair in _headers(scope) if pair[0] not in (b"content-length", b"transfer-encoding")]
    headers.append((b"content-length", str(len(whole)).encode()))
    await _pages({**scope, "headers": headers}, replay, send)


async def _page(scope: Any, receive: Any, send: Any) -> None:
    if _length(scope) > BODY_LIMIT:
        await _refuse(scope, send, 413)
    elif any(name == b"transfer-encoding" for name, _ in scope["headers"]):
        await _refuse(scope, send, 411)
    else:
        await _pages({**scope, "headers": _headers(scope)}, receive, send)


def _headers(scope: Any) -> list[tuple[bytes, bytes]]:
    """The headers without those that have an underscore: in WSGI they would pass for the ones with a hyphen."""
    return [pair for pair in scope["headers"] if b"_" not in pair[0]]


def _length(scope: Any) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(scope: Any, send: Any, status: int) -> None:
    """Answer without reading the rest of the body; so the connection ends."""
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept")
    if status == 413 and b"text/html" in accepted:
        kind, text = "text/html", str(render_to_string("413.html"))
    else:
        kind, text = "text/plain", {411: "A length is required.\n", 413: "The body is too large.\n"}[status]
    body = text.encode()
    headers = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close"}
    complete(headers)
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
