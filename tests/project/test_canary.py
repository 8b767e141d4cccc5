"""A planted text, name, number and token are found in no copy of the database, nowhere in Valkey, in no log line and in no
error report."""

import io
import logging
from datetime import UTC, datetime

import pytest
import redis
from django.conf import settings
from django.db import connections, transaction
from django.test import Client

from accounts.audit import Actor
from channels_app.providers.whatsapp.provider import WhatsApp
from conversations import bubbles, delivery, ingest, replies
from conversations.ingest import messages
from conversations.models import Conversation
from omnistra.core import reports
from omnistra.core.logs import configure
from omnistra.core.tenancy import workspace_scope
from tests.channels_app.test_webhooks import post
from tests.conversations.webhooks import body, connect, deliver, media, reaction, text
from tests.sentry import Sentry

TEXT, NAME, NUMBER, TOKEN, REPLY = (
    "quokka-canary",
    "Wilhelmina Canary",
    "4915566778899",
    "EAAG-test-token",
    "lyrebird-canary",
)
WAMID = "wamid.CANARY0001"
PLANTED = [TEXT, NAME, "Wilhelmina", NUMBER, TOKEN, REPLY, WAMID]


def dump() -> bytes:
    """Every row of every table of the main database, as a superuser's copy would hold it, and its hex opened."""
    out = io.BytesIO()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {settings.SYSTEM_ROLE}")
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            for (row,) in cursor.fetchall():
                out.write(row.encode() + b"\n")
    return out.getvalue()


def valkey() -> bytes:
    """Every key and value."""
    out = b""
    for url in {settings.CACHE_URL, settings.CELERY_BROKER_URL}:
        client = redis.Redis.from_url(url.replace("redis+socket://", "unix://"))
        for key in client.scan_iter():
            out += key + (client.dump(key) or b"")
    return out


@pytest.mark.clause("2c")
@pytest.mark.clause("2d")
def test_what_was_planted_is_found_nowhere(committed, workspace, owner, member):
    root, lines = logging.getLogger(), io.StringIO()
    before, level = root.handlers[:], root.level
    configure(None)
    root.handlers[0].setStream(lines)  # type: ignore[attr-defined]
    root.setLevel("INFO")
    try:
        channel = connect(workspace)
        now = datetime.now(UTC)
        answer = post(
            body(
                (channel, text(WAMID, TEXT, now, NUMBER, NAME)),
                (channel, {**media("wamid.CANARY0002", now, number=NUMBER), "contacts": []}),
                (channel, {**reaction(WAMID, TEXT, now, NUMBER), "contacts": []}),
                (channel, {"messages": [{"id": WAMID, "from": NUMBER, "type": TEXT}]}),
            )
        )
        assert answer.status_code == 200
        ingest.drain()
        with workspace_scope(workspace.pk), transaction.atomic():
            conversation = Conversation.objects.select_related("channel").get()
        with workspace_scope(workspace.pk):
            replies.send_reply(conversation, REPLY, Actor.member(member))
        delivery.deliver()  # the stand-in is away: the outbox puts it off, and says so in the log
        client = Client()
        client.force_login(owner)
        page = client.get(f"/w/{workspace.slug}/inbox/{conversation.pk}/")
        client.get(f"/w/{workspace.slug}/inbox/?view={NUMBER}")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    shown = page.content.decode()
    assert TEXT in shown and "Wilhelmina" in shown, "the canary must be alive to prove anything"
    assert TOKEN not in shown
    copy, memory, written = dump(), valkey(), lines.getvalue().encode()
    assert b"northwind" in copy and written
    for planted in PLANTED:
        plain = planted.encode()
        for place, held in (("database", copy), ("Valkey", memory), ("log", written)):
            assert plain not in held, (planted, place)
            assert plain.hex().encode() not in held, (planted, place, "as hex")


def _fail(*held: object, **more: object) -> None:
    """Fail as code does: with what it worked on in its arguments, its variables and its message."""
    words = [str(each) for each in held] + PLANTED
    raise RuntimeError(f"could not work on {words} {more}")


@pytest.mark.clause("2c")
@pytest.mark.clause("2d")
def test_no_error_report_holds_what_was_planted(committed, workspace, owner, member, settings, monkeypatch):
    """The drain, the outbox and a page fail while they hold all of it."""
    sentry = Sentry()
    settings.SENTRY_DSN = sentry.dsn
    try:
        channel, now = connect(workspace), datetime.now(UTC)
        deliver((channel, text(WAMID, TEXT, now, NUMBER, NAME)))
        with workspace_scope(workspace.pk), transaction.atomic():
            conversation = Conversation.objects.select_related("channel").get()
        with workspace_scope(workspace.pk):
            replies.send_reply(conversation, REPLY, Actor.member(member))
        monkeypatch.setattr(messages, "insert", _fail)
        monkeypatch.setattr(WhatsApp, "send", _fail)
        monkeypatch.setattr(bubbles, "load", _fail)
        deliver((channel, text("wamid.CANARY0009", TEXT, now, NUMBER, NAME)))
        delivery.deliver()
        client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {TOKEN}"})
        client.force_login(owner)
        page = client.post(f"/w/{workspace.slug}/inbox/{conversation.pk}/close/?view={NUMBER}", {"note": TEXT})
        assert page.status_code == 302
        page = client.get(f"/w/{workspace.slug}/inbox/{conversation.pk}/?view={NUMBER}")
        assert page.status_code == 500
        reports.flush(5)
    finally:
        sentry.close()
    failed = {
        frame["module"]
        for event in sentry.events()
        for error in event["exception"]["values"]
        for frame in error["stacktrace"]["frames"]
    }
    assert {"conversations.ingest.journal", "conversations.delivery", "conversations.views"} <= failed
    held = sentry.raw()
    for planted in [*PLANTED, "northwind", owner.email, str(conversation.pk)]:
        assert planted.encode() not in held, planted
