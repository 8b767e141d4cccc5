"""The reply window: until when the platform lets us answer freely (policy clause 5c, providers/whatsapp.md 14)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from channels_app.registry import provider
from conversations.models import Conversation

CLOSING = timedelta(hours=4)  # from here on the clock is shown in the list


@dataclass(frozen=True, slots=True)
class ReplyWindow:
    """`closes_at` is None when the person has never written. `human_until` is until when a signed-in person may still
    answer, where the platform knows such a rule."""

    closes_at: datetime | None
    human_until: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether a free-form answer is allowed now."""
        return self.closes_at is not None and timezone.now() < self.closes_at

    @property
    def is_human(self) -> bool:
        """Whether a signed-in person, and nobody else, may answer now."""
        return not self.is_open and self.human_until is not None and timezone.now() < self.human_until

    @property
    def state(self) -> str:
        """`none`, `closed`, `closing` (less than four hours left) or `open`."""
        if self.closes_at is None:
            return "none"
        left = self.closes_at - timezone.now()
        return "closed" if left <= timedelta() else "closing" if left < CLOSING else "open"


def reply_window(conversation: Conversation) -> ReplyWindow:
    """The window of a conversation; it opens with each message of the person, by the provider's time, and is shut when the
    platform refused an answer since (its clock is the one that counts)."""
    opened_at = conversation.last_inbound_at
    if opened_at is None:
        return ReplyWindow(None)
    platform = provider(conversation.channel.provider)
    closes_at = opened_at + platform.reply_window
    lost_at = conversation.window_lost_at
    if lost_at is not None and lost_at >= opened_at:
        closes_at = min(closes_at, lost_at)
    return ReplyWindow(closes_at, opened_at + platform.human_window if platform.human_window else None)
