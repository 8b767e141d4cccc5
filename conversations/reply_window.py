"""The reply window: until when the platform lets us answer freely (policy clause 5c, providers/whatsapp.md 14)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from channels_app.registry import provider
from conversations.models import Conversation

CLOSING = timedelta(hours=4)  # from here on the clock is shown in the list


@dataclass(frozen=True, slots=True)
class ReplyWindow:
    """`closes_at` is None when the person has never written."""

    closes_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether a free-form answer is allowed now."""
        return self.closes_at is not None and timezone.now() < self.closes_at

    @property
    def state(self) -> str:
        """`none`, `closed`, `closing` (less than four hours left) or `open`."""
        if self.closes_at is None:
            return "none"
        left = self.closes_at - timezone.now()
        return "closed" if left <= timedelta() else "closing" if left < CLOSING else "open"


def reply_window(conversation: Conversation) -> ReplyWindow:
    """The window of a conversation; it opens with each message of the person, by the provider's time."""
    if conversation.last_inbound_at is None:
        return ReplyWindow(None)
    return ReplyWindow(conversation.last_inbound_at + provider(conversation.channel.provider).reply_window)
