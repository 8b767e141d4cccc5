"""What campaigns keep when messages, conversations and people are erased: numbers. In the erasing transaction."""

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet

from conversations.models import Campaign, CampaignRecipient, Conversation

# A recipient's message goes: how far it came stays.
_KEEP = """
UPDATE conversations_campaignrecipient r SET message_id = NULL,
state = CASE WHEN m.status = 'sending' THEN 'queued' ELSE m.status END
FROM conversations_message m WHERE r.message_id = m.id AND m.id = ANY(%s)
"""


def keep_states(message_ids: Collection[UUID]) -> None:
    """Before messages are erased."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [list(message_ids)])


def forget_in(conversation_ids: Collection[UUID]) -> None:
    """Before conversations are erased: their people leave the campaigns of the same channels."""
    gone = Conversation.objects.filter(
        pk__in=conversation_ids, contact_id=OuterRef("contact_id"), channel_id=OuterRef("channel_id")
    )
    contacts = Conversation.objects.filter(pk__in=conversation_ids).values("contact_id")
    _forget(CampaignRecipient.objects.filter(Exists(gone), contact_id__in=contacts))


def forget_everywhere(contact_ids: Collection[UUID]) -> None:
    """Before contacts are erased."""
    _forget(CampaignRecipient.objects.filter(contact_id__in=contact_ids))


def _forget(rows: QuerySet[CampaignRecipient]) -> None:
    counts = Counter(rows.values_list("campaign_id", flat=True))
    rows.delete()
    for number in set(counts.values()):  # few: most people are in each campaign once
        of_these = [campaign for campaign, count in counts.items() if count == number]
        Campaign.objects.filter(pk__in=of_these).update(erased_count=F("erased_count") + number)
