"""Counting: one row for each person of a segment, pending or left out with the reason, in chunks. What is shown before
the start is what these rows say, and what is sent is sent from them.

A kill between two chunks loses nothing: the campaign knows how far it came, and a person has one row in it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import OperationalError, transaction
from django.utils import timezone

from channels_app.models import Channel
from conversations.campaigns import judging, segments
from conversations.campaigns.segments import Segment
from conversations.models import Campaign, CampaignRecipient
from omnistra.core import reports
from omnistra.core.bulk import insert_new
from omnistra.core.logs import frames, get_logger
from omnistra.core.tenancy import system_scope, workspace_scope

log = get_logger(__name__)
CHUNK = 1000
S = CampaignRecipient.State


@contextmanager
def apart(event: str, identity: UUID) -> Iterator[None]:
    """What fails with one is said and leaves the others going; it is tried again by the next look. A database that is
    away is everybody's trouble: raises OperationalError."""
    try:
        yield
    except OperationalError:
        raise
    except Exception as error:
        log.error(event, id=identity, trace=frames(error))
        reports.capture(error)


def count_on(campaign_id: UUID) -> bool:
    """Look at the next people of a draft; gives whether there may be more. In the workspace's scope."""
    with transaction.atomic():
        campaign: Campaign | None = (
            Campaign.objects.select_for_update(of=("self",))
            .filter(pk=campaign_id, state=Campaign.State.DRAFT, counted_at=None, segment__isnull=False)
            .first()
        )
        if campaign is None:
            return False
        channel = Channel.objects.defer("credentials").get(pk=campaign.channel_id)
        template = judging.template_of(campaign, channel)
        ids = segments.people(channel, Segment.of(campaign.segment), campaign.counted_to, CHUNK)
        if not ids:
            campaign.counted_at = timezone.now()
            campaign.save(update_fields=["counted_at"])
            return False
        if template is None:
            left_out = dict.fromkeys(ids, "template_gone")
        else:
            judged = judging.judge(campaign, channel, template, ids)
            left_out = dict.fromkeys(ids, judged.hold) if judged.hold else dict(judged.left_out)
        insert_new(
            [
                CampaignRecipient(
                    channel_id=channel.pk, campaign_id=campaign.pk, contact_id=who,
                    state=S.SKIPPED if who in left_out else S.PENDING, reason=left_out.get(who, ""),
                )
                for who in ids
            ]
        )  # fmt: skip
        campaign.counted_to = ids[-1]
        campaign.save(update_fields=["counted_to"])
        return True


def count_all() -> bool:
    """A chunk of every draft that is not counted yet; gives whether there may be more."""
    with transaction.atomic(), system_scope("conversations.count_campaigns"):
        rows = Campaign.objects.filter(state=Campaign.State.DRAFT, counted_at=None, segment__isnull=False)
        waiting = list(rows.values_list("workspace_id", "pk"))
    more = False
    for workspace_id, campaign_id in waiting:
        with apart("campaign.not_counted", campaign_id), workspace_scope(workspace_id):
            more |= count_on(campaign_id)
    return more
