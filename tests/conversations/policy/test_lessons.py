"""What the outbox does with each kind of refusal, and what the platform's refusal teaches."""

import html
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.audit import Actor
from accounts.models import AuditEntry
from channels_app import jobs as channel_jobs
from channels_app.contract import ChannelStopped, CredentialsRefused, PolicyRefused
from channels_app.models import Channel
from channels_app.providers.whatsapp import errors
from channels_app.stops import REASONS
from conversations import delivery, policy, replies
from conversations.models import Contact, Conversation, Delivery, Message, OptIn
from conversations.policy import Outgoing, Refused
from omnistra.core.tenancy import workspace_scope
from privacy import policies
from tests.conversations.policy.conftest import again
from tests.conversations.policy.test_engine import MARKETING, ROBOT
from tests.conversations.webhooks import connect, deliver, status, text

NOW = datetime.now(UTC).replace(microsecond=0)


def ask(talk, member, *words: str) -> list[Message]:
    with workspace_scope(talk.workspace_id):
        return [replies.send_reply(talk, each, Actor.member(member))[0] for each in words]


def stored(message: Message) -> Message:
    with workspace_scope(message.workspace_id), transaction.atomic():
        return Message.objects.get(pk=message.pk)


def last(message: Message) -> Delivery:
    with workspace_scope(message.workspace_id), transaction.atomic():
        return Delivery.objects.filter(message_id=message.pk).order_by("id").last()


def channel(talk) -> Channel:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        return Channel.objects.get(pk=talk.channel_id)


def why(talk, what: Outgoing = policy.FREE, by=None) -> str:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        refused = policy.why_not(again(talk), by, what)
    return refused.code if refused else ""


def refuse(platform, talk, member, code: int) -> Message:
    """The call is answered with this code."""
    platform.outcomes = [errors.error_of(code, "Meta says so.")]
    message = ask(talk, member, "Hi")[0]
    delivery.deliver()
    return message


def refuse_later(platform, talk, member, code: int) -> Message:
    """The call is taken, and a failed status comes with this code."""
    message = ask(talk, member, "Hi")[0]
    delivery.deliver()
    deliver((talk.channel, status("wamid.out1", "failed", datetime.now(UTC), code=code)))
    return message


@pytest.mark.clause("3f")
@pytest.mark.parametrize("how", [refuse, refuse_later])
def test_meta_087_a_closed_window_corrects_ours_and_is_not_tried_again(talk, member, platform, how):
    assert why(talk) == ""
    message = how(platform, talk, member, 131047)
    sent = len(platform.sent)
    delivery.deliver()
    assert len(platform.sent) == sent
    row = stored(message)
    assert (row.status, row.error_code) == ("failed", 131047) and "template" in row.error["next"]
    assert why(talk) == "window_closed"
    deliver((talk.channel, text("wamid.again", "still there?", datetime.now(UTC) + timedelta(seconds=2))))
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Conversation.objects.update(last_inbound_at=datetime.now(UTC) + timedelta(seconds=2))
    assert why(talk) == ""


def test_meta_088_echoes_and_statuses_open_no_window(talk, member, platform, clock):
    ask(talk, member, "Hi")
    delivery.deliver()
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Conversation.objects.update(last_inbound_at=clock.now - timedelta(hours=25))
    deliver((talk.channel, status("wamid.out1", "read", clock.now)))
    assert stored(Message(pk=_outbound(talk), workspace_id=talk.workspace_id)).status == "read"
    assert why(talk) == "window_closed"


def _outbound(talk):
    with workspace_scope(talk.workspace_id), transaction.atomic():
        return Message.objects.get(direction="outbound").pk


@pytest.mark.parametrize("how", [refuse, refuse_later])
def test_meta_090_140_an_undeliverable_number_is_marked_and_nothing_more_goes_there(talk, member, platform, how):
    message = how(platform, talk, member, 131026)
    assert stored(message).status == "failed" and last(message).attempts == 1
    assert why(talk) == why(talk, by=ROBOT) == "not_reachable"


@pytest.mark.parametrize("how", [refuse, refuse_later])
def test_meta_091_held_back_marketing_waits_a_day_and_is_tried_once_more_at_most(talk, member, platform, clock, how):
    message = how(platform, talk, member, 131049)
    assert stored(message).status == "failed" and last(message).attempts == 1
    with workspace_scope(talk.workspace_id), transaction.atomic():
        after = Conversation.objects.get().marketing_after
        assert abs(after - clock.now - timedelta(hours=24)) < timedelta(minutes=2)
        policies.attest_opt_in(member, None)
        OptIn.objects.create(
            contact_id=talk.contact_id, provider="whatsapp", topic="marketing", is_granted=True, source="website",
            at=NOW, recorded_by_kind="member",
        )  # fmt: skip
    assert why(talk, MARKETING) == "too_often" and why(talk) == ""
    clock.now = after - timedelta(seconds=1)
    assert why(talk, MARKETING) == "too_often"
    clock.now = after
    assert why(talk, MARKETING) == ""
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Conversation.objects.update(last_inbound_at=clock.now)
    with workspace_scope(talk.workspace_id):
        replies.retry(stored(message), Actor.member(member))
    platform.outcomes = [errors.error_of(131049)]
    delivery.deliver()
    with workspace_scope(talk.workspace_id), pytest.raises(Refused) as refused:
        replies.retry(stored(message), Actor.member(member))
    assert refused.value.code == "too_often_twice"
    assert last(message).state == "failed"


@pytest.mark.clause("4c")
@pytest.mark.parametrize("how", [refuse, refuse_later])
def test_meta_092_the_platforms_opt_out_goes_into_the_ledger(talk, member, platform, how):
    how(platform, talk, member, 131050)
    with workspace_scope(talk.workspace_id), transaction.atomic():
        entry = OptIn.objects.get()
        assert (entry.topic, entry.is_granted, entry.source) == ("marketing", False, "platform")
    assert why(talk, MARKETING) == "opted_out" and why(talk) == ""


def test_meta_093_a_number_that_is_too_fast_slows_alone_and_loses_nothing(talk, workspace, member, platform):
    deliver((connect(workspace, "210000000000777"), text("wamid.in2", "hello", NOW)))
    with workspace_scope(workspace.pk), transaction.atomic():
        other = Conversation.objects.select_related("channel").get(channel__external_id="210000000000777")
    platform.outcomes = [errors.error_of(130429)]
    ask(talk, member, "1", "2", "3")
    delivery.deliver()
    assert platform.sent == [] and channel(talk).paused_until > datetime.now(UTC) + timedelta(seconds=3)
    ask(other, member, "theirs")
    delivery.deliver()
    assert [each.text for each in platform.sent] == ["theirs"]
    _let_go(talk)
    assert [each.text for each in platform.sent] == ["theirs", "1", "2", "3"]


def test_meta_093_an_account_that_asked_too_much_waits_whole(talk, workspace, member, platform):
    second = connect(workspace, "210000000000502")
    foreign = connect(workspace, "210000000000503", "310000000000999")
    platform.outcomes = [errors.error_of(80007)]
    ask(talk, member, "1")
    delivery.deliver()
    with workspace_scope(workspace.pk), transaction.atomic():
        paused = dict(Channel.objects.values_list("pk", "paused_until"))
    assert paused[talk.channel_id] and paused[second.pk] and paused[foreign.pk] is None


def test_meta_093_the_pair_limit_holds_one_person_four_to_the_n_seconds(talk, member, platform):
    message = ask(talk, member, "1", "2")[0]
    for attempt in range(1, 6):
        platform.outcomes = [errors.error_of(131056)]
        before = datetime.now(UTC)
        delivery.deliver()
        waits = last(message).next_attempt_at - before
        assert timedelta(seconds=4**attempt) <= waits < timedelta(seconds=4**attempt + 5), attempt
        assert channel(talk).paused_until is None and platform.sent == []
        with workspace_scope(talk.workspace_id), transaction.atomic():
            Delivery.objects.filter(message=message).update(next_attempt_at=datetime.now(UTC))
    delivery.deliver()
    assert [each.text for each in platform.sent] == ["1", "2"]


def _let_go(talk) -> None:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Channel.objects.update(paused_until=None)
        Delivery.objects.filter(state="queued").update(next_attempt_at=datetime.now(UTC))
    delivery.deliver()


@pytest.mark.parametrize(
    ("code", "calls"), [(131053, 2), (1, 2), (199999, 2), (131026, 1), (132001, 1), (132012, 1), (132000, 1)]
)
def test_meta_094_097_099_what_is_tried_once_more_and_what_never(talk, member, platform, code, calls):
    message = ask(talk, member, "Hi")[0]
    for _ in range(4):
        platform.outcomes = [errors.error_of(code, "Meta says so.", "Odd")]
        _let_go(talk)
    assert last(message).attempts == calls and stored(message).status == "failed" and platform.sent == []
    row = stored(message)
    assert row.error_code == code and row.error["title"] and row.error["detail"] == "Meta says so."
    if code == 199999:
        assert row.error["title"] == "Odd"


def test_a_message_that_waits_for_long_lets_later_ones_pass(talk, member, platform):
    platform.outcomes = [errors.error_of(131064)]
    waiting = ask(talk, member, "1")[0]
    delivery.deliver()
    assert last(waiting).next_attempt_at > datetime.now(UTC) + timedelta(hours=23)
    ask(talk, member, "2")
    delivery.deliver()
    assert [each.text for each in platform.sent] == ["2"]


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (CredentialsRefused("no", code=190), "reconnect", "token_refused"),
        (errors.error_of(368), "stopped", "restricted"),
        (errors.error_of(131031), "stopped", "restricted"),
        (errors.error_of(131042), "stopped", "unpaid"),
        (errors.error_of(131037), "stopped", "name_not_approved"),
        (ChannelStopped("off", reason="message_access_off", code=200), "stopped", "message_access_off"),
    ],
)
def test_meta_095_096_166_a_standstill_keeps_the_messages_and_is_told_once(
    talk, workspace, owner, member, platform, error, state, reason, monkeypatch
):
    told = []
    monkeypatch.setattr(channel_jobs.tell_of_stop, "enqueue", lambda *ids: told.append(ids))
    deliver((talk.channel, text("wamid.b", "hello", NOW, number="491701112299", name="Bo")))
    with workspace_scope(workspace.pk), transaction.atomic():
        other = Conversation.objects.select_related("channel").exclude(pk=talk.pk).get()
    messages = ask(talk, member, "1") + ask(other, member, "2")
    platform.outcomes = [error, error]
    delivery.deliver()
    delivery.deliver()
    assert platform.sent == [] and {stored(each).status for each in messages} == {"queued"}
    now = channel(talk)
    assert (now.status, now.status_reason) == (state, reason) and now.stopped_at
    assert told == [(workspace.pk, talk.channel_id)]
    with workspace_scope(workspace.pk):
        assert channel_jobs.tell_of_stop(talk.channel_id) == 1
    assert [each.to for each in mail.outbox] == [[owner.email]] and "sends nothing" in mail.outbox[0].subject
    client = Client()
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(f"/w/{workspace.slug}/settings/channels/{talk.channel_id}/").content.decode()
    assert 'role="alert"' in page and str(REASONS[reason].next_step) in html.unescape(page)
    thread = client.get(f"/w/{workspace.slug}/inbox/{talk.pk}/").content.decode()
    assert 'data-state="blocked"' in thread
    with pytest.raises(Refused):
        ask(talk, member, "while it stands still")


def test_meta_095_after_a_standstill_what_waited_for_long_is_offered_and_not_sent(talk, member, platform):
    old, _ = ask(talk, member, "old", "young")
    platform.outcomes = [CredentialsRefused("no", code=190)]
    delivery.deliver()
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Delivery.objects.filter(message=old).update(created_at=datetime.now(UTC) - delivery.OFFER_AFTER * 2)
        Channel.objects.update(status="active", status_reason="")
    delivery.deliver()
    assert [each.text for each in platform.sent] == ["young"]
    assert stored(old).status == "failed" and "Send it again" in stored(old).error["next"]
    with workspace_scope(talk.workspace_id):
        replies.retry(stored(old), Actor.member(member))
    delivery.deliver()
    assert [each.text for each in platform.sent] == ["young", "old"]


def test_meta_096_a_failed_status_stops_the_channel_too(talk, member, platform):
    refuse_later(platform, talk, member, 131042)
    assert (channel(talk).status, channel(talk).status_reason) == ("stopped", "unpaid")


def test_a_failed_status_that_comes_again_or_after_the_delivery_teaches_nothing(talk, member, platform):
    refuse_later(platform, talk, member, 131042)
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Channel.objects.update(status="active", status_reason="")
    deliver((talk.channel, status("wamid.out1", "failed", NOW, code=131042)))
    assert channel(talk).status == "active"
    ask(talk, member, "again")
    delivery.deliver()
    deliver((talk.channel, status("wamid.out2", "delivered", NOW)))
    deliver((talk.channel, status("wamid.out2", "failed", NOW, code=131042)))
    assert channel(talk).status == "active"


def test_meta_098_a_disturbance_backs_off_with_a_limit(talk, member, platform):
    message = ask(talk, member, "Hi")[0]
    waits = []
    for code in (131000, 131016, 2, 131000, 131000, 131000, 131000, 131000):
        platform.outcomes = [errors.error_of(code)]
        before = datetime.now(UTC)
        delivery.deliver()
        waits.append((last(message).next_attempt_at - before).total_seconds())
        with workspace_scope(talk.workspace_id), transaction.atomic():
            Delivery.objects.filter(state="queued").update(next_attempt_at=datetime.now(UTC))
    assert waits[0] < waits[3] < waits[6] and max(waits) <= 600
    assert stored(message).status == "failed" and last(message).attempts == 8


@pytest.mark.parametrize("words", ["x" * 4097])
def test_meta_100_too_long_a_text_is_refused_with_the_limit_named(talk, member, platform, words):
    with workspace_scope(talk.workspace_id), pytest.raises(Refused) as refused:
        replies.send_reply(talk, words, Actor.member(member))
    assert "4,096" in refused.value.reason
    delivery.deliver()
    assert platform.sent == []


def test_meta_137_another_app_holds_the_conversation(talk, member, platform):
    platform.outcomes = [PolicyRefused("Another app owns it.", reason="other_app", code=100)]
    message = ask(talk, member, "Hi")[0]
    delivery.deliver()
    assert stored(message).status == "failed" and "take the conversation over" in stored(message).error["next"]
    assert why(talk) == "other_app"
    with workspace_scope(talk.workspace_id), transaction.atomic():
        again(talk).try_again()
    assert why(talk) == ""


def test_meta_044_a_changed_identity_blocks_until_a_person_confirms(talk, member, platform):
    refuse(platform, talk, member, 137000)
    assert why(talk) == "identity_changed"
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Contact.objects.get(pk=talk.contact_id).confirm_identity()
        again(talk).try_again()
    assert why(talk) == ""


def _post(owner, workspace, talk, verb: str) -> str:
    client = Client()
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    return client.post(f"/w/{workspace.slug}/inbox/{talk.pk}/{verb}/", follow=True).content.decode()


def test_meta_105_a_blocked_person_is_blocked_there_and_here(talk, owner, workspace, member, platform):
    assert "Blocked." in _post(owner, workspace, talk, "block")
    assert platform.blocked == [({"wa_id": "491701112233"}, True)]
    assert why(talk) == why(talk, by=ROBOT) == "blocked"
    with pytest.raises(Refused):
        ask(talk, member, "Hi")
    _post(owner, workspace, talk, "unblock")
    assert platform.blocked[1][1] is False and why(talk) == ""
    with workspace_scope(workspace.pk), transaction.atomic():
        actions = AuditEntry.objects.filter(target_id=talk.contact_id).values_list("action", flat=True)
        assert list(actions.order_by("at")) == ["contact.blocked", "contact.unblocked"]


def test_meta_105_a_block_that_the_platform_refuses_changes_nothing_here(talk, owner, workspace, platform):
    platform.outcomes = [errors.error_of(139100, "Only people who wrote.")]
    assert "could not be changed" in _post(owner, workspace, talk, "block")
    assert why(talk) == ""
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not AuditEntry.objects.filter(action="contact.blocked").exists()


@pytest.mark.parametrize("code", [131026, 131047, 131049])
def test_many_failed_statuses_cost_as_many_queries_as_one(talk, member, platform, code):
    messages = ask(talk, member, *"abcdefgh")
    delivery.deliver()
    assert len(platform.sent) == 8

    def cost(*numbers: int) -> int:
        parts = [(talk.channel, status(f"wamid.out{each}", "failed", NOW, code=code)) for each in numbers]
        with CaptureQueriesContext(connections["default"]) as seen:
            deliver(*parts)
        return len([each for each in seen.captured_queries if "SAVEPOINT" not in each["sql"]])

    assert cost(1) == cost(*range(2, 9))
    assert {stored(each).status for each in messages} == {"failed"}
