"""A number with an approved template and people who agreed, for the tests of campaigns."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor
from channels_app.contract import Person
from channels_app.models import Channel, MessageTemplate
from conversations import identities
from conversations.campaigns import flow, preparing
from conversations.campaigns.segments import Segment
from conversations.ingest import lock_workspace
from conversations.models import Campaign, CampaignRecipient, Delivery, Message, OptIn
from conversations.opt_ins import ledger
from omnistra.core.bulk import insert_new
from omnistra.core.tenancy import workspace_scope
from privacy import policies
from tests.conversations.webhooks import connect

COMPONENTS = [{"type": "BODY", "text": "Hello {{1}}, the spring teas are here."}]
VALUES = {"body.1": "{{first_name|there}}"}
FIRST = 491700000000


def people(workspace: Any, count: int, first: int = 0, name: str = "Rui Alves") -> list[UUID]:
    """Contacts by their numbers."""
    with workspace_scope(workspace.pk), transaction.atomic():
        lock_workspace(workspace.pk)
        told = [(Person({"wa_id": str(FIRST + first + each)}, name), timezone.now()) for each in range(count)]
        return identities.resolve(workspace.pk, "whatsapp", told)


def agree(workspace: Any, contacts: list[UUID], topic: str = ledger.MARKETING) -> None:
    """They agreed a while ago."""
    at = timezone.now() - timedelta(days=1)
    with workspace_scope(workspace.pk), transaction.atomic():
        rows = [
            OptIn(
                contact_id=who, provider="whatsapp", topic=topic, is_granted=True, source="website", at=at,
                recorded_by_kind="system",
            )
            for who in contacts
        ]  # fmt: skip
        insert_new(rows)


def number(workspace: Any, member: Any, rate: int = 80) -> tuple[Channel, MessageTemplate]:
    """A connected number of a workspace that stated that it writes only to people who agreed."""
    channel = connect(workspace)
    with workspace_scope(workspace.pk), transaction.atomic():
        policies.attest_opt_in(member, "127.0.0.1")
        Channel.objects.filter(pk=channel.pk).update(messages_per_second=rate, send_credit=rate)
        template = MessageTemplate.objects.create(
            provider="whatsapp", account_id=channel.account_id, external_id="72", name="spring_teas", language="en",
            category="marketing", status="approved", components=COMPONENTS,
        )  # fmt: skip
        return Channel.objects.get(pk=channel.pk), template


def draft(
    workspace: Any, member: Any, channel: Channel, template: MessageTemplate, segment: Segment | None = None
) -> Campaign:
    """A counted draft."""
    with workspace_scope(workspace.pk):
        with transaction.atomic():
            made = flow.draft("Spring teas", channel, template, VALUES, Actor.member(member))
        flow.choose(made.pk, segment or Segment(), Actor.member(member))
        while preparing.count_on(made.pk):
            pass
        with transaction.atomic():
            return Campaign.objects.get(pk=made.pk)


def start(workspace: Any, member: Any, campaign: Campaign) -> Campaign:
    """Start a draft."""
    with workspace_scope(workspace.pk), transaction.atomic():
        return flow.start(campaign.pk, Actor.member(member))


def states(campaign: Campaign) -> dict[str, int]:
    """How many rows are in each state, by what the rows themselves say."""
    with workspace_scope(campaign.workspace_id), transaction.atomic():
        found: dict[str, int] = {}
        for state in CampaignRecipient.objects.filter(campaign=campaign).values_list("state", flat=True):
            found[state] = found.get(state, 0) + 1
        return found


def now(campaign: Campaign) -> tuple[str, str]:
    """The state, and the reason."""
    with workspace_scope(campaign.workspace_id), transaction.atomic():
        found = Campaign.objects.get(pk=campaign.pk)
        return found.state, found.reason


def written(workspace: Any) -> tuple[int, int]:
    """How many outbound messages and deliveries there are."""
    with workspace_scope(workspace.pk), transaction.atomic():
        return Message.objects.filter(direction="outbound").count(), Delivery.objects.count()
