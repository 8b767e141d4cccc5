"""/healthz, /readyz and /metrics: what they say, to whom, and when something is away."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, OperationalError, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.audit import Actor
from channels_app.models import RawEvent
from conversations import replies
from conversations.models import Attachment, Conversation, Delivery
from omnistra import metrics
from omnistra.core import ids
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import erasure
from privacy.models import PurgeRun, RetentionPolicy
from tests.channels_app.test_webhooks import post
from tests.conversations.webhooks import LENA, connect, deliver, media, text

NOW = datetime.now(UTC).replace(microsecond=0)


def figures(client: Client | None = None, **headers: str) -> dict[str, float]:
    answer = (client or Client()).get("/metrics", headers={"Host": "localhost", **headers})
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    return {name: float(value) for name, value in re.findall(r"^omnistra_(\S+) (\S+)$", answer.content.decode(), re.M)}


def test_an_empty_installation_waits_for_nothing(committed):
    assert set(figures().values()) == {0.0}


def test_each_figure_counts_what_waits(committed, workspace, other, member):
    channel = connect(workspace)
    deliver((channel, text("wamid.1", "hello", NOW)), (channel, media("wamid.2", NOW)))
    deliver((channel, {"messages": [{"id": "wamid.bad"}]}))
    for number in range(3):
        assert post(b'{"n": %d}' % number).status_code == 200
    with system_scope("test"), transaction.atomic():
        first = RawEvent.objects.filter(state="new").order_by("id").first()
        RawEvent.objects.filter(pk=first.pk).update(received_at=NOW - timedelta(minutes=5))
    with workspace_scope(workspace.pk):
        with transaction.atomic():
            conversation = Conversation.objects.select_related("channel").get()
        for _ in range(2):
            replies.send_reply(conversation, "Hi", Actor.member(member))
        with transaction.atomic():
            one = Delivery.objects.order_by("pk").first()
            Delivery.objects.filter(pk=one.pk).update(created_at=NOW - timedelta(minutes=10))
            long_ago = Delivery.objects.order_by("pk").last()
            Delivery.objects.create(
                id=ids.uuid7_at(NOW - timedelta(days=1)), channel_id=channel.pk, conversation_id=conversation.pk,
                message_id=long_ago.message_id, state="sent",
            )  # fmt: skip
            erasure.forget_files(["a", "b"])
            erasure.announce_file("c")
            assert Attachment.objects.get().state == "pending"
    found = figures()
    assert found["journal_waiting"] == 3
    assert found["journal_oldest_seconds"] >= 300
    assert found["journal_set_aside"] == 1
    assert found['deliveries_waiting{state="queued"}'] == 2 and found['deliveries_waiting{state="sending"}'] == 0
    assert found["delivery_oldest_queued_seconds"] >= 600
    assert found['deliveries_of_last_hour{state="queued"}'] == 2
    assert found['deliveries_of_last_hour{state="sent"}'] == 0  # made yesterday
    assert found["media_due"] == 1
    assert found["files_to_remove"] == 2


@pytest.mark.clause("10b")
def test_the_purge_lag_is_that_of_the_workspace_that_waits_longest(committed, workspace, other):
    def rule(owner, days: int | None, since: timedelta) -> None:
        with workspace_scope(owner.pk), transaction.atomic():
            RetentionPolicy.objects.all().delete()
            RetentionPolicy.objects.create(conversation_days=days)
            RetentionPolicy.objects.update(updated_at=timezone.now() - since)

    def passed(owner, ago: timedelta, finished: bool = True) -> None:
        with workspace_scope(owner.pk), transaction.atomic():
            at = timezone.now() - ago
            PurgeRun.objects.create(trigger="schedule", started_at=at, finished_at=at if finished else None)

    rule(workspace, 5, timedelta(days=30))
    passed(workspace, timedelta(minutes=30))
    rule(other, None, timedelta(days=30))  # keeps until asked: nothing to be late with
    assert 1800 <= figures()["purge_lag_seconds"] < 1830
    rule(other, 1, timedelta(hours=2))  # never had a pass
    assert 7200 <= figures()["purge_lag_seconds"] < 7230
    passed(other, timedelta(hours=1), finished=False)  # killed: it does not count
    assert 7200 <= figures()["purge_lag_seconds"] < 7230
    passed(other, timedelta(minutes=1))
    assert 1800 <= figures()["purge_lag_seconds"] < 1830


@pytest.mark.clause("2c")
def test_the_figures_name_no_workspace_and_nobody(committed, workspace):
    channel = connect(workspace)
    deliver((channel, text("wamid.1", "quokka", NOW)))
    said = metrics.text()
    for word in ("northwind", "Northwind", LENA, "Lena", "quokka", str(workspace.pk), channel.external_id):
        assert word not in said


def test_the_figures_cost_a_constant_number_of_queries_that_follow_indexes(committed, workspace):
    with CaptureQueriesContext(connections["default"]) as seen:
        metrics.text()
    asked = [each["sql"] for each in seen.captured_queries if each["sql"].startswith(("SELECT", "\nSELECT"))]
    assert len(asked) == 9
    with transaction.atomic(), system_scope("test"), connections["default"].cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for sql in asked:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            large = ("rawevent", "delivery", "attachment", "purgerun")
            assert not any(f"Seq Scan on {table}" in plan or f"Seq Scan on conversations_{table}" in plan
                           for table in large), plan  # fmt: skip


def test_without_a_token_only_this_machine_sees_them(committed):
    client = Client()
    for headers in (
        {"Host": "omnistra.example"},
        {"Host": "localhost", "X-Forwarded-For": "127.0.0.1"},
        {"Host": "localhost", "Forwarded": "for=127.0.0.1"},
        {"Host": "localhost", "X-Real-IP": "127.0.0.1"},
        {"Host": "localhost", "Authorization": "Bearer "},
    ):
        status = 200 if headers.get("Authorization") else 401
        assert client.get("/metrics", headers=headers).status_code == status, headers
    for address in ("203.0.113.7", "10.0.0.1", "::ffff:203.0.113.7", "", "unix"):
        answer = client.get("/metrics", headers={"Host": "localhost"}, REMOTE_ADDR=address)
        assert answer.status_code == 401 and b"omnistra_" not in answer.content, address
    assert client.get("/metrics", headers={"Host": "[::1]:8000"}, REMOTE_ADDR="::1").status_code == 200


def test_with_a_token_it_is_asked_of_everyone(committed, settings):
    settings.METRICS_TOKEN = "long-and-random"
    client = Client()
    for given in ("", "Bearer wrong", "Bearer", "Basic long-and-random", "long-and-random", "Bearer l\u00f6ng"):
        answer = client.get("/metrics", headers={"Host": "localhost", "Authorization": given})
        assert answer.status_code == 401 and answer["WWW-Authenticate"] == "Bearer", given
    away = {"headers": {"Host": "x.example", "Authorization": "Bearer long-and-random"}, "REMOTE_ADDR": "203.0.113.7"}
    assert client.get("/metrics", **away).status_code == 200


@pytest.fixture
def database_away(monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("couldn't get a connection")

    for alias in ("default", "keys"):
        monkeypatch.setattr(connections[alias], "ensure_connection", away)
        monkeypatch.setattr(connections[alias], "cursor", away)


def test_a_process_without_its_database_is_alive_and_not_ready_and_says_503(db, settings, database_away):
    settings.ALLOWED_HOSTS = ["omnistra.example"]
    client = Client(raise_request_exception=False)
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["database"], answer.json()["keys"]) == (503, False, False)
    assert client.get("/metrics", headers={"Host": "localhost"}).status_code == 503


def test_a_page_and_the_api_without_their_database_say_503_in_their_own_form(db, database_away):
    client = Client(raise_request_exception=False)
    page = client.get("/w/northwind/inbox/")
    assert page.status_code == 503 and "Back in a moment" in page.content.decode() and page["Retry-After"] == "5"
    answer = client.get("/api/v1/conversations/", headers={"Authorization": "Bearer omn_x"})
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert answer.json()["code"] == "unavailable"
    assert client.post("/webhooks/whatsapp/", b"{}", content_type="application/json").status_code == 401


def test_our_own_failures_are_500_in_the_callers_form_and_leak_nothing(committed, monkeypatch):
    def broken(*args, **kwargs):
        raise DatabaseError("Key (email)=(lena@example.org) already exists")

    monkeypatch.setattr("accounts.api_guard.ApiKeyAuthentication.authenticate", broken)
    monkeypatch.setattr("omnistra.pages.policies.current", broken)
    client = Client(raise_request_exception=False)
    answer = client.get("/api/v1/conversations/")
    assert (answer.status_code, answer.json()["code"]) == (500, "failed")
    page = client.get("/terms/")
    assert page.status_code == 500 and "This is our fault" in page.content.decode()
    for each in (answer, page):
        assert "lena" not in each.content.decode() and "Key (" not in each.content.decode()


def test_without_the_broker_a_process_is_ready_because_the_sweep_catches_up(db, settings):
    settings.CACHE_URL = "unix:///nowhere/valkey.sock"
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"database": True, "keys": True, "broker": False}


def test_the_probes_need_no_allowed_host_and_take_no_other_method(db, settings):
    settings.ALLOWED_HOSTS = ["omnistra.example"]
    client = Client()
    for address in ("/healthz", "/readyz"):
        answer = client.get(address, headers={"Host": "10.0.0.7:8000"})
        assert answer.status_code == 200 and answer["Cache-Control"] == "no-store" and not answer.cookies
        assert client.post(address).status_code == 405
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
