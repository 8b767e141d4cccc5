"""What members do with a campaign. Call these in the workspace's scope; they raise Refused, and then nothing is changed."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from channels_app.models import Channel, MessageTemplate
from channels_app.templates import form
from conversations import scheduled
from conversations.campaigns import filling, judging, preparing, words
from conversations.campaigns.segments import Segment
from conversations.models import Campaign, CampaignRecipient
from conversations.policy import Refused
from conversations.sending import ValuesMissing, template_content
from omnistra.core.jobs import wake

C = Campaign.State
JOB = "conversations.run_campaigns"


def _wake() -> None:
    transaction.on_commit(lambda: wake(JOB))


def draft(name: str, channel: Channel, template: MessageTemplate, values: Mapping[str, str], by: Actor) -> Campaign:
    """A new campaign to nobody yet. Raises Refused, ValuesMissing with the reasons by slot."""
    if form.read(template.components).header_file:
        raise Refused("template_file", "Campaigns send templates without a file above the text.", "Choose another one.")
    if strangers := filling.unknown(values):
        known = " ".join(f"{{{{{each}}}}}" for each in filling.PLACES)
        raise ValuesMissing(
            {slot: f"Nothing fills {{{{{each}}}}}. There is {known}." for slot, each in strangers.items()}
        )
    template_content(template, filling.fill(values, "Alex Example"))
    with transaction.atomic():
        campaign: Campaign = Campaign.objects.create(
            name=name, channel=channel, template_id=template.pk, template_name=template.name,
            template_language=template.language, values=dict(values),
        )  # fmt: skip
        audit.record("campaign.created", by, campaign.pk)
    return campaign


def _held(campaign_id: UUID, *states: str) -> Campaign:
    rows = Campaign.objects.select_for_update(of=("self",)).select_related("channel")
    campaign: Campaign = rows.get(pk=campaign_id)
    if campaign.state not in states:
        raise Refused("campaign_state", "The campaign is in another state by now.", "Look at it again.")
    return campaign


def choose(campaign_id: UUID, segment: Segment | None, by: Actor) -> Campaign:
    """Choose the people of a draft (None: the same once more) and count them; long ones are counted on by the job."""
    with transaction.atomic():
        campaign = _held(campaign_id, C.DRAFT)
        if segment is None and campaign.segment is None:
            raise Refused("campaign_nobody", "Nobody is chosen yet.", "Choose who it goes to.")
        CampaignRecipient.objects.filter(campaign=campaign).delete()
        if segment is not None:
            campaign.segment = segment.as_json()
        campaign.counted_to = campaign.counted_at = None
        campaign.save(update_fields=["segment", "counted_to", "counted_at"])
        audit.record("campaign.changed", by, campaign.pk, ["segment"])
        _wake()
    if preparing.count_on(campaign.pk):
        preparing.count_on(campaign.pk)
    return campaign


def start(campaign_id: UUID, by: Actor, start_at: datetime | None = None) -> Campaign:
    """Begin now, or at a time."""
    if start_at is not None:
        scheduled.check_time(start_at)
    with transaction.atomic():
        campaign = _held(campaign_id, C.DRAFT)
        if campaign.counted_at is None:
            raise Refused("campaign_counting", "The people are not all counted yet.", "Wait a moment, then start it.")
        if not CampaignRecipient.objects.filter(campaign=campaign, state=CampaignRecipient.State.PENDING).exists():
            raise Refused(
                "campaign_nobody", "Nobody would get it.", "Choose other people, or see why they are left out."
            )
        _check(campaign)
        campaign.instructed_by_kind, campaign.instructed_by_id, campaign.start_at = by.kind, by.id, start_at
        campaign.state = C.SCHEDULED
        campaign.segment = {**campaign.segment, "contacts": []}  # the rows say who
        campaign.save(update_fields=["instructed_by_kind", "instructed_by_id", "start_at", "state", "segment"])
        if start_at is None:
            campaign.run()
            audit.record("campaign.started", by, campaign.pk)
        else:
            audit.record("campaign.scheduled", by, campaign.pk)
        _wake()
    return campaign


def _check(campaign: Campaign) -> None:
    if reason := judging.why_hold(campaign, campaign.channel, judging.template_of(campaign, campaign.channel)):
        raise words.hold(reason, campaign.channel)


def pause(campaign_id: UUID, by: Actor) -> Campaign:
    """Nothing more is queued from now on; what is in the outbox already (a second's worth) goes out."""
    with transaction.atomic():
        campaign = _held(campaign_id, C.RUNNING, C.SCHEDULED)
        campaign.hold(Campaign.BY_MEMBER)
        audit.record("campaign.paused", by, campaign.pk)
    return campaign


def resume(campaign_id: UUID, by: Actor) -> Campaign:
    """It goes on, at its time if that is still to come."""
    with transaction.atomic():
        campaign = _held(campaign_id, C.PAUSED)
        _check(campaign)
        if campaign.started_at is None and campaign.start_at and campaign.start_at > timezone.now():
            campaign.state, campaign.reason = C.SCHEDULED, ""
            campaign.save(update_fields=["state", "reason"])
        else:
            campaign.run()
        audit.record("campaign.resumed", by, campaign.pk)
        _wake()
    return campaign


def stop(campaign_id: UUID, by: Actor) -> Campaign:
    """For good: who waits gets nothing."""
    with transaction.atomic():
        campaign = _held(campaign_id, C.RUNNING, C.SCHEDULED, C.PAUSED)
        campaign.end(C.STOPPED, Campaign.BY_MEMBER)
        audit.record("campaign.stopped", by, campaign.pk)
    return campaign


def discard(campaign_id: UUID, by: Actor) -> None:
    """Delete a draft."""
    with transaction.atomic():
        campaign = _held(campaign_id, C.DRAFT)
        CampaignRecipient.objects.filter(campaign=campaign).delete()
        campaign_id = campaign.pk
        campaign.delete()
        audit.record("campaign.discarded", by, campaign_id)
