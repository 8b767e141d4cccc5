"""What a thread shows of ours beyond words: marks, what could be tapped, what waits for its time."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from conversations import moments, naming, scheduled
from conversations.models import Conversation, Message
from omnistra.core.keyring import KeyMissing
from omnistra.core.sealing import preload


def mark(message: Message) -> list[dict[str, Any]]:
    """Our own mark on a message, on its way, there, or refused."""
    try:
        emoji = str((message.content or {}).get("emoji", ""))
    except KeyMissing:
        return []
    if not emoji:
        return []
    failed = message.status in (Message.Status.FAILED, Message.Status.UNKNOWN)
    label = _("%(emoji)s by you, not sent") if failed else _("%(emoji)s by you")
    return [{"emoji": emoji, "count": 1, "ours": True, "failed": failed, "label": label % {"emoji": emoji}}]


def choice_titles(choices: Mapping[str, Any]) -> list[str]:
    """What can be tapped under a message."""
    rows = [row for section in choices.get("sections") or () for row in section.get("rows") or ()]
    return [str(each.get("title", "")) for each in [*(choices.get("buttons") or ()), *rows]]


def waiting(conversation: Conversation, slug: str) -> list[dict[str, Any]]:
    """What waits for its time, the next first. One query."""
    found = scheduled.waiting(conversation)
    preload(found)
    return [_waiting(each, slug) for each in found]


def _waiting(message: Message, slug: str) -> dict[str, Any]:
    try:
        words, text = naming.preview(message), message.text
    except KeyMissing:
        words = text = ""
    return {
        "id": message.pk,
        "words": words,
        "text": text,
        "at": message.send_at,
        "field": moments.field(message.send_at) if message.send_at else "",
        "can_edit": message.type != "template",
        "change_url": reverse("conversations:reschedule", args=[slug, message.pk]),
        "cancel_url": reverse("conversations:cancel_scheduled", args=[slug, message.pk]),
    }
