"""Repeats, late ones and two workers at once: each message is stored once, and what is gone stays gone."""

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from channels_app import webhooks
from channels_app.models import Channel, RawEvent
from conversations import ingest
from conversations.jobs import forget
from conversations.models import Contact, Conversation, Message, Tombstone
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import retention
from privacy.models import RetentionPolicy
from tests.conversations.updates import NOW, after, give, text
from tests.conversations.webhooks import body, connect, deliver, status
from tests.conversations.webhooks import text as body_text


def counts(workspace) -> tuple[int, int, int, int]:
    with workspace_scope(workspace.pk), transaction.atomic():
        unread = sum(Conversation.objects.values_list("unread_count", flat=True))
        return Contact.objects.count(), Conversation.objects.count(), Message.objects.count(), unread


def reasons() -> list[str]:
    with system_scope("test"), transaction.atomic():
        return list(RawEvent.objects.values_list("reason", flat=True))


@pytest.mark.parametrize("days", [8, 29])
def test_meta_020_a_message_that_comes_again_after_days_is_stored_once(workspace, channel, days):
    give(channel, text(channel, "m1"))
    with workspace_scope(workspace.pk):
        Message.objects.update(created_at=timezone.now() - timedelta(days=days))
    give(channel, text(channel, "m1"))
    assert counts(workspace) == (1, 1, 1, 1)


def purge(workspace) -> None:
    retention.purge(workspace.pk, "command")


@pytest.fixture
def purged(committed, workspace) -> Channel:
    """A channel whose one message came, grew old and was purged."""
    channel = connect(workspace)
    with workspace_scope(workspace.pk), transaction.atomic():
        RetentionPolicy.objects.create(message_days=7)
    give(channel, text(channel, "m1", "gone", -8 * 86_400))
    purge(workspace)
    assert counts(workspace) == (0, 0, 0, 0)
    return channel


@pytest.mark.clause("10b")
def test_meta_020_177_what_was_purged_is_not_stored_again_by_a_late_repeat(workspace, purged):
    give(purged, text(purged, "m1", "gone", -8 * 86_400))
    assert counts(workspace) == (0, 0, 0, 0)
    with workspace_scope(workspace.pk), transaction.atomic():
        Tombstone.objects.update(expires_at=after(0))
    forget()
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not Tombstone.objects.exists()


def test_a_tombstone_is_kept_as_long_as_repeats_may_come(workspace, purged):
    with workspace_scope(workspace.pk), transaction.atomic():
        left = Tombstone.objects.get().expires_at - timezone.now()
    assert timedelta(days=settings.META_DEDUP_DAYS - 1) < left <= timedelta(days=settings.META_DEDUP_DAYS)


def at_once(*work) -> None:
    """Run these at the same moment, in threads of their own; raises what one of them raised."""
    gate, errors = threading.Barrier(len(work)), []

    def run(one) -> None:
        try:
            gate.wait()
            one()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[one]) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors


def test_meta_022_two_workers_with_the_same_message_store_it_once_and_both_end_well(committed, workspace):
    channel = connect(workspace)
    at_once(*[lambda: give(channel, text(channel, "m1"))] * 4)
    assert counts(workspace) == (1, 1, 1, 1)


def test_meta_033_a_new_person_who_writes_five_times_at_once_is_one_contact(committed, workspace):
    channel = connect(workspace)
    for number in range(5):
        webhooks.append("whatsapp", body((channel, body_text(f"wamid.{number}", str(number), NOW))))
    at_once(*[lambda: ingest.drain_batch(1)] * 5)
    ingest.drain()
    assert counts(workspace) == (1, 1, 5, 5)
    assert set(reasons()) == {""}


def test_meta_028_an_unknown_number_is_kept_in_the_journal_alone(workspace, channel):
    stranger = Channel(provider="whatsapp", external_id="999", account_id="999")
    deliver((stranger, body_text("wamid.1", "hello", NOW)))
    assert counts(workspace) == (0, 0, 0, 0)
    assert reasons() == ["unknown_channel"]


def test_meta_029_a_disconnected_channel_stores_nothing(workspace, channel):
    with workspace_scope(workspace.pk), transaction.atomic():
        Channel.objects.update(status="disconnected")
    deliver((channel, body_text("wamid.1", "hello", NOW)), (channel, status("wamid.out", "read", NOW)))
    assert counts(workspace) == (0, 0, 0, 0)
    assert reasons() == ["channel_disconnected"]


def test_meta_019_a_batch_of_a_thousand_takes_as_many_queries_as_one_of_ten(workspace, channel):
    from django.test.utils import CaptureQueriesContext

    def queries(size: int, start: int) -> int:
        with CaptureQueriesContext(connections["default"]) as seen:
            give(channel, *(text(channel, f"m{number}") for number in range(start, start + size)))
        return len(seen.captured_queries)

    give(channel, text(channel, "first"))
    assert queries(10, 0) == queries(1000, 100)
