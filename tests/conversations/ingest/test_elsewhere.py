"""What was written elsewhere or before: echoes, history, standby, handovers, arrivals, address books."""

from dataclasses import replace

import pytest

from accounts.audit import Actor
from channels_app.contract import AccountEvent, AddressEntry, Arrival, Consent, Handover, Media
from conversations import delivery, ingest, listing, policy, replies, threads
from conversations.ingest import rooms
from conversations.listing import Filters
from conversations.models import Attachment, Contact, Conversation, Delivery, EarlyUpdate, Message
from omnistra.core import live
from omnistra.core.tenancy import workspace_scope
from tests.conversations.updates import LENA, NOW, after, echo, give, status, text
from tests.conversations.webhooks import connect


def conversation(workspace) -> Conversation:
    with workspace_scope(workspace.pk):
        row = Conversation.objects.select_related("channel", "contact").get()
        _ = row.referral
        return row


def messages(workspace, **wanted) -> list[Message]:
    with workspace_scope(workspace.pk):
        rows = list(Message.objects.filter(**wanted).order_by("provider_at", "id"))
        _ = [row.content for row in rows]
        return rows


@pytest.fixture
def told(monkeypatch) -> list:
    """The conversations that open pages are told of."""
    heard: list = []
    monkeypatch.setattr(live, "publish", lambda workspace, kind, conversations: heard.extend(conversations))
    return heard


def test_meta_115_an_echo_from_the_phone_is_the_companys_message_without_an_author(workspace, channel, member):
    give(channel, text(channel, "m1"))
    give(channel, echo(channel, "e1", "We have three left.", 60), echo(channel, "e1", "We have three left.", 60))
    row = conversation(workspace)
    assert (row.last_inbound_at, row.unread_count, row.last_message_at) == (NOW, 1, after(60))
    (message,) = messages(workspace, direction="outbound")
    assert (message.sent_from, message.status, message.instructed_by_kind) == ("phone", "sent", None)
    with workspace_scope(workspace.pk):
        assert not Delivery.objects.exists()
        shown = threads.load(row, member)["thread"].days[0].groups[-1]
    assert shown.author == "Sent from the phone"


def test_an_echo_to_somebody_new_opens_no_window(workspace, channel):
    give(channel, echo(channel, "e1"))
    row = conversation(workspace)
    assert (row.last_inbound_at, row.unread_count, row.status) == (None, 0, "open")
    with workspace_scope(workspace.pk):
        assert policy.why_not(row).code == "window_never_open"


def test_meta_088_neither_echo_nor_history_nor_status_moves_the_window(workspace, channel):
    give(channel, text(channel, "m1"))
    give(channel, echo(channel, "e1", seconds=60), text(channel, "h1", seconds=50, is_history=True))
    give(channel, status(channel, "e1", "read", 70), text(channel, "m2", seconds=80, opens_window=False))
    assert conversation(workspace).last_inbound_at == NOW


def test_meta_115_127_an_echo_of_what_we_sent_is_no_second_message(workspace, channel, sent):
    message, row = sent
    give(channel, status(channel, "out", "sent", 6, reference=str(row.pk)))
    give(channel, echo(channel, "out", "Hi Lena", 6))
    assert [each.pk for each in messages(workspace, direction="outbound")] == [message.pk]


def test_meta_127_an_echo_before_the_answer_links_by_our_reference(workspace, channel, sent):
    message, row = sent
    give(channel, echo(channel, "out", "Hi Lena", 6, reference=str(row.pk), sent_from="app"))
    (linked,) = messages(workspace, direction="outbound")
    assert (linked.pk, linked.status, linked.sent_from) == (message.pk, "sent", "")
    with workspace_scope(workspace.pk):
        assert Delivery.objects.get().state == "sent"


@pytest.mark.clause("3b")
def test_meta_127_an_echo_with_another_workspaces_reference_is_not_linked(
    workspace, other, channel, sent, foreign_channel
):
    give(foreign_channel, echo(foreign_channel, "out", "Hi Lena", 6, reference=str(sent[1].pk), sent_from="app"))
    assert messages(workspace, direction="outbound")[0].external_hash is None
    assert [row.sent_from for row in messages(other)] == ["app"]


def test_meta_159_an_echo_without_a_reference_is_known_by_what_it_says(workspace, channel, sent):
    message, _ = sent
    give(channel, echo(channel, "other", "Something else", 6), echo(channel, "out", "Hi Lena", 6))
    rows = messages(workspace, direction="outbound")
    assert {(row.pk == message.pk, row.sent_from, row.text) for row in rows} == {
        (True, "", "Hi Lena"), (False, "phone", "Something else"),
    }  # fmt: skip


def test_meta_159_an_echo_that_was_stored_gives_way_when_the_send_call_answers(workspace, channel, sent):
    message, row = sent
    give(channel, echo(channel, "out", "Hi  Lena!", 6, files=[Media("900", "image")]))
    give(channel, status(channel, "out", "read", 7))
    assert len(messages(workspace, direction="outbound")) == 2
    delivery._record_sent(delivery._Claim(row, message, channel, {}, "", None, policy.Verdict()), "out")
    (left,) = messages(workspace, direction="outbound")
    assert (left.pk, left.status, left.text) == (message.pk, "read", "Hi Lena")
    with workspace_scope(workspace.pk):
        assert not Attachment.objects.exists()
        assert Delivery.objects.get().state == "sent"


def test_a_status_that_was_held_is_applied_to_the_echo_that_it_was_about(workspace, channel):
    give(channel, status(channel, "e1", "read", 70))
    give(channel, echo(channel, "e1"))
    assert messages(workspace)[0].status == "read"
    with workspace_scope(workspace.pk):
        assert not EarlyUpdate.objects.exists()


def test_what_failed_elsewhere_cannot_be_sent_again_from_here(workspace, channel, member, client, owner):
    give(channel, text(channel, "m1"), echo(channel, "e1", status="failed", seconds=5))
    (message,) = messages(workspace, direction="outbound")
    client.force_login(owner)
    client.post(f"/w/{workspace.slug}/messages/{message.pk}/retry/")
    with workspace_scope(workspace.pk):
        assert not Delivery.objects.exists()


def history(channel, name: str, seconds: float, **more):
    return text(channel, name, name, seconds, is_history=True, opens_window=False, **more)


def test_meta_116_history_in_any_order_is_sorted_stored_once_and_nobodys_news(workspace, channel, told):
    give(channel, text(channel, "live", "live", 0))
    told.clear()
    before = conversation(workspace)
    chunks = [
        [history(channel, "h2", -200), echo(channel, "h3", "h3", -100, is_history=True, status="read")],
        [history(channel, "h1", -300), text(channel, "live", "live", 0, is_history=True)],
    ]
    for chunk in (chunks[0], chunks[1], chunks[0]):
        give(channel, *chunk)
    assert [row.text for row in messages(workspace)] == ["h1", "h2", "h3", "live"]
    row = conversation(workspace)
    for name in ("unread_count", "last_inbound_at", "last_message_at", "status"):
        assert getattr(row, name) == getattr(before, name)
    assert told == []


def test_meta_116_a_person_known_by_history_alone_stands_in_no_open_list(workspace, channel):
    give(channel, history(channel, "h1", -300))
    row = conversation(workspace)
    assert (row.status, row.unread_count, row.last_inbound_at, row.last_message_at) == ("closed", 0, None, after(-300))
    give(channel, text(channel, "m1"))
    assert conversation(workspace).status == "open"


@pytest.mark.parametrize("is_ours", [False, True], ids=["theirs", "ours"])
def test_meta_117_a_placeholder_becomes_the_file_that_comes_later(workspace, channel, is_ours, member):
    make = echo if is_ours else text
    placeholder = make(
        channel, "h1", seconds=-300, is_history=True, type="unsupported", content={"kind": "media_placeholder"}
    )
    give(channel, placeholder)
    with workspace_scope(workspace.pk):
        shown = threads.load(conversation(workspace), member)["thread"].days[0].groups[0].bubbles[0]
    assert shown.more["unsupported"]["title"] == "A file from before the connection"
    arrived = replace(placeholder, type="image", content={"text": "the tin"}, files=[Media("900", "image")])
    for _ in range(2):
        give(channel, arrived)
    give(channel, placeholder)
    (message,) = messages(workspace)
    assert (message.type, message.text) == ("image", "the tin")
    with workspace_scope(workspace.pk):
        assert Attachment.objects.get().message_id == message.pk


def test_meta_119_an_address_book_gives_no_names(workspace, channel):
    give(channel, text(channel, "m1"))
    named = replace(LENA, name="Sweetheart")
    give(
        channel,
        *(AddressEntry(channel.external_id, channel.account_id, named, gone, after(5)) for gone in (False, True)),
    )
    with workspace_scope(workspace.pk):
        assert Contact.objects.get().name == "Lena Fields"


def test_meta_120_standby_is_stored_read_only_and_not_counted_as_unanswered(workspace, channel, member):
    give(channel, text(channel, "m1", is_standby=True))
    row = conversation(workspace)
    assert (row.held_by, row.unread_count, row.last_inbound_at) == ("other", 0, NOW)
    with workspace_scope(workspace.pk):
        assert policy.why_not(row).code == "other_app"
        with pytest.raises(replies.Refused):
            replies.check(row, "hello", [], Actor.member(member))
        assert listing.frame(Filters(), member)["unread_total"] == 0
    give(channel, text(channel, "m2", seconds=30))
    assert (conversation(workspace).held_by, conversation(workspace).unread_count) == ("", 1)


def handover(channel, seconds: float, by: str = "") -> Handover:
    return Handover(channel.external_id, channel.account_id, LENA, not by, after(seconds), by)


def test_meta_120_136_the_newest_handover_says_who_answers(workspace, channel):
    give(channel, text(channel, "m1"))
    give(channel, handover(channel, 60), handover(channel, 30, "4711"))
    assert conversation(workspace).held_by == ""
    give(channel, handover(channel, 90, "4711"))
    give(channel, handover(channel, 80))
    assert conversation(workspace).held_by == "4711"
    give(channel, text(channel, "m2", seconds=85))
    assert conversation(workspace).held_by == "4711", "what was written before it was handed over"


def test_a_handover_of_somebody_unknown_writes_nothing(workspace, channel):
    give(channel, handover(channel, 60, "4711"))
    with workspace_scope(workspace.pk):
        assert not Conversation.objects.exists() and not Contact.objects.exists()


AD = {"kind": "ad", "headline": "Tea for winter", "url": "https://fb.me/1"}


def arrival(channel, seconds: float = 0, **more) -> Arrival:
    return Arrival(channel.external_id, channel.account_id, LENA, after(seconds), **more)


def test_meta_063_a_welcome_request_opens_the_window_without_a_bubble(workspace, channel):
    give(channel, arrival(channel, opens_window=True))
    row = conversation(workspace)
    assert (row.last_inbound_at, row.unread_count, row.status) == (NOW, 0, "open")
    assert messages(workspace) == []


@pytest.mark.parametrize("together", [True, False])
def test_meta_133_a_referral_alone_is_no_message_and_its_chip_stands_on_the_next_one(workspace, channel, together):
    updates = [arrival(channel, referral=AD), text(channel, "m1", "hello", 20)]
    for part in [updates] if together else [[each] for each in updates]:
        give(channel, *part)
        if part == updates[:1]:
            row = conversation(workspace)
            assert (row.unread_count, row.last_inbound_at, row.status, row.referral) == (0, None, "closed", AD)
            assert messages(workspace) == []
    give(channel, text(channel, "m2", "one more", 30))
    assert [row.content.get("referral") for row in messages(workspace)] == [AD, None]
    assert conversation(workspace).referral is None


def test_rooms_get_consents_account_events_and_what_was_said_to_us(workspace, channel, monkeypatch):
    got: dict[str, list] = {"consents": [], "events": [], "heard": []}
    monkeypatch.setattr(rooms, "CONSENTS", [lambda workspace, pairs: got["consents"].extend(pairs)])
    monkeypatch.setattr(rooms, "ACCOUNT_EVENTS", [lambda workspace, pairs: got["events"].extend(pairs)])
    monkeypatch.setattr(rooms, "HEARD", [lambda workspace, rows: got["heard"].extend(rows)])
    consent = Consent(channel.external_id, channel.account_id, LENA, "marketing", False, NOW)
    event = AccountEvent(channel.external_id, channel.account_id, "number_quality", NOW)
    give(
        channel, consent, event, text(channel, "m1", "stop"), history(channel, "h1", -300), echo(channel, "e1"),
        text(channel, "m2", "not ours", is_standby=True),
    )  # fmt: skip
    give(channel, text(channel, "m1", "stop"))
    with workspace_scope(workspace.pk):
        assert got["consents"] == [(consent, Contact.objects.get().pk, channel)]
    assert got["events"] == [(event, channel)]
    assert [row.text for row in got["heard"]] == ["stop"]


def test_what_befell_an_account_reaches_each_of_its_channels_and_no_other(workspace, channel, monkeypatch):
    second = connect(workspace, "210000000000502")
    connect(workspace, "210000000000503", "310000000000999")
    event = AccountEvent("", channel.account_id, "account_alert", NOW)
    found = ingest.journal._route(
        ingest.journal._Event(channel.pk, "whatsapp", NOW, updates=[event]),
        {},
        [channel, second, connect_other(workspace)],
    )
    assert {item.channel.pk for item in found} == {channel.pk, second.pk}


def connect_other(workspace):
    return connect(workspace, "210000000000504", "310000000000998")
