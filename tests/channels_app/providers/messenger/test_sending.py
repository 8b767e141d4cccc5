"""What goes out to Messenger, and what is asked of it."""

import io
import json
from datetime import UTC, datetime

import pytest

from channels_app.contract import (
    Choice,
    Echo,
    HasHistory,
    HasProfiles,
    InboundMessage,
    OutboundChoices,
    OutboundMedia,
    OutboundMessage,
    Permanent,
    Person,
    PolicyRefused,
    ReadsBack,
    Retryable,
)
from channels_app.providers.messenger.provider import Messenger
from channels_app.providers.meta import history
from channels_app.providers.meta.messaging import PAGE_FIELDS
from tests.channels_app.providers.meta import LENA_PSID, PAGE, error, payload

CREDENTIALS = {"token": "EAA-page"}
LENA = {"psid": LENA_PSID}
SENT = (200, {"recipient_id": LENA_PSID, "message_id": "m_out"})


def send(**more) -> str:
    return Messenger().send(PAGE, CREDENTIALS, OutboundMessage(LENA, "om1.7f3a91", **({"text": "Yes."} | more)))


def test_a_text_answers_quotes_and_carries_our_reference(graph):
    graph.answers = [SENT]
    assert send(reply_to="m_1") == "m_out"
    (call,) = graph.calls
    assert call.path.endswith(f"/{PAGE}/messages") and call.json == {
        "recipient": {"id": LENA_PSID},
        "messaging_type": "RESPONSE",
        "message": {"text": "Yes.", "metadata": "om1.7f3a91"},
        "reply_to": {"mid": "m_1"},
    }


def test_meta_138_the_tag_of_a_person_goes_with_it(graph):
    graph.answers = [SENT]
    send(tag="HUMAN_AGENT")
    assert (graph.calls[0].json["messaging_type"], graph.calls[0].json["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")


@pytest.mark.parametrize("tag", ["ACCOUNT_UPDATE", "CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE", "human_agent"])
def test_meta_139_an_ended_tag_is_refused_before_the_call(graph, tag):
    with pytest.raises(Permanent):
        send(tag=tag)
    assert graph.calls == []


@pytest.mark.parametrize(
    ("code", "subcode", "reason"),
    [
        (2018300, 0, "other_app"), (100, 2534037, "other_app"), (10, 2018278, "window_closed"), (551, 0, "not_reachable"),
        (200, 1545041, "not_reachable"),
    ],
)  # fmt: skip
def test_meta_137_138_and_140_a_refusal_by_the_rules_names_its_reason(graph, code, subcode, reason):
    graph.answers = [(400, error(code, subcode))]
    with pytest.raises(PolicyRefused) as refused:
        send()
    assert (refused.value.reason, refused.value.code) == (reason, subcode or code)


@pytest.mark.parametrize(("code", "subcode"), [(613, 0), (4, 0), (32, 0), (613, 2018338)])
def test_meta_140_a_rate_limit_makes_the_page_wait(graph, code, subcode):
    graph.answers = [(400, error(code, subcode))]
    with pytest.raises(Retryable) as later:
        send()
    assert later.value.whole_channel and later.value.after.total_seconds() == 60


def test_meta_141_a_file_is_uploaded_anew_for_each_sending(graph):
    graph.answers = [(200, {"attachment_id": "1200000000000001"}), SENT]
    photo = OutboundMedia("image", "image/png", "a.png", 4, io.BytesIO(b"\x89PNG"))
    assert send(text="", media=photo) == "m_out"
    upload, sent = graph.calls
    assert upload.path.endswith(f"/{PAGE}/message_attachments")
    assert b"\x89PNG" in upload.body and b'name="filedata"' in upload.body and b"image/png" in upload.body
    assert sent.json["message"]["attachment"] == {"type": "image", "payload": {"attachment_id": "1200000000000001"}}


def test_meta_141_a_phones_photo_is_refused_in_words_and_so_is_metas_own_refusal(graph):
    photo = OutboundMedia("image", "image/heic", "IMG_1.HEIC", 4, io.BytesIO(b"heic"))
    assert "JPEG" in Messenger().refuse(OutboundMessage(LENA, "", media=photo))
    assert Messenger().kind_of("image/heic") == "image"
    graph.answers = [(400, error(100, 2018047, "(#100) Upload attachment failure."))]
    with pytest.raises(Permanent) as refused:
        send()
    assert "JPEG" in refused.value.title and refused.value.detail.endswith("failure.")


def test_meta_142_the_limit_is_in_characters():
    assert Messenger().refuse(OutboundMessage(LENA, "", text="ü" * 2000)) == ""
    assert "2,001" in Messenger().refuse(OutboundMessage(LENA, "", text="ü" * 2001))


def test_choices_are_quick_replies(graph):
    graph.answers = [SENT]
    send(text="Which?", choices=OutboundChoices((Choice("green", "Green"), Choice("black", "Black"))))
    assert graph.calls[0].json["message"]["quick_replies"] == [
        {"content_type": "text", "title": "Green", "payload": "green"},
        {"content_type": "text", "title": "Black", "payload": "black"},
    ]


def test_a_reaction_is_set_and_taken_back_under_an_id_of_ours(graph):
    graph.answers = [(200, {"recipient_id": LENA_PSID})]
    assert send(text="", reaction="👍", reply_to="m_1") == "reaction:om1.7f3a91"
    send(text="", reaction="", reply_to="m_1")
    first, second = (call.json for call in graph.calls)
    assert first["sender_action"] == "react" and first["payload"] == {"message_id": "m_1", "reaction": "like"}
    assert second["sender_action"] == "unreact" and second["payload"] == {"message_id": "m_1"}


def test_a_person_sees_that_they_are_read_and_written_to(graph):
    graph.answers = [(200, {})]
    Messenger().mark_read(PAGE, CREDENTIALS, LENA, "m_1")
    Messenger().mark_read(PAGE, CREDENTIALS, LENA, "m_1", is_typing=True)
    assert [call.json for call in graph.calls] == [
        {"recipient": {"id": LENA_PSID}, "sender_action": action} for action in ("mark_seen", "mark_seen", "typing_on")
    ]
    graph.answers = [None]
    with pytest.raises(Retryable):
        Messenger().mark_read(PAGE, CREDENTIALS, LENA, "m_1")


def test_what_it_can_do_beside_the_contract():
    assert isinstance(Messenger(), HasProfiles) and isinstance(Messenger(), ReadsBack)
    assert isinstance(Messenger(), HasHistory)


def test_a_page_is_checked_by_its_own_token_and_subscribed(graph):
    graph.answers = [(200, {"id": PAGE, "name": "Northwind Tea", "username": "northwind"})]
    facts = Messenger().check(PAGE, PAGE, CREDENTIALS)
    assert (facts.name, facts.address, facts.messages_per_second, facts.kept) == (
        "Northwind Tea",
        "@northwind",
        300,
        {},
    )
    assert graph.calls[0].path.endswith("/me")
    graph.answers = [(200, {"success": True})]
    Messenger().subscribe(PAGE, CREDENTIALS)
    Messenger().unsubscribe(PAGE, CREDENTIALS)
    on, off = graph.calls[1:]
    assert on.query["subscribed_fields"] == [",".join(PAGE_FIELDS)] and on.method == "POST"
    assert off.method == "DELETE" and on.path == off.path and on.path.endswith(f"/{PAGE}/subscribed_apps")


def test_another_pages_or_a_persons_token_is_refused(graph):
    graph.answers = [(200, {"id": "110000000000902", "name": "Elsewhere"})]
    with pytest.raises(Permanent):
        Messenger().check(PAGE, PAGE, CREDENTIALS)


@pytest.mark.parametrize(
    ("answer", "name"),
    [({"name": "Lena Fields"}, "Lena Fields"), ({"first_name": "Lena", "last_name": "F"}, "Lena F"), ({}, "")],
)
def test_meta_146_a_profile_is_a_name_or_nothing(graph, answer, name):
    graph.answers = [(200, {"id": LENA_PSID, "profile_pic": "https://scontent.example/a.jpg", **answer})]
    assert Messenger().profile(PAGE, CREDENTIALS, LENA) == Person(LENA, name)


def test_meta_146_no_profile_and_a_rate_limit_are_told_apart(graph):
    graph.answers = [(400, error(100, 2018218))]
    with pytest.raises(Permanent):
        Messenger().profile(PAGE, CREDENTIALS, LENA)
    graph.answers = [(400, error(4))]
    with pytest.raises(Retryable):
        Messenger().profile(PAGE, CREDENTIALS, LENA)


def test_meta_143_what_was_missed_is_read_back_in_order_until_the_gap_begins(graph, monkeypatch):
    monkeypatch.setattr(history, "PAUSE_SECONDS", 0)
    graph.answers = [
        (200, json.loads(payload("messenger", "143_conversations_1"))),
        (200, json.loads(payload("messenger", "143_conversations_2"))),
    ]
    found = Messenger().history_since(PAGE, CREDENTIALS, datetime(2026, 11, 18, 11, 0, tzinfo=UTC))
    first, answer, third = found.updates
    assert isinstance(first, InboundMessage) and isinstance(answer, Echo) and isinstance(third, InboundMessage)
    assert [each.external_id for each in found.updates] == ["m_10", "m_11", "m_12"]
    assert (first.channel, first.account, first.person) == (PAGE, PAGE, Person(LENA))
    assert answer.person == Person(LENA) and third.files[0].url.startswith("https://scontent")
    assert [each.reason for each in found.problems] == ["message_without_id"]
    assert len(graph.calls) == 2 and graph.calls[1].query["after"] == ["QVFI"]
    assert graph.calls[0].query["platform"] == ["messenger"]
