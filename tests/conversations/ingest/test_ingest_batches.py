"""Journal to messages: batches, order, repeats, statuses and reactions."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.audit import Actor
from channels_app import webhooks as journal
from channels_app.models import RawEvent
from conversations import ingest, replies
from conversations.ingest import messages
from conversations.models import Attachment, Contact, Conversation, Delivery, Message, Reaction
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.conversations.webhooks import body, connect, deliver, media, reaction, status, text

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def channel(workspace):
    return connect(workspace)


@pytest.fixture
def foreign_channel(other):
    return connect(other, "210000000000777", "310000000000777")


def texts(workspace) -> list[str]:
    with workspace_scope(workspace.pk):
        return [message.text for message in Message.objects.order_by("provider_at", "id")]


@pytest.mark.clause("3b")
def test_meta_024_one_body_for_two_workspaces_goes_to_each_its_part(workspace, other, channel, foreign_channel):
    deliver((channel, text("wamid.1", "for us", NOW)), (foreign_channel, text("wamid.1", "for them", NOW)))
    assert texts(workspace) == ["for us"]
    assert texts(other) == ["for them"]


@pytest.mark.parametrize("bad", [{"messages": ["no message"]}, {"messages": [{"id": "wamid.bad"}]}, {"statuses": [7]}])
def test_meta_025_the_neighbours_of_a_bad_element_are_stored_and_the_event_is_set_aside(workspace, channel, bad):
    deliver(
        (channel, text("wamid.1", "before", NOW)),
        (channel, bad),
        (channel, text("wamid.2", "after", NOW + timedelta(seconds=1))),
    )
    assert texts(workspace) == ["before", "after"]
    with system_scope("test"):
        event = RawEvent.objects.get()
    assert event.state == "aside" and event.reason


def test_meta_026_an_event_that_cannot_be_stored_is_set_aside_and_its_batch_goes_on(workspace, channel, monkeypatch):
    real = messages.insert

    def fails_for_one(workspace_id, wanted):
        if any(item.update.external_id == "wamid.poison" for item, _ in wanted.values()):
            raise ValueError("poison")
        return real(workspace_id, wanted)

    monkeypatch.setattr(messages, "insert", fails_for_one)
    for number, name in enumerate(("wamid.1", "wamid.poison", "wamid.2")):
        journal.append("whatsapp", body((channel, text(name, name, NOW + timedelta(seconds=number)))))
    assert ingest.drain() == 3
    assert texts(workspace) == ["wamid.1", "wamid.2"]
    with system_scope("test"):
        aside = RawEvent.objects.get(state="aside")
    assert aside.reason == "failed:ValueError"
    monkeypatch.undo()
    with system_scope("test"):
        ingest.replay(aside)
    ingest.drain()
    assert texts(workspace) == ["wamid.1", "wamid.poison", "wamid.2"]


def test_meta_032_order_and_window_come_from_the_platforms_time_whatever_the_order_of_arrival(workspace, channel):
    for minutes in (3, 1, 2):
        deliver((channel, text(f"wamid.{minutes}", str(minutes), NOW - timedelta(minutes=10 - minutes))))
    assert texts(workspace) == ["1", "2", "3"]
    with workspace_scope(workspace.pk):
        conversation = Conversation.objects.get()
    assert conversation.last_message_at == conversation.last_inbound_at == NOW - timedelta(minutes=7)
    assert conversation.unread_count == 3


def test_meta_031_a_time_in_the_future_is_no_later_than_its_arrival(workspace, channel):
    deliver((channel, text("wamid.1", "early", NOW + timedelta(days=30))))
    with workspace_scope(workspace.pk):
        assert Message.objects.get().provider_at <= timezone.now()


def test_meta_023_the_same_message_id_on_two_channels_is_two_messages(workspace, channel):
    second = connect(workspace, "210000000000502")
    deliver((channel, text("wamid.1", "one", NOW)), (second, text("wamid.1", "two", NOW + timedelta(seconds=1))))
    assert texts(workspace) == ["one", "two"]
    with workspace_scope(workspace.pk):
        assert Contact.objects.count() == 1
        assert Conversation.objects.count() == 2


def test_meta_019_021_034_repeats_in_one_body_and_across_bodies_change_nothing(workspace, channel):
    for later in range(3):
        again = text("wamid.1", "once", NOW)
        deliver((channel, again), (channel, again), (channel, text(f"wamid.x{later}", "more", NOW)))
    with workspace_scope(workspace.pk):
        assert Message.objects.count() == 4
        assert Conversation.objects.get().unread_count == 4


def test_meta_027_a_foreign_account_beside_our_number_is_set_aside(workspace, channel):
    channel.account_id = "399999999999999"
    deliver((channel, text("wamid.1", "forged", NOW)))
    assert texts(workspace) == []
    with system_scope("test"):
        assert RawEvent.objects.get().reason == "foreign_account"


def test_a_file_is_noted_for_fetching(workspace, channel):
    deliver((channel, media("wamid.1", NOW)))
    with workspace_scope(workspace.pk):
        attachment = Attachment.objects.get()
    assert (attachment.state, attachment.detail("external_id")) == ("pending", "900")


def marks(workspace) -> list[str | None]:
    with workspace_scope(workspace.pk):
        return [row.emoji for row in Reaction.objects.all()]


def test_meta_059_a_reaction_is_added_changed_and_taken_back_and_an_older_one_changes_nothing(workspace, channel):
    deliver((channel, text("wamid.1", "hello", NOW - timedelta(minutes=5))))
    for minutes, emoji in ((4, "👍"), (2, "❤"), (3, "😮")):
        deliver((channel, reaction("wamid.1", emoji, NOW - timedelta(minutes=minutes))))
    assert marks(workspace) == ["❤"]
    deliver((channel, reaction("wamid.1", "", NOW - timedelta(minutes=1))))
    assert marks(workspace) == [None]
    with workspace_scope(workspace.pk):
        assert Conversation.objects.get().unread_count == 1


@pytest.fixture
def sent(workspace, member, channel) -> tuple[Message, Delivery]:
    """An answer whose call to the platform is under way."""
    deliver((channel, text("wamid.in", "hello", NOW)))
    with workspace_scope(workspace.pk):
        message = replies.send_reply(Conversation.objects.get(), "Hi Lena", Actor.member(member))[0]
        delivery = Delivery.objects.get()
        Delivery.objects.update(state="sending")
        Message.objects.filter(pk=message.pk).update(status="sending")
    return message, delivery


def state(workspace, message) -> tuple[str, str]:
    with workspace_scope(workspace.pk):
        return Message.objects.get(pk=message.pk).status, Delivery.objects.get(message=message).state


def test_a_status_that_overtakes_the_answer_of_the_send_call_settles_by_its_reference(workspace, channel, sent):
    message, delivery = sent
    deliver((channel, status("wamid.out", "delivered", NOW, reference=str(delivery.pk))))
    assert state(workspace, message) == ("delivered", "sent")
    with workspace_scope(workspace.pk):
        assert Message.objects.get(pk=message.pk).external_id == "wamid.out"
    deliver((channel, status("wamid.out", "read", NOW + timedelta(seconds=1))))
    assert state(workspace, message) == ("read", "sent")


def test_statuses_only_move_forward_and_keep_each_time(workspace, channel, sent):
    message, delivery = sent
    for seconds, name in ((30, "read"), (20, "delivered"), (10, "sent"), (40, "failed")):
        at = NOW - timedelta(minutes=1) + timedelta(seconds=seconds)
        deliver((channel, status("wamid.out", name, at, reference=str(delivery.pk))))
    assert state(workspace, message) == ("read", "sent")
    with workspace_scope(workspace.pk):
        row = Message.objects.get(pk=message.pk)
    assert row.sent_at < row.delivered_at < row.read_at


def test_failed_gives_way_to_delivered_and_shows_its_reason_until_then(workspace, channel, sent):
    message, delivery = sent
    deliver((channel, status("wamid.out", "failed", NOW, reference=str(delivery.pk), code=131026)))
    assert state(workspace, message) == ("failed", "failed")
    with workspace_scope(workspace.pk):
        assert "could not deliver" in Message.objects.get(pk=message.pk).error["title"]
    deliver((channel, status("wamid.out", "sent", NOW)))
    assert state(workspace, message)[0] == "failed"
    deliver((channel, status("wamid.out", "delivered", NOW)))
    assert state(workspace, message)[0] == "delivered"


@pytest.mark.clause("3b")
def test_a_status_through_another_workspaces_channel_changes_nothing(workspace, foreign_channel, channel, sent):
    message, delivery = sent
    deliver((foreign_channel, status("wamid.out", "read", NOW, reference=str(delivery.pk))))
    second = connect(workspace, "210000000000502")
    deliver((second, status("wamid.out", "read", NOW, reference=str(delivery.pk))))
    assert state(workspace, message) == ("sending", "sending")
