"""Contacts and what was said, by room: people, talks, absent; and campaigns.

What a person said or is called is sealed under the person's own key; ids, times and states are clear.
"""

from conversations.models.absent import EarlyUpdate, Tombstone
from conversations.models.campaigns import Campaign, CampaignRecipient
from conversations.models.people import Contact, Handle, OptIn, OptOut
from conversations.models.talks import Attachment, Conversation, Delivery, Message, OutOfSight, Reaction

__all__ = [
    "Attachment",
    "Campaign",
    "CampaignRecipient",
    "Contact",
    "Conversation",
    "Delivery",
    "EarlyUpdate",
    "Handle",
    "Message",
    "OptIn",
    "OptOut",
    "OutOfSight",
    "Reaction",
    "Tombstone",
]
