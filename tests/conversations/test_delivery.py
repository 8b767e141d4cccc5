"""The outbox: windows, order, rate, and what comes of each outcome of a call."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import AuditEntry, Membership, User
from channels_app import registry
from channels_app.contract import CredentialsRefused, Permanent, Retryable, Unknown
from channels_app.models import Channel
from channels_app.providers.whatsapp.provider import WhatsApp
from conversations import delivery, replies
from conversations.models import Conversation, Delivery, Message
from omnistra.core.keyring import SealBroken
from omnistra.core.tenancy import workspace_scope
from tests.conversations.webhooks import connect, deliver, text

OTHER_PHONE = "210000000000777"
NOW = datetime.now(UTC).replace(microsecond=0)


class Platform(WhatsApp):
    """WhatsApp whose send answers what the test says."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.outcomes: list[Exception] = []

    def send(self, external_id, credentials, message) -> str:
        if self.outcomes:
            raise self.outcomes.pop(0)
        self.sent.append(message.text)
        return f"wamid.out{len(self.sent)}"


@pytest.fixture
def platform(monkeypatch) -> Platform:
    given = Platform()
    monkeypatch.setitem(registry.PROVIDERS, "whatsapp", given)
    return given


@pytest.fixture
def talk(committed, workspace, member, platform) -> Conversation:
    deliver((connect(workspace), text("wamid.in", "hello", NOW)))
    with workspace_scope(workspace.pk), transaction.atomic():
        return Conversation.objects.select_related("channel").get()


def answer(talk: Conversation, member, *words: str) -> list[Message]:
    with workspace_scope(talk.workspace_id):
        return [replies.send_reply(talk, each, Actor.member(member))[0] for each in words]


def state(message: Message) -> tuple[str, str]:
    with workspace_scope(message.workspace_id), transaction.atomic():
        last = Delivery.objects.filter(message_id=message.pk).order_by("id").last()
        return Message.objects.get(pk=message.pk).status, last.state


def due_now(talk: Conversation) -> None:
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Delivery.objects.update(next_attempt_at=timezone.now())
        Channel.objects.update(paused_until=None)


@pytest.mark.clause("1b")
def test_an_answer_is_sent_once_and_names_who_instructed_it(talk, member, platform):
    message = answer(talk, member, "Hi")[0]
    delivery.deliver()
    delivery.deliver()
    assert platform.sent == ["Hi"]
    assert state(message) == ("sent", "sent")
    with workspace_scope(talk.workspace_id), transaction.atomic():
        assert Message.objects.get(pk=message.pk).instructed_by_id == member.pk
        assert AuditEntry.objects.filter(action="conversation.replied", actor_id=member.pk).count() == 1


@pytest.mark.clause("5c")
@pytest.mark.clause("3f")
@pytest.mark.parametrize(
    ("ago", "allowed"),
    [
        (timedelta(hours=23, minutes=59), True),
        (timedelta(hours=24, minutes=1), False),
        (timedelta(days=30), False),
        (None, False),
    ],
)
def test_outside_the_window_nothing_is_written_and_nothing_sent(talk, member, platform, ago, allowed):
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Conversation.objects.update(last_inbound_at=timezone.now() - ago if ago else None)
    if allowed:
        answer(talk, member, "in time")
    else:
        with pytest.raises(replies.Refused) as refused:
            answer(talk, member, "too late")
        assert refused.value.code.startswith("window_") and refused.value.next_step
    delivery.deliver()
    assert platform.sent == (["in time"] if allowed else [])
    with workspace_scope(talk.workspace_id), transaction.atomic():
        assert Message.objects.filter(direction="outbound").count() == Delivery.objects.count() == int(allowed)
        assert AuditEntry.objects.filter(action="conversation.replied").count() == int(allowed)


def test_messages_of_a_conversation_go_in_order_and_a_stuck_one_holds_the_rest(talk, member, platform):
    first, *_ = answer(talk, member, "1", "2", "3")
    platform.outcomes = [Retryable("later")]
    delivery.deliver()
    assert platform.sent == [] and state(first) == ("queued", "queued")
    due_now(talk)
    delivery.deliver()
    assert platform.sent == ["1", "2", "3"]


def test_a_number_sends_no_faster_than_its_rate(talk, member, platform):
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Channel.objects.update(
            messages_per_second=1, send_credit=1, send_credit_at=timezone.now() + timedelta(minutes=1)
        )
    answer(talk, member, "1", "2", "3")
    delivery.deliver()
    assert platform.sent == ["1"]


def test_a_permanent_refusal_fails_with_its_reason_and_a_person_may_try_again(talk, member, platform):
    message = answer(talk, member, "Hi")[0]
    platform.outcomes = [Permanent("The number is gone.", code=131026)]
    delivery.deliver()
    assert state(message) == ("failed", "failed")
    with workspace_scope(talk.workspace_id), transaction.atomic():
        assert Message.objects.get(pk=message.pk).error["title"] == "The number is gone."
    with workspace_scope(talk.workspace_id):
        replies.retry(message, Actor.member(member))
        with pytest.raises(replies.Refused):
            replies.retry(message, Actor.member(member))
    delivery.deliver()
    assert platform.sent == ["Hi"] and state(message) == ("sent", "sent")


def test_retries_end_after_the_allowed_number(talk, member, platform):
    message = answer(talk, member, "Hi")[0]
    platform.outcomes = [Retryable("later", max_attempts=2), Retryable("later", max_attempts=2)]
    delivery.deliver()
    assert state(message) == ("queued", "queued")
    due_now(talk)
    delivery.deliver()
    assert state(message) == ("failed", "failed")


def test_an_unknown_outcome_is_never_sent_again_by_itself(talk, member, platform):
    message = answer(talk, member, "Hi")[0]
    platform.outcomes = [Unknown("cut off")]
    for _ in range(3):
        delivery.deliver()
        due_now(talk)
    assert platform.sent == [] and state(message) == ("unknown", "unknown")


def test_a_call_that_never_reported_back_becomes_unknown(talk, member, platform):
    message = answer(talk, member, "Hi")[0]
    with workspace_scope(talk.workspace_id), transaction.atomic():
        Delivery.objects.update(state="sending", claimed_at=timezone.now() - delivery.LEASE * 2)
        Message.objects.filter(pk=message.pk).update(status="sending")
    delivery.deliver()
    assert platform.sent == [] and state(message) == ("unknown", "unknown")


def test_a_refused_token_stops_the_number_and_keeps_the_message(talk, member, platform):
    message = answer(talk, member, "Hi")[0]
    platform.outcomes = [CredentialsRefused("no", code=190)]
    delivery.deliver()
    delivery.deliver()
    assert platform.sent == [] and state(message) == ("queued", "queued")
    with workspace_scope(talk.workspace_id), transaction.atomic():
        assert Channel.objects.get().status == "reconnect"
        Channel.objects.update(status="active")
    delivery.deliver()
    assert platform.sent == ["Hi"]


def test_a_slow_number_holds_up_no_other(talk, workspace, member, platform, monkeypatch):
    deliver((connect(workspace, OTHER_PHONE), text("wamid.in2", "hello", NOW)))
    with workspace_scope(workspace.pk), transaction.atomic():
        other = Conversation.objects.select_related("channel").get(channel__external_id=OTHER_PHONE)
    slow, go_on = threading.Event(), threading.Event()
    send = platform.send

    def sometimes_slow(external_id, credentials, message):
        if external_id != OTHER_PHONE:
            slow.set()
            assert go_on.wait(20)
        return send(external_id, credentials, message)

    monkeypatch.setattr(platform, "send", sometimes_slow)
    waiting = answer(talk, member, "slow")[0]
    worker = threading.Thread(target=delivery.deliver)
    worker.start()
    assert slow.wait(20)
    quick = answer(other, member, "quick")[0]  # comes due while the slow call is under way
    for _ in range(200):
        if state(quick) == ("sent", "sent"):
            break
        time.sleep(0.05)
    assert platform.sent == ["quick"] and state(waiting) == ("sending", "sending")
    go_on.set()
    worker.join(20)
    assert platform.sent == ["quick", "slow"]


def test_one_number_in_trouble_holds_up_no_other(talk, other, member, platform, monkeypatch):
    foreign = connect(other, "210000000000777", "310000000000777")
    deliver((foreign, text("wamid.f", "hello", NOW)))
    stranger = Membership.of_user(User.objects.get(email="max@elsewhere.example"))[0]
    with workspace_scope(other.pk), transaction.atomic():
        theirs = Conversation.objects.select_related("channel").get()
    answer(talk, member, "ours")
    answer(theirs, stranger, "theirs")
    real = delivery._claim

    def broken(channel_id, room):
        if channel_id == talk.channel_id:
            raise SealBroken("altered")
        return real(channel_id, room)

    monkeypatch.setattr(delivery, "_claim", broken)
    delivery.deliver()
    assert platform.sent == ["theirs"]
    monkeypatch.undo()
    monkeypatch.setitem(registry.PROVIDERS, "whatsapp", platform)
    delivery.deliver()
    assert platform.sent == ["theirs", "ours"]
