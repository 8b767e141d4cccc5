"""Messenger and Instagram from the webhook to the inbox. Numbers in names are those of the Meta conformance cases."""

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor
from channels_app import webhooks
from channels_app.models import Channel, RawEvent
from conversations import delivery, ingest, masking, media, policy, sending, threads
from conversations.models import Contact, Conversation, Handle, Message
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.channels_app.providers.meta import (
    INSTAGRAM,
    INSTAGRAM_2,
    LENA_IGSID,
    LENA_PSID,
    PAGE,
    PAGE_2,
    graph_at,
    payload,
)


@pytest.fixture
def graph(settings):
    """See meta.Graph."""
    with graph_at(settings) as server:
        yield server


def connect(workspace, provider: str, external_id: str, account_id: str, **kept: str) -> Channel:
    with workspace_scope(workspace.pk), transaction.atomic():
        return Channel.objects.create(
            provider=provider, external_id=external_id, account_id=account_id, name="Northwind",
            credentials={"token": "EAA", **kept},
        )  # fmt: skip


def deliver(provider: str, *names: str) -> None:
    for name in names:
        webhooks.append(provider, payload(provider, name))
    ingest.drain()


def texts(workspace) -> list[str]:
    with workspace_scope(workspace.pk), transaction.atomic():
        return [message.text for message in Message.objects.order_by("provider_at", "id")]


def test_meta_122_the_same_text_in_two_bodies_is_one_message_of_one_person(workspace):
    connect(workspace, "messenger", PAGE, PAGE)
    deliver("messenger", "122_text_milliseconds", "122_text_seconds", "122_text_milliseconds")
    assert texts(workspace) == ["Is this still available?"]
    with workspace_scope(workspace.pk), transaction.atomic():
        conversation = Conversation.objects.get()
        handle = Handle.objects.get()
        assert (handle.kind, handle.value, conversation.unread_count) == ("psid", LENA_PSID, 1)
        assert Contact.objects.count() == 1 and conversation.last_inbound_at is not None


def test_a_mark_of_ours_goes_to_messenger_by_its_name_there_and_only_such_are_offered(workspace, member, graph):
    channel = connect(workspace, "messenger", PAGE, PAGE)
    deliver("messenger", "122_text_milliseconds")
    with workspace_scope(workspace.pk), transaction.atomic():
        Conversation.objects.update(last_inbound_at=timezone.now())
        Message.objects.update(provider_at=timezone.now())
        theirs = Message.objects.select_related("conversation__channel", "conversation__contact").get()
        assert threads.load(theirs.conversation, member)["thread"].emoji == ("👍", "❤️")
        assert threads.load(theirs.conversation, member)["thread"].template_url == ""
        with pytest.raises(policy.Refused, match="these reactions only"):
            sending.react(theirs, "🎉", Actor.member(member))
        sending.react(theirs, "👍", Actor.member(member))
        (claim,) = delivery._claim(channel.pk, delivery._Room(5, 0))
    graph.answers = [(200, {"recipient_id": LENA_PSID})]
    assert delivery._send(claim).startswith("reaction:")
    assert graph.calls[0].json["sender_action"] == "react" and graph.calls[0].json["payload"]["reaction"] == "like"


def test_a_person_who_writes_again_is_the_same_one_and_on_instagram_another_one(workspace):
    connect(workspace, "messenger", PAGE, PAGE)
    connect(workspace, "instagram", INSTAGRAM, INSTAGRAM)
    deliver("messenger", "122_text_milliseconds")
    deliver("messenger", "007_escaped_unicode")
    deliver("instagram", "147_text")
    with workspace_scope(workspace.pk), transaction.atomic():
        assert sorted(Handle.objects.values_list("kind", flat=True)) == ["igsid", "psid"]
        assert Contact.objects.count() == Conversation.objects.count() == 2 and Message.objects.count() == 3


@pytest.mark.clause("3b")
def test_meta_144_and_147_a_batch_reaches_each_ones_own_workspace_and_no_other(workspace, other):
    connect(workspace, "messenger", PAGE, PAGE)
    connect(other, "messenger", PAGE_2, PAGE_2)
    connect(workspace, "instagram", INSTAGRAM, INSTAGRAM)
    connect(other, "instagram", INSTAGRAM_2, PAGE_2, page_id=PAGE_2)
    deliver("messenger", "144_two_pages")
    deliver("instagram", "147_text", "147_text_flavour_b")
    assert sorted(texts(workspace)) == ["Do you ship to Porto?", "to W1"]
    assert sorted(texts(other)) == ["Do you ship to Porto?", "to W2"]


def test_meta_163_without_the_feature_a_comment_leaves_no_row(workspace):
    connect(workspace, "instagram", INSTAGRAM, INSTAGRAM)
    deliver("instagram", "163_comment_in_changes", "163_comment_flat", "163_own_comment")
    assert texts(workspace) == []
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not Contact.objects.exists() and not Conversation.objects.exists()


def test_meta_163_a_comment_of_both_shapes_is_stored_once(workspace, settings):
    settings.INSTAGRAM_COMMENTS = True
    connect(workspace, "instagram", INSTAGRAM, INSTAGRAM)
    deliver("instagram", "163_comment_in_changes", "163_comment_flat", "163_own_comment")
    assert texts(workspace) == ["Price?"]


def test_a_page_that_nobody_connected_leaves_nothing_but_the_journals_row(workspace):
    deliver("messenger", "122_text_milliseconds")
    assert texts(workspace) == []
    with system_scope("test"):
        assert RawEvent.objects.get().reason == "unknown_channel"


@pytest.mark.parametrize("kind", ["psid", "igsid"])
def test_a_scoped_id_is_masked_and_shown_whole_to_nobody_who_did_not_ask(kind):
    masked = masking.handle(kind, LENA_PSID)
    assert masked == "••••23" and masking.whole(Handle(kind=kind, value=LENA_IGSID)) == LENA_IGSID


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00", "image/heic"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00", "image/heif"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00", "video/mp4"),
    ],
)
def test_meta_141_a_phones_photo_is_no_film(head, mime):
    assert media.sniff(head) == mime


def test_meta_168_one_account_is_one_channel_whatever_the_flavour(workspace, other):
    from django.db import IntegrityError

    connect(workspace, "instagram", INSTAGRAM, INSTAGRAM)
    for place in (workspace, other):
        with pytest.raises(IntegrityError):
            connect(place, "instagram", INSTAGRAM, PAGE, page_id=PAGE)
