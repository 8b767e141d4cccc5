"""How far our messages came: statuses and watermarks in any order, early ones, and those of other messages."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations import delivery, policy, statuses
from conversations.jobs import forget
from conversations.models import Conversation, Delivery, EarlyUpdate, Message
from omnistra.core import live
from omnistra.core.tenancy import workspace_scope
from tests.conversations.updates import after, echo, give, status, text, watermark
from tests.conversations.webhooks import connect


def row(workspace, message=None) -> Message:
    with workspace_scope(workspace.pk):
        found = Message.objects.get(pk=message.pk) if message else Message.objects.get(direction="outbound")
        _ = found.error
        return found


@pytest.fixture
def answered(workspace, channel, sent) -> Message:
    """An answer that the platform has taken, at second 10."""
    give(channel, status(channel, "out", "sent", 10, reference=str(sent[1].pk)))
    return sent[0]


def times(message: Message) -> list:
    return [message.sent_at, message.delivered_at, message.read_at]


def test_meta_072_sent_delivered_and_read_keep_their_times(workspace, channel, answered):
    give(channel, status(channel, "out", "delivered", 20), status(channel, "out", "read", 30))
    message = row(workspace, answered)
    assert (message.status, times(message)) == ("read", [after(10), after(20), after(30)])


def test_meta_073_a_late_delivered_fills_its_time_and_the_state_stays_read(workspace, channel, answered):
    give(channel, status(channel, "out", "read", 30))
    give(channel, status(channel, "out", "delivered", 20))
    message = row(workspace, answered)
    assert (message.status, times(message)) == ("read", [after(10), after(20), after(30)])


def test_meta_074_read_without_delivered_is_read(workspace, channel, answered):
    give(channel, status(channel, "out", "read", 30))
    assert (row(workspace, answered).status, row(workspace, answered).delivered_at) == ("read", None)


def test_meta_075_a_status_of_an_unknown_message_is_held_by_hash_for_the_answer_of_the_send_call(
    workspace, channel, sent
):
    message, row_of_delivery = sent
    give(channel, status(channel, "out", "delivered", 20, price={"category": "service"}))
    with workspace_scope(workspace.pk):
        held = EarlyUpdate.objects.get()
        assert (held.kind, held.details, held.contact_id) == ("delivered", None, None)
        claim = delivery._Claim(row_of_delivery, message, channel, {}, "", None, policy.Verdict())
    delivery._record_sent(claim, "out")
    message = row(workspace, message)
    assert (message.status, message.delivered_at, message.price) == ("delivered", after(20), {"category": "service"})
    with workspace_scope(workspace.pk):
        assert not EarlyUpdate.objects.exists()


def test_meta_075_what_nobody_claims_is_dropped_and_makes_no_conversation(workspace, channel):
    give(channel, status(channel, "nobody's", "read", 20))
    with workspace_scope(workspace.pk):
        assert not Conversation.objects.exists()
        EarlyUpdate.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    forget()
    with workspace_scope(workspace.pk):
        assert not EarlyUpdate.objects.exists()


def test_a_held_status_is_not_held_for_long(channel):
    assert timedelta(minutes=15) >= statuses.HOLD


def test_meta_076_a_status_before_the_answer_links_by_reference_and_the_outbox_sends_no_more(workspace, channel, sent):
    message, delivery_row = sent
    give(channel, status(channel, "out", "delivered", 20, reference=str(delivery_row.pk)))
    with workspace_scope(workspace.pk):
        assert Delivery.objects.get().state == "sent"
    assert row(workspace, message).external_id == "out"


def test_meta_077_delivered_beats_failed_in_both_orders_and_the_error_stays_as_a_note(workspace, channel, answered):
    give(channel, status(channel, "out", "delivered", 20))
    give(channel, status(channel, "out", "failed", 30, error_code=131026, error_detail="One device was off."))
    message = row(workspace, answered)
    assert (message.status, message.error_code, message.failed_at) == ("delivered", 131026, after(30))


def test_meta_077_failed_alone_is_failed_with_its_reason_until_delivered_comes(workspace, channel, answered):
    give(channel, status(channel, "out", "failed", 30, error_code=131026, error_detail="No."))
    assert (row(workspace, answered).status, row(workspace, answered).error["detail"]) == ("failed", "No.")
    give(channel, status(channel, "out", "delivered", 20))
    assert row(workspace, answered).status == "delivered"


@pytest.mark.parametrize(("kind", "is_noted"), [("audio", True), ("text", False)])
def test_meta_078_played_is_noted_of_a_voice_message_alone(workspace, channel, answered, kind, is_noted):
    with workspace_scope(workspace.pk):
        Message.objects.filter(pk=answered.pk).update(type=kind)
    give(channel, status(channel, "out", "read", 40, is_played=True))
    message = row(workspace, answered)
    assert (message.status, message.played_at is not None) == ("read", is_noted)


@pytest.mark.clause("3b")
def test_meta_080_a_status_of_another_workspaces_message_is_not_linked(
    workspace, channel, answered, foreign_channel, sent
):
    for each in (foreign_channel, connect(workspace, "210000000000502")):
        give(each, status(each, "out", "read", 40, reference=str(sent[1].pk)))
    assert row(workspace, answered).status == "sent"


def test_meta_081_a_status_tells_of_a_sending_whose_answer_was_lost(workspace, channel, sent):
    message, delivery_row = sent
    with workspace_scope(workspace.pk):
        Delivery.objects.update(state="unknown")
        Message.objects.filter(pk=message.pk).update(status="unknown")
    give(channel, status(channel, "out", "sent", 20, reference=str(delivery_row.pk)))
    with workspace_scope(workspace.pk):
        assert (Message.objects.get(pk=message.pk).status, Delivery.objects.get().state) == ("sent", "sent")


def test_meta_083_a_price_is_kept_as_told_and_none_is_unknown(workspace, channel, answered):
    assert row(workspace, answered).price is None
    give(channel, status(channel, "out", "delivered", 20, price={"category": "utility", "kind": "regular"}))
    give(channel, status(channel, "out", "read", 30))
    assert row(workspace, answered).price == {"category": "utility", "kind": "regular"}


def test_meta_084_a_status_that_comes_twice_tells_nobody_twice(workspace, channel, answered, monkeypatch):
    told: list = []
    monkeypatch.setattr(live, "publish", lambda workspace, kind, conversations: told.extend(conversations))
    for _ in range(2):
        give(channel, status(channel, "out", "delivered", 20))
    assert len(told) == 1


@pytest.fixture
def three(workspace, channel) -> None:
    """Three messages of ours, at seconds 10, 20 and 60, and one that failed at 15."""
    give(channel, text(channel, "in"), *(echo(channel, f"o{at}", seconds=at) for at in (10, 20, 60)))
    give(channel, echo(channel, "o15", seconds=15, status="failed"))


def states(workspace) -> list[str]:
    with workspace_scope(workspace.pk):
        rows = Message.objects.filter(direction="outbound").order_by("provider_at")
        return [row.status for row in rows]


@pytest.mark.usefixtures("three")
def test_meta_129_a_watermark_reaches_everything_before_it_and_a_smaller_one_changes_nothing(workspace, channel):
    give(channel, watermark(channel, "delivered", 70, until=after(30)))
    assert states(workspace) == ["delivered", "failed", "delivered", "sent"]
    give(channel, watermark(channel, "read", 71, until=after(40)))
    give(channel, watermark(channel, "read", 72, until=after(12)))
    give(channel, watermark(channel, "delivered", 73, until=after(40)))
    assert states(workspace) == ["read", "failed", "read", "sent"]
    with workspace_scope(workspace.pk):
        assert set(Message.objects.filter(status="read").values_list("read_at", flat=True)) == {after(71)}


@pytest.mark.usefixtures("three")
def test_meta_161_a_read_message_is_read_with_all_before_it_and_an_unknown_one_is_ignored(workspace, channel):
    give(channel, watermark(channel, "read", 70, external_id="nobody's"))
    assert states(workspace) == ["sent", "failed", "sent", "sent"]
    give(channel, watermark(channel, "read", 70, external_id="o20"))
    assert states(workspace) == ["read", "failed", "read", "sent"]


@pytest.mark.usefixtures("three")
def test_a_watermark_of_somebody_unknown_changes_nothing(workspace, channel, foreign_channel):
    give(foreign_channel, watermark(foreign_channel, "read", 70, until=after(100)))
    second = connect(workspace, "210000000000502")
    give(second, watermark(second, "read", 70, until=after(100)))
    assert states(workspace) == ["sent", "failed", "sent", "sent"]
