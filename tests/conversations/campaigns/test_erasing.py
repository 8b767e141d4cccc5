"""What is left of a campaign when messages, conversations and people go, and when two people turn out to be one."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from conversations import delivery, merging
from conversations.campaigns import running, shown
from conversations.ingest import lock_workspace
from conversations.models import Campaign, CampaignRecipient, Contact, Conversation, Message
from omnistra.core.tenancy import workspace_scope
from privacy import retention
from privacy.models import RetentionPolicy
from tests.conversations.campaigns import crowd

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def gone_out(workspace, member, platform) -> Campaign:
    """A campaign that went to three people."""
    number = crowd.number(workspace, member)
    crowd.agree(workspace, crowd.people(workspace, 3))
    campaign = crowd.start(workspace, member, crowd.draft(workspace, member, *number))
    for _ in range(2):
        running.step()
        delivery.deliver()
    return campaign


def counts(campaign: Campaign) -> dict[str, int]:
    with workspace_scope(campaign.workspace_id), transaction.atomic():
        return {each.state: each.count for each in shown.progress([campaign])[campaign.pk].shares}


def age(workspace, **policy: int) -> None:
    """Everything is forty days old, and retention runs."""
    with workspace_scope(workspace.pk), transaction.atomic():
        past = timezone.now() - timedelta(days=40)
        Message.objects.update(provider_at=past)
        if "conversation_days" in policy:
            Conversation.objects.update(last_message_at=past)
        RetentionPolicy.objects.create(**policy)
    retention.purge(workspace.pk, "command")


def test_when_retention_takes_the_messages_the_states_stay(workspace, gone_out):
    assert counts(gone_out) == {"sent": 3}
    age(workspace, message_days=30)
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not Message.objects.exists()
        assert set(CampaignRecipient.objects.values_list("state", "message_id")) == {("sent", None)}
    assert counts(gone_out) == {"sent": 3}


def test_when_people_are_erased_their_rows_go_and_a_number_stays(workspace, gone_out):
    age(workspace, conversation_days=30)
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not Contact.objects.exists() and not CampaignRecipient.objects.exists()
        assert Campaign.objects.get().erased_count == 3


def test_two_recipients_who_turn_out_to_be_one_person_get_it_once(workspace, member, platform):
    number = crowd.number(workspace, member)
    crowd.agree(workspace, crowd.people(workspace, 2))
    campaign = crowd.start(workspace, member, crowd.draft(workspace, member, *number))
    with workspace_scope(workspace.pk), transaction.atomic():
        lock_workspace(workspace.pk)
        goes, stays = Contact.objects.order_by("pk").values_list("pk", flat=True)
        merging.merge(goes, stays)
    running.step()
    delivery.deliver()
    assert len(platform.sent) == 1
    assert sum(crowd.states(campaign).values()) == 1


def test_who_got_it_under_one_identity_does_not_get_it_again_under_the_other(workspace, member, platform):
    number = crowd.number(workspace, member, rate=1)  # one a second
    crowd.agree(workspace, crowd.people(workspace, 2))
    campaign = crowd.start(workspace, member, crowd.draft(workspace, member, *number))
    running.step()
    delivery.deliver()
    assert len(platform.sent) == 1
    with workspace_scope(workspace.pk), transaction.atomic():
        lock_workspace(workspace.pk)
        first = CampaignRecipient.objects.get(message__isnull=False).contact_id
        other = Contact.objects.exclude(pk=first).get().pk
        merging.merge(first, other)
    for _ in range(3):
        running.step()
        delivery.deliver()
    assert len(platform.sent) == 1
    assert crowd.states(campaign) == {"queued": 1}
