"""Edits, unsent messages and marks: in any order, more than once, before and after the message that they are about."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from accounts.audit import Actor
from channels_app import webhooks
from channels_app.contract import Parsed
from channels_app.models import RawEvent
from channels_app.providers.whatsapp.provider import WhatsApp
from conversations import bubbles, delivery, ingest, media, policy, replies, sending, threads
from conversations.jobs import forget
from conversations.models import (
    Attachment,
    Contact,
    Conversation,
    Delivery,
    EarlyUpdate,
    Message,
    Reaction,
    Tombstone,
)
from omnistra.core import live
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import erasure
from privacy.models import FileRemoval
from tests.conversations.updates import NOW, after, edit, give, picture, reaction, text, unsent
from tests.conversations.webhooks import connect


@pytest.fixture
def told(monkeypatch) -> list:
    """The conversations that open pages are told of."""
    heard: list = []
    monkeypatch.setattr(live, "publish", lambda workspace, kind, conversations: heard.extend(conversations))
    return heard


def one(workspace) -> Message:
    with workspace_scope(workspace.pk):
        message = Message.objects.get()
        _ = message.content
        return message


def image(workspace, table: str) -> str:
    with workspace_scope(workspace.pk), connection.cursor() as cursor:
        cursor.execute(f"SELECT t::text FROM {table} t ORDER BY id")
        return "\n".join(row[0] for row in cursor.fetchall())


def test_meta_066_an_edit_after_the_original_replaces_its_text_and_leaves_a_mark(workspace, channel):
    give(channel, text(channel, "m1", "in stok?"))
    give(channel, edit(channel, "m1", "in stock?", 60))
    message = one(workspace)
    assert (message.text, message.edited_at) == ("in stock?", after(60))
    with workspace_scope(workspace.pk):
        assert Conversation.objects.get().unread_count == 1


def test_meta_066_an_edit_before_the_original_is_kept_for_it(workspace, channel):
    give(channel, edit(channel, "m1", "in stock?", 60))
    with workspace_scope(workspace.pk):
        assert not Message.objects.exists() and not Conversation.objects.exists() and not Contact.objects.exists()
    give(channel, picture(channel, "m1", "in stok?"))
    message = one(workspace)
    assert (message.text, message.edited_at, message.type) == ("in stock?", after(60), "image")
    with workspace_scope(workspace.pk):
        assert not EarlyUpdate.objects.exists()


def test_meta_066_an_edit_and_its_original_in_one_batch_agree(workspace, channel):
    give(channel, edit(channel, "m1", "in stock?", 60), text(channel, "m1", "in stok?"))
    assert one(workspace).text == "in stock?"


@pytest.mark.parametrize("is_there", [True, False], ids=["after", "before"])
def test_meta_066_an_older_edit_changes_nothing_whether_the_original_is_there_or_not(workspace, channel, is_there):
    if is_there:
        give(channel, text(channel, "m1", "0"))
    give(channel, edit(channel, "m1", "2", 60))
    give(channel, edit(channel, "m1", "1", 30))
    if not is_there:
        give(channel, text(channel, "m1", "0"))
    assert (one(workspace).text, one(workspace).edited_at) == ("2", after(60))


@pytest.mark.parametrize("is_there", [True, False], ids=["after", "before"])
def test_meta_131_162_the_highest_number_of_an_edit_holds(workspace, channel, is_there):
    if is_there:
        give(channel, text(channel, "m1", "0"))
    give(channel, edit(channel, "m1", "second", 10, number=2))
    give(channel, edit(channel, "m1", "first", 20, number=1))
    if not is_there:
        give(channel, text(channel, "m1", "0"))
    assert (one(workspace).text, one(workspace).edit_number) == ("second", 2)


def test_an_edit_that_is_told_twice_tells_nobody_twice(workspace, channel, told):
    give(channel, text(channel, "m1", "0"))
    give(channel, edit(channel, "m1", "1", 60))
    told.clear()
    give(channel, edit(channel, "m1", "1", 60))
    assert told == []


@pytest.fixture
def stored_picture(workspace, channel) -> str:
    """A picture with its file in the storage, quoted, marked and edited."""
    give(
        channel, picture(channel, "m1", "my passport"), text(channel, "m2", "see above", 20, reply_to="m1"),
        reaction(channel, "m1", "👍", 30), edit(channel, "m1", "my new passport", 40),
    )  # fmt: skip
    with workspace_scope(workspace.pk), transaction.atomic():
        attachment = Attachment.objects.get()
        key, size = media._store(workspace.pk, attachment.contact_id, attachment.pk, io.BytesIO(b"a picture"))
        Attachment.objects.filter(pk=attachment.pk).update(state="stored", storage_key=key, size=size)
        erasure.keep_files([key])
    return key


@pytest.mark.clause("4a")
def test_meta_067_153_what_is_taken_back_goes_with_file_mark_and_quote_and_a_tombstone_stays(
    workspace, channel, member, stored_picture, told
):
    told.clear()
    give(channel, unsent(channel, "m1", 100))
    with workspace_scope(workspace.pk):
        message, quoting = Message.objects.order_by("provider_at")
        assert message.unsent_at == after(100)
        assert message.content is message.external_id is message.edited_at is message.raw_event_id is None
        assert not Attachment.objects.exists() and not Reaction.objects.exists()
        assert Tombstone.objects.get().expires_at > timezone.now() + timedelta(days=29)
        assert told == [message.conversation_id], "an open thread loses it"
        assert default_storage.exists(stored_picture)
        assert FileRemoval.objects.get().storage_key == stored_picture
        erasure.remove_files()
        assert not default_storage.exists(stored_picture)
        shown = threads.load(Conversation.objects.select_related("channel", "contact").get(), member)["thread"]
    first, second = [bubble for day in shown.days for group in day.groups for bubble in group.bubbles]
    assert (first.unsent, first.text, first.attachments, first.reactions) == ("Deleted by the customer", "", [], [])
    assert second.reply_to["text"] == "Deleted by the customer" and second.reply_to["media"] is None
    assert quoting.text == "see above"


@pytest.mark.clause("4a")
def test_meta_067_154_what_is_taken_back_before_it_comes_is_never_stored(workspace, channel):
    give(channel, unsent(channel, "m1", 100))
    give(channel, picture(channel, "m1", "my passport"), edit(channel, "m1", "my new passport"))
    give(channel, edit(channel, "m1", "my newest passport", 50), reaction(channel, "m1", "👍"))
    with workspace_scope(workspace.pk):
        assert not Message.objects.exists() and not Attachment.objects.exists() and not EarlyUpdate.objects.exists()
        assert not Contact.objects.exists() and not Conversation.objects.exists() and not Reaction.objects.exists()


def test_meta_154_a_batch_that_takes_back_what_it_brings_stores_only_its_neighbours(workspace, channel):
    give(channel, text(channel, "m1", "wrong chat"), unsent(channel, "m1", 5), text(channel, "m2", "right chat", 6))
    assert one(workspace).text == "right chat"


def test_meta_067_taken_back_twice_changes_nothing_the_second_time(workspace, channel, stored_picture, told):
    give(channel, unsent(channel, "m1", 100))
    before, told[:] = image(workspace, "conversations_message"), []
    give(channel, unsent(channel, "m1", 200))
    give(channel, picture(channel, "m1", "my passport"), edit(channel, "m1", "my passport", 300, number=7))
    assert image(workspace, "conversations_message") == before
    assert told == []


@pytest.mark.clause("3b")
def test_meta_155_what_is_taken_back_under_one_account_touches_no_other(workspace, other, channel, foreign_channel):
    second = connect(workspace, "210000000000502")
    for each in (foreign_channel, second):
        give(each, text(each, "m1", "theirs"))
    give(channel, unsent(channel, "m1"))
    with workspace_scope(other.pk):
        assert Message.objects.get().text == "theirs" and not Tombstone.objects.exists()
    with workspace_scope(workspace.pk):
        assert Message.objects.get().text == "theirs"
        assert Tombstone.objects.get().channel_id == channel.pk


@pytest.mark.clause("4a")
def test_our_own_mark_goes_with_what_was_taken_back_and_no_other_is_set(workspace, member, channel):
    give(channel, text(channel, "m1", "look", 0), text(channel, "m2", "stays", 1))
    by = Actor.member(member)
    with workspace_scope(workspace.pk):
        first, second = Message.objects.select_related("conversation__channel").order_by("provider_at")
        sending.react(first, "👍", by)
        kept = sending.react(second, "🙏", by)
    give(channel, unsent(channel, "m1", 10))
    with workspace_scope(workspace.pk):
        assert Message.objects.get(type=Message.REACTION).pk == Delivery.objects.get().message_id == kept.pk
        first = Message.objects.select_related("conversation__channel").get(pk=first.pk)
        with pytest.raises(policy.Refused):
            sending.react(first, "👍", by)
        assert Delivery.objects.count() == 1
        shown = threads.load(Conversation.objects.select_related("channel", "contact").get(), member)["thread"]
    bubbles = [bubble for day in shown.days for group in day.groups for bubble in group.bubbles]
    assert [(len(bubble.reactions), bool(bubble.react_url)) for bubble in bubbles] == [(0, False), (1, True)]


def test_meta_068_an_answer_to_what_was_taken_back_goes_out_without_the_quote(workspace, member, channel):
    give(channel, text(channel, "m1", "which price?", 0))
    with workspace_scope(workspace.pk):
        replies.send_reply(Conversation.objects.get(), "8 €", Actor.member(member), reply_to=Message.objects.get())
    give(channel, unsent(channel, "m1", 10))
    with workspace_scope(workspace.pk):
        claim = delivery._claim(channel.pk, delivery._Room(1, 0))[0]
    assert (claim.reply_to, claim.message.text) == ("", "8 €")


@pytest.mark.clause("4a")
def test_meta_153_the_journal_loses_what_was_taken_back_and_keeps_what_still_waits(workspace, channel, monkeypatch):
    def arrive(name: bytes, *updates, problems=()):
        monkeypatch.setattr(WhatsApp, "parse", lambda self, body: Parsed(updates, problems))
        webhooks.append("whatsapp", name)
        ingest.drain()

    def left() -> int:
        with system_scope("test"):
            return RawEvent.objects.count()

    arrive(b"1", text(channel, "m1", "my passport"), text(channel, "m2", "neighbour"))
    arrive(b"2", edit(channel, "m1", "my new passport", 5))
    assert left() == 1, "the text of an edit stands in its message now"
    arrive(b"3", unsent(channel, "m1", 10))
    assert left() == 1, "the event that took it back holds no words"
    arrive(b"4", text(channel, "m1", "my passport"))
    assert left() == 1, "what comes late is not kept either"
    assert one_text(workspace) == ["", "neighbour"]


def one_text(workspace) -> list[str]:
    with workspace_scope(workspace.pk):
        return [message.text for message in Message.objects.order_by("provider_at", "id")]


def test_tombstones_and_what_waited_have_their_time(workspace, channel):
    give(channel, unsent(channel, "m1"), edit(channel, "m2", "text"))
    forget()
    with workspace_scope(workspace.pk):
        assert Tombstone.objects.count() == EarlyUpdate.objects.count() == 1
        for model in (Tombstone, EarlyUpdate):
            model.objects.update(expires_at=NOW - timedelta(days=1))
    give(channel, text(channel, "m1", "again"))
    assert one_text(workspace) == ["again"], "after its time a tombstone hides nothing"
    forget()
    with workspace_scope(workspace.pk):
        assert not Tombstone.objects.exists() and not EarlyUpdate.objects.exists()


def marks(workspace) -> list[str | None]:
    with workspace_scope(workspace.pk):
        return [row.emoji for row in Reaction.objects.all()]


def test_meta_059_130_160_a_withdrawal_before_the_mark_holds_by_its_time(workspace, channel):
    give(channel, text(channel, "m1"))
    give(channel, reaction(channel, "m1", "", 60))
    give(channel, reaction(channel, "m1", "👍", 30))
    assert marks(workspace) == [None]
    give(channel, reaction(channel, "m1", "❤", 90))
    assert marks(workspace) == ["❤"]
    with workspace_scope(workspace.pk):
        conversation = Conversation.objects.get()
    assert (conversation.unread_count, conversation.last_inbound_at) == (1, NOW)


def test_meta_060_a_mark_and_a_quote_of_an_unknown_message_are_linked_when_it_comes(workspace, channel, member):
    give(channel, reaction(channel, "m1", "👍", 60))
    with workspace_scope(workspace.pk):
        conversation = Conversation.objects.get()
    assert (conversation.status, conversation.unread_count, conversation.last_inbound_at) == ("closed", 0, None)
    give(channel, text(channel, "m2", "this one", 70, reply_to="m1"))

    def shown() -> list[bubbles.Bubble]:
        with workspace_scope(workspace.pk):
            row = Conversation.objects.select_related("channel", "contact").get()
            days = threads.load(row, member)["thread"].days
        return [bubble for day in days for group in day.groups for bubble in group.bubbles]

    assert shown()[0].reply_to["missing"]
    give(channel, text(channel, "m1", "the blue tin"))
    first, second = shown()
    assert [mark["emoji"] for mark in first.reactions] == ["👍"]
    assert second.reply_to["text"] == "the blue tin"


def test_a_mark_opens_the_window_where_the_platform_has_it_so_and_is_no_message(workspace, channel):
    give(channel, text(channel, "m1", "hello", 0))

    def window() -> tuple[object, int]:
        with workspace_scope(workspace.pk):
            row = Conversation.objects.get()
        return row.last_inbound_at, row.unread_count

    give(channel, reaction(channel, "m1", "\U0001f44d", 60))
    assert window() == (after(0), 1)
    give(channel, replace(reaction(channel, "m1", "\u2764", 90), opens_window=True))
    give(channel, replace(reaction(channel, "m1", "\U0001f64f", 30), opens_window=True))  # late: it shuts nothing
    assert window() == (after(90), 1)
