"""Feeding the outbox: recipients become messages about a second ahead of what the number may send, so that pausing and
stopping act at once and the outbox stays short.

Recipient, message and delivery are written together: a kill leaves all three or none. The outbox may be killed anywhere
after that, as with any message: what was on its way becomes `unknown`, never a second try.
"""

import random
import time
from collections.abc import Sequence
from math import ceil
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts import audit
from accounts.audit import SYSTEM, Actor
from channels_app.models import Channel, MessageTemplate
from conversations import delivery, replies
from conversations.campaigns import judging, preparing
from conversations.campaigns.preparing import apart
from conversations.ingest import lock_workspace
from conversations.models import Campaign, CampaignRecipient, Conversation, Delivery, Message
from omnistra.core.bulk import insert_new
from omnistra.core.jobs import wake
from omnistra.core.tenancy import system_scope, workspace_scope

TICK = 0.25  # seconds between two looks
LASTS = 8.0  # seconds of one run; beat begins the next
MOST = 500  # messages in one transaction
S = CampaignRecipient.State


def run() -> int:
    """Look every TICK while there is something to do, for a while; gives how many messages were queued."""
    queued, until = 0, time.monotonic() + LASTS
    while True:
        made, more = step()
        queued += made
        if not more or time.monotonic() > until:
            return queued
        time.sleep(TICK)


def step() -> tuple[int, bool]:
    """One look at everything: count drafts, begin what is due, feed what runs. Gives how many messages were queued, and
    whether something may be left to do soon."""
    more = preparing.count_all()
    begin_due()
    queued = 0
    for workspace_id, channel_id in _running():
        more = True
        with apart("campaign.not_fed", channel_id), workspace_scope(workspace_id):
            queued += feed(channel_id)
    return queued, more


def _running() -> list[tuple[UUID, UUID]]:
    with transaction.atomic(), system_scope("conversations.run_campaigns"):
        rows = Campaign.objects.filter(
            state=Campaign.State.RUNNING, workspace__suspended_at__isnull=True, workspace__closing_at__isnull=True
        )
        channels = list(rows.values_list("workspace_id", "channel_id").distinct())
    random.shuffle(channels)  # several workers begin at different ends
    return channels


def begin_due() -> int:
    """Scheduled campaigns whose time has come run, or hold with the reason; gives how many."""
    with transaction.atomic(), system_scope("conversations.begin_campaigns"):
        rows = Campaign.objects.filter(
            state=Campaign.State.SCHEDULED, start_at__lte=timezone.now(), workspace__suspended_at__isnull=True,
            workspace__closing_at__isnull=True,
        )  # fmt: skip
        due = list(rows.values_list("workspace_id", "pk"))
    for workspace_id, campaign_id in due:
        with apart("campaign.not_begun", campaign_id), workspace_scope(workspace_id), transaction.atomic():
            rows = Campaign.objects.select_for_update(of=("self",)).select_related("channel")
            campaign = rows.filter(pk=campaign_id, state=Campaign.State.SCHEDULED).first()
            if campaign is not None:
                reason = judging.why_hold(campaign, campaign.channel, judging.template_of(campaign, campaign.channel))
                _hold(campaign, reason) if reason else campaign.run()
                audit.record("campaign.came_due", SYSTEM, campaign.pk)
    return len(due)


def _hold(campaign: Campaign, reason: str) -> None:
    campaign.hold(reason)
    audit.record("campaign.held", SYSTEM, campaign.pk, [reason])


def feed(channel_id: UUID) -> int:
    """Queue as many messages of a channel's running campaigns, the oldest first, as about a second of its rate takes;
    gives how many. In the workspace's scope."""
    with transaction.atomic():
        channel = Channel.objects.defer("credentials").get(pk=channel_id)
        lock_workspace(channel.workspace_id)  # nobody of these is erased or merged meanwhile
        running = list(
            Campaign.objects.select_for_update(of=("self",))
            .filter(channel_id=channel_id, state=Campaign.State.RUNNING)
            .order_by("started_at", "id")
        )
        waiting = Delivery.objects.filter(
            channel_id=channel_id,
            priority=Delivery.Priority.CAMPAIGN,
            state=Delivery.State.QUEUED,
            next_attempt_at__lte=timezone.now(),
        ).count()
        second = delivery.campaign_rate(channel)
        room, queued, least = min(MOST, second - waiting), 0, ceil(second / 4)  # some at a time
        for campaign in running:
            template = judging.template_of(campaign, channel)
            reason = judging.why_hold(campaign, channel, template)
            if reason or template is None:
                _hold(campaign, reason)
            elif room - queued >= least and not _is_paused(channel):
                queued += _feed(campaign, channel, template, room - queued)
        if queued or waiting:  # the outbox stops looking while the number's rate is used up
            transaction.on_commit(lambda: wake("conversations.deliver"))
    return queued


def _is_paused(channel: Channel) -> bool:
    return channel.paused_until is not None and channel.paused_until > timezone.now()


def _feed(campaign: Campaign, channel: Channel, template: MessageTemplate, room: int) -> int:
    if room <= 0:
        return 0
    rows = (
        CampaignRecipient.objects.select_for_update(of=("self",)).filter(campaign=campaign, state=S.PENDING).order_by("id")
    )  # fmt: skip
    chosen = list(rows[:room])
    if not chosen:
        _finish(campaign)
        return 0
    judged = judging.judge(campaign, channel, template, [row.contact_id for row in chosen])
    if judged.hold:
        _hold(campaign, judged.hold)
        return 0
    for reason in set(judged.left_out.values()):
        out = [row.pk for row in chosen if judged.left_out.get(row.contact_id) == reason]
        CampaignRecipient.objects.filter(pk__in=out).update(state=S.SKIPPED, reason=reason)
    _queue(
        campaign,
        channel,
        [(row, judged.contents[row.contact_id]) for row in chosen if row.contact_id in judged.contents],
    )
    return len(judged.contents)


def _queue(campaign: Campaign, channel: Channel, chosen: Sequence[tuple[CampaignRecipient, dict[str, object]]]) -> None:
    """Recipient, message, delivery: together."""
    if not chosen:
        return
    talks = _conversations(channel, [row.contact_id for row, _ in chosen])
    by = Actor(campaign.instructed_by_kind, campaign.instructed_by_id)
    messages = []
    for row, content in chosen:
        message = replies.draft(talks[row.contact_id], "template", content, by)
        message.pk = row.pk
        messages.append(message)
    Message.objects.bulk_create(messages)
    Delivery.objects.bulk_create(
        Delivery(
            channel=channel, conversation_id=each.conversation_id, message=each, priority=Delivery.Priority.CAMPAIGN
        )
        for each in messages
    )  # fmt: skip
    ids = [row.pk for row, _ in chosen]
    CampaignRecipient.objects.filter(pk__in=ids).update(state=S.QUEUED, message=F("id"))


def _conversations(channel: Channel, contacts: Sequence[UUID]) -> dict[UUID, Conversation]:
    """The conversation of each contact. A new one is closed: it comes into the inbox when the person answers."""
    now = timezone.now()
    rows = Conversation.objects.filter(channel=channel, contact_id__any=set(contacts)).defer("referral")
    known = set(rows.values_list("contact_id", flat=True))
    fresh = [who for who in contacts if who not in known]
    insert_new(
        [
            Conversation(channel_id=channel.pk, contact_id=who, status=Conversation.Status.CLOSED, last_message_at=now)
            for who in fresh
        ]
    )
    rows.update(last_message_at=Greatest(F("last_message_at"), now))
    found = {each.contact_id: each for each in rows}
    for each in found.values():
        each.channel = channel
    return found


def _finish(campaign: Campaign) -> None:
    """Nobody waits any more: it is finished once the last message has left the outbox."""
    live = Delivery.objects.filter(state__in=[Delivery.State.QUEUED, Delivery.State.SENDING])
    mine = CampaignRecipient.objects.filter(campaign=campaign, message_id=OuterRef("message_id"))
    if not live.filter(Exists(mine), channel_id=campaign.channel_id, priority=Delivery.Priority.CAMPAIGN).exists():
        campaign.end(Campaign.State.FINISHED)
        audit.record("campaign.finished", SYSTEM, campaign.pk)
