"""What a campaign sends, how fast, and what holds it; against a platform that keeps what it is given."""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import AuditEntry
from channels_app.contract import ChannelStopped, PolicyRefused
from channels_app.models import Channel, MessageTemplate
from conversations import delivery, opt_ins, replies
from conversations.campaigns import flow, running, shown
from conversations.campaigns.segments import Segment
from conversations.models import Campaign, CampaignRecipient, Contact, Conversation, Delivery, Handle, Message
from conversations.policy import Refused
from omnistra.core.tenancy import workspace_scope
from tests.conversations.campaigns import crowd
from tests.conversations.webhooks import deliver, status, text

pytestmark = pytest.mark.usefixtures("committed")


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = timezone.now() + timedelta(hours=1)  # after everything that a default of a column dates

    def __call__(self):
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    return clock


@pytest.fixture
def number(workspace, member, platform) -> tuple[Channel, MessageTemplate]:
    return crowd.number(workspace, member)


def begun(workspace, member, number, count: int = 3) -> Campaign:
    """A running campaign to people who agreed."""
    crowd.agree(workspace, crowd.people(workspace, count))
    return crowd.start(workspace, member, crowd.draft(workspace, member, *number))


def finish() -> None:
    """Let everything go out."""
    for _ in range(3):
        running.step()
        delivery.deliver()


@pytest.mark.clause("4c")
def test_everybody_who_agreed_gets_it_once_with_their_own_name(workspace, member, number, platform):
    campaign = begun(workspace, member, number)
    assert platform.sent == []
    finish()
    assert sorted(each.handles["wa_id"] for each in platform.sent) == ["491700000000", "491700000001", "491700000002"]
    assert {each.template.name for each in platform.sent} == {"spring_teas"}
    assert {each.text for each in platform.sent} == {"Hello Rui, the spring teas are here."}
    assert crowd.now(campaign) == ("finished", "")
    with workspace_scope(workspace.pk), transaction.atomic():
        rows = list(CampaignRecipient.objects.select_related("message"))
        assert all(row.message_id == row.pk and row.message.status == "sent" for row in rows)
        assert {row.message.instructed_by_id for row in rows} == {member.pk}
        assert set(Conversation.objects.values_list("status", flat=True)) == {"closed"}
        told = Counter(AuditEntry.objects.filter(action__startswith="campaign.").values_list("action", flat=True))
    assert told == {"campaign.created": 1, "campaign.changed": 1, "campaign.started": 1, "campaign.finished": 1}


@pytest.mark.parametrize(("rate", "count"), [(80, 140), (1000, 850)])
def test_a_campaign_keeps_within_the_numbers_rate(workspace, member, platform, clock, monkeypatch, rate, count):
    number = crowd.number(workspace, member, rate)
    crowd.agree(workspace, crowd.people(workspace, count))
    crowd.start(workspace, member, crowd.draft(workspace, member, *number))
    at, most = [], 0
    monkeypatch.setattr(platform, "send", lambda *given: at.append(clock.now) or f"wamid.{len(at)}")
    for _ in range(60):
        running.step()
        with workspace_scope(workspace.pk), transaction.atomic():
            most = max(most, Delivery.objects.filter(state="queued").count())
        delivery.deliver()
        if len(at) == count:
            break
        clock.move(0.1)
    assert len(at) == count
    share = int(rate * 0.8)
    windows = [sum(1 for each in at if start <= each < start + timedelta(seconds=1)) for start in set(at)]
    assert max(windows) <= share
    assert (at[-1] - at[0]).total_seconds() <= count / share + 0.5  # and no slower than that
    assert most <= share  # the outbox holds a second's worth at most


def test_an_answer_overtakes_everything_that_a_campaign_has_queued(workspace, member, number, platform, clock):
    channel, _ = number
    deliver((channel, text("wamid.in", "hello", clock.now, number="4915700000")))
    crowd.agree(workspace, crowd.people(workspace, 150))
    crowd.start(workspace, member, crowd.draft(workspace, member, *number))
    running.step()
    delivery.deliver()
    sent = len(platform.sent)
    assert sent == 64
    clock.move(0.5)
    running.step()  # the next second's worth waits in the outbox
    assert crowd.written(workspace)[0] == 128
    with workspace_scope(workspace.pk), transaction.atomic():
        talk = Conversation.objects.select_related("channel").get(last_inbound_at__isnull=False)
    with workspace_scope(workspace.pk):
        replies.send_reply(talk, "At once", Actor.member(member))
    delivery.deliver()  # within the same second: of the campaign nothing more may go
    assert [each.text for each in platform.sent[sent:]] == ["At once"]


def test_an_answer_to_somebody_whose_campaign_message_waits_does_not_wait_for_it(
    workspace, member, number, platform, clock
):
    channel, _ = number
    deliver((channel, text("wamid.in", "hello", clock.now, number=str(crowd.FIRST + 149), name="Rui Alves")))
    crowd.agree(workspace, crowd.people(workspace, 150))
    crowd.start(workspace, member, crowd.draft(workspace, member, *number))
    running.step()
    with workspace_scope(workspace.pk), transaction.atomic():
        talk = Conversation.objects.select_related("channel").get(last_inbound_at__isnull=False)
    with workspace_scope(workspace.pk), transaction.atomic():
        theirs = Delivery.objects.filter(conversation=talk)
        assert theirs.update(next_attempt_at=clock.now + timedelta(minutes=5)) == 1
    with workspace_scope(workspace.pk):
        replies.send_reply(talk, "Now", Actor.member(member))
    delivery.deliver()
    assert "Now" in [each.text for each in platform.sent]
    assert len([each for each in platform.sent if each.handles["wa_id"] == str(crowd.FIRST + 149)]) == 1


def test_slow_calls_of_a_campaign_leave_calls_for_answers(workspace):
    calls = [(number := workspace.pk, 1)] * 6
    assert delivery._room([], number, 80) == delivery._Room(8, 6)
    assert delivery._room(calls, number, 80) == delivery._Room(2, 0)
    assert delivery._room([], number, 1000) == delivery._Room(24, 22)
    elsewhere = [(each, 1) for each in range(24)]
    assert delivery._room(elsewhere, number, 1000) == delivery._Room(8, 0)


def test_pausing_acts_at_once_on_what_is_not_queued_and_resuming_sends_the_rest_once(
    workspace, member, number, platform, clock
):
    campaign = begun(workspace, member, number, 150)
    running.step()
    with workspace_scope(workspace.pk):
        flow.pause(campaign.pk, Actor.member(member))
    for _ in range(5):
        clock.move(1)
        running.step()
        delivery.deliver()
    assert len(platform.sent) == 64
    assert crowd.now(campaign) == ("paused", "by_member")
    with workspace_scope(workspace.pk):
        flow.resume(campaign.pk, Actor.member(member))
    for _ in range(5):
        clock.move(1)
        running.step()
        delivery.deliver()
    assert crowd.now(campaign)[0] == "finished"
    assert len(platform.sent) == len({each.handles["wa_id"] for each in platform.sent}) == 150


def test_stopping_is_for_good(workspace, member, number, platform):
    campaign = begun(workspace, member, number)
    with workspace_scope(workspace.pk):
        flow.stop(campaign.pk, Actor.member(member))
        with pytest.raises(Refused):
            flow.resume(campaign.pk, Actor.member(member))
    finish()
    assert platform.sent == [] and crowd.written(workspace) == (0, 0)
    assert crowd.states(campaign) == {"pending": 3}


@pytest.mark.clause("4c")
def test_who_says_stop_while_it_runs_gets_nothing_any_more(workspace, member, number, platform, clock):
    channel, _ = number
    campaign = begun(workspace, member, number, 150)
    running.step()
    delivery.deliver()
    deliver((channel, text("wamid.stop", "STOP", clock.now, number=str(crowd.FIRST + 149), name="Rui Alves")))
    for _ in range(5):
        clock.move(1)
        finish()
    assert len(platform.sent) == 149
    assert str(crowd.FIRST + 149) not in {each.handles["wa_id"] for each in platform.sent}
    with workspace_scope(workspace.pk), transaction.atomic():
        assert CampaignRecipient.objects.get(state="skipped").reason == "opted_out"
    assert crowd.now(campaign)[0] == "finished"


@pytest.mark.clause("4c")
def test_who_says_stop_between_queueing_and_sending_gets_nothing(workspace, member, number, platform):
    campaign = begun(workspace, member, number, 1)
    running.step()
    with workspace_scope(workspace.pk), transaction.atomic():
        who = Contact.objects.get().pk
        opt_ins.withdraw(who, "whatsapp", opt_ins.ALL, Actor.member(member), timezone.now())
    finish()
    assert platform.sent == []
    with workspace_scope(workspace.pk), transaction.atomic():
        assert shown.progress([Campaign.objects.get(pk=campaign.pk)])[campaign.pk].count("failed") == 1


def test_somebody_who_changed_phones_is_left_out_until_a_person_made_sure(workspace, member, number, platform):
    begun(workspace, member, number, 2)
    with workspace_scope(workspace.pk), transaction.atomic():
        Contact.objects.filter(pk=Contact.objects.first().pk).update(identity_changed_at=timezone.now())
    finish()
    assert len(platform.sent) == 1


def test_who_lost_the_number_meanwhile_is_left_out(workspace, member, number, platform):
    begun(workspace, member, number, 1)
    with workspace_scope(workspace.pk), transaction.atomic():
        Handle.objects.update(ended_at=timezone.now())
    finish()
    assert platform.sent == []
    with workspace_scope(workspace.pk), transaction.atomic():
        assert CampaignRecipient.objects.get().reason == "no_address"


@pytest.mark.parametrize("status_", ["paused", "rejected", "disabled"])
def test_meta_109_a_template_that_is_not_approved_any_more_holds_a_running_campaign(
    workspace, member, number, platform, status_
):
    campaign = begun(workspace, member, number)
    with workspace_scope(workspace.pk), transaction.atomic():
        MessageTemplate.objects.update(status=status_)
    finish()
    assert crowd.now(campaign) == ("paused", "template_not_usable")
    assert platform.sent == [] and crowd.written(workspace) == (0, 0)
    with workspace_scope(workspace.pk), transaction.atomic():
        assert AuditEntry.objects.filter(action="campaign.held").count() == 1
        with pytest.raises(Refused, match="not approved"):
            flow.resume(campaign.pk, Actor.member(member))
        MessageTemplate.objects.update(status="approved")
    with workspace_scope(workspace.pk):
        flow.resume(campaign.pk, Actor.member(member))
    finish()
    assert len(platform.sent) == 3


def test_meta_109_a_scheduled_campaign_on_a_paused_template_holds_when_it_comes_due(
    workspace, member, number, platform, clock
):
    crowd.agree(workspace, crowd.people(workspace, 2))
    campaign = crowd.draft(workspace, member, *number)
    with workspace_scope(workspace.pk):
        flow.start(campaign.pk, Actor.member(member), clock.now + timedelta(hours=1))
    finish()
    assert crowd.now(campaign) == ("scheduled", "") and platform.sent == []
    with workspace_scope(workspace.pk), transaction.atomic():
        MessageTemplate.objects.update(status="paused")
    clock.move(3601)
    finish()
    assert crowd.now(campaign) == ("paused", "template_not_usable")
    assert platform.sent == [] and crowd.written(workspace) == (0, 0)


def test_a_scheduled_campaign_begins_by_itself(workspace, member, number, platform, clock):
    crowd.agree(workspace, crowd.people(workspace, 2))
    campaign = crowd.draft(workspace, member, *number)
    with workspace_scope(workspace.pk):
        flow.start(campaign.pk, Actor.member(member), clock.now + timedelta(hours=1))
    clock.move(3601)
    finish()
    assert crowd.now(campaign)[0] == "finished" and len(platform.sent) == 2


def test_a_template_that_is_gone_holds_the_campaign(workspace, member, number, platform):
    campaign = begun(workspace, member, number)
    with workspace_scope(workspace.pk), transaction.atomic():
        MessageTemplate.objects.all().delete()
    finish()
    assert crowd.now(campaign) == ("paused", "template_gone") and platform.sent == []


def test_a_spam_limit_of_the_platform_holds_the_campaign_with_its_words(workspace, member, number, platform, clock):
    campaign = begun(workspace, member, number, 150)
    platform.outcomes = [ChannelStopped("Meta limits this number.", reason="spam_limit", code=131048) for _ in range(8)]
    running.step()
    delivery.deliver()
    clock.move(2)
    running.step()
    assert crowd.now(campaign) == ("paused", "channel_stopped")
    with workspace_scope(workspace.pk), transaction.atomic():
        found = Campaign.objects.select_related("channel").get(pk=campaign.pk)
        assert "reported as spam" in shown.hold(found).reason
        assert Message.objects.count() == 64  # nothing more was queued


def test_a_person_whom_the_platform_refuses_is_shown_with_the_reason_and_the_others_go_on(
    workspace, member, number, platform
):
    campaign = begun(workspace, member, number, 3)
    platform.outcomes = [PolicyRefused("They got much marketing lately.", reason="too_often", code=131049)]
    finish()
    assert len(platform.sent) == 2 and crowd.now(campaign)[0] == "finished"
    with workspace_scope(workspace.pk), transaction.atomic():
        found = Campaign.objects.select_related("channel").get(pk=campaign.pk)
        rows, _ = shown.rows(found, "northwind", "failed")
    assert [(row.why, row.error_code) for row in rows] == [("They got much marketing lately.", 131049)]


def test_how_far_messages_came_is_told_for_each_person(workspace, member, number, platform, clock):
    campaign = begun(workspace, member, number, 3)
    finish()
    deliver(
        (number[0], status("wamid.out1", "delivered", clock.now)), (number[0], status("wamid.out2", "read", clock.now))
    )
    with workspace_scope(workspace.pk), transaction.atomic():
        far = shown.progress([Campaign.objects.get(pk=campaign.pk)])[campaign.pk]
    assert {each.state: each.count for each in far.shares} == {"read": 1, "delivered": 1, "sent": 1}
    assert (far.total, far.chosen, far.done) == (3, 3, 3)


def test_a_suspended_workspace_sends_no_campaign(workspace, member, number, platform):
    begun(workspace, member, number)
    with transaction.atomic():
        type(workspace).objects.filter(pk=workspace.pk).update(suspended_at=timezone.now())
    finish()
    assert platform.sent == [] and crowd.written(workspace) == (0, 0)


KILLED = """
import os, sys, signal, django
django.setup()
from uuid import UUID
from conversations.campaigns import running
from omnistra.core.tenancy import workspace_scope
place = sys.argv[3]
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
if place == "before the commit":
    make = running._queue
    def _queue(*args):
        make(*args)
        die()
    running._queue = _queue
with workspace_scope(UUID(sys.argv[1])):
    running.feed(UUID(sys.argv[2]))
die()
"""


@pytest.mark.clause("3b")
@pytest.mark.parametrize(("place", "left"), [("before the commit", 0), ("after the commit", 64)])
def test_a_kill_while_it_feeds_loses_nothing_and_sends_nothing_twice(
    workspace, member, number, platform, clock, place, left
):
    campaign = begun(workspace, member, number, 100)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "omnistra.settings.test"}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(workspace.pk), str(number[0].pk), place],
        env=environment, cwd=settings.BASE_DIR, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert crowd.written(workspace) == (left, left)
    for _ in range(4):
        clock.move(1)
        finish()
    assert crowd.now(campaign)[0] == "finished"
    assert len(platform.sent) == len({each.handles["wa_id"] for each in platform.sent}) == 100


@pytest.mark.clause("3b")
def test_the_database_refuses_a_second_message_to_a_recipient(workspace, member, number, platform):
    campaign = begun(workspace, member, number, 1)
    running.step()
    with workspace_scope(workspace.pk), transaction.atomic():
        CampaignRecipient.objects.update(state="pending", message=None)  # as if a writer had forgotten
    running.step()
    assert crowd.written(workspace) == (1, 1)
    delivery.deliver()
    assert len(platform.sent) == 1
    assert crowd.states(campaign) == {"pending": 1}


def test_one_campaign_in_trouble_holds_up_no_other(workspace, other, member, number, platform, monkeypatch):
    campaign = begun(workspace, member, number, 2)
    feed = running.feed

    def broken(channel_id):
        if channel_id != number[0].pk:
            raise RuntimeError("trouble")
        return feed(channel_id)

    monkeypatch.setattr(running, "feed", broken)
    there = [(other.pk, other.pk), *running._running()]
    monkeypatch.setattr(running, "_running", lambda: there)
    finish()
    assert crowd.now(campaign)[0] == "finished" and len(platform.sent) == 2


def test_a_list_of_nobody_cannot_be_started(workspace, member, number, platform):
    campaign = crowd.draft(workspace, member, *number, Segment(topic="marketing"))
    with workspace_scope(workspace.pk), pytest.raises(Refused, match="Nobody would get it"):
        flow.start(campaign.pk, Actor.member(member))
    finish()
    assert crowd.now(campaign) == ("draft", "") and platform.sent == []
