"""The one door: what is refused before it is read, and what reaches Django unchanged."""

import asyncio
import io
from typing import Any

import pytest
from a2wsgi import WSGIMiddleware

from omnistra import asgi


@pytest.fixture
def seen(monkeypatch) -> list[tuple[dict[str, Any], bytes]]:
    """What the WSGI side was called with: environ and body."""
    calls: list[tuple[dict[str, Any], bytes]] = []

    def pages(environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        calls.append((environ, body))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return io.BytesIO(b"ok")

    monkeypatch.setattr(asgi, "_pages", WSGIMiddleware(pages, workers=1))
    return calls


def ask(path: str, chunks: list[bytes], headers: dict[str, str] | None = None, then: str = "") -> tuple[int, int]:
    """Send a POST in chunks; gives the status (0 for none) and how many chunks were taken."""
    taken, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if taken == len(chunks):
            return {"type": then or "http.disconnect"}
        taken += 1
        more = taken < len(chunks) or bool(then)
        return {"type": "http.request", "body": chunks[taken - 1], "more_body": more}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "query_string": b"", "http_version": "1.1", "scheme": "https",
        "server": ("omnistra.example", 443), "client": ("203.0.113.7", 51000),
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    }  # fmt: skip
    asyncio.run(asgi.application(scope, receive, send))
    return next((message["status"] for message in sent if "status" in message), 0), taken


MEGABYTE = b"x" * 1024 * 1024


def test_a_webhook_above_three_megabytes_is_refused_before_it_is_read(seen):
    assert ask("/webhooks/whatsapp/", [MEGABYTE] * 4, {"content-length": str(4 * len(MEGABYTE))}) == (413, 0)
    assert seen == []


def test_a_webhook_that_hides_its_length_is_refused_once_it_passes_the_limit(seen):
    status, taken = ask("/webhooks/whatsapp/", [MEGABYTE] * 50, {"transfer-encoding": "chunked"})
    assert (status, taken) == (413, 4)
    assert seen == []


def test_a_webhook_of_exactly_the_limit_arrives_whole_with_or_without_a_length(seen):
    assert ask("/webhooks/whatsapp/", [MEGABYTE] * 3, {"transfer-encoding": "chunked"})[0] == 200
    assert ask("/webhooks/whatsapp/", [MEGABYTE] * 3, {"content-length": str(asgi.WEBHOOK_LIMIT)})[0] == 200
    assert [len(body) for _, body in seen] == [asgi.WEBHOOK_LIMIT] * 2


def test_a_sender_who_leaves_midway_reaches_nobody(seen):
    assert ask("/webhooks/whatsapp/", [MEGABYTE], then="http.disconnect")[0] == 0
    assert seen == []


def test_a_page_takes_an_attachment_of_100_megabytes_and_refuses_what_no_form_sends(seen):
    size = 100 * len(MEGABYTE)
    assert ask("/w/demo/inbox/", [MEGABYTE] * 100, {"content-length": str(size)})[0] == 200
    assert len(seen[0][1]) == size
    assert ask("/w/demo/inbox/", [], {"content-length": str(asgi.BODY_LIMIT + 1)}) == (413, 0)
    assert ask("/w/demo/inbox/", [b"a=b"], {"transfer-encoding": "chunked"}) == (411, 0)


def test_address_and_scheme_survive_and_no_header_passes_for_another(seen):
    headers = {"x-forwarded-for": "198.51.100.1", "x_forwarded_for": "evil", "content-length": "0"}
    assert ask("/", [b""], headers)[0] == 200
    environ = seen[0][0]
    assert environ["REMOTE_ADDR"] == "203.0.113.7"
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTP_X_FORWARDED_FOR"] == "198.51.100.1"
