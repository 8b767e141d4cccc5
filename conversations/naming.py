"""How the inbox names people, kinds and states."""

from collections.abc import Iterable
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from conversations import masking
from conversations.models import Contact, Handle, Message
from omnistra.core.keyring import KeyMissing

STATUS_WORDS = {
    "scheduled": "Scheduled",
    "queued": "Waiting to be sent",
    "sending": "Being sent",
    "sent": "Sent",
    "delivered": "Delivered",
    "read": "Read",
    "failed": "Not sent",
    "unknown": "Not known whether it arrived",
    "received": "",
}
KIND_WORDS = {
    "image": "Photo",
    "video": "Video",
    "audio": "Audio",
    "document": "Document",
    "sticker": "Sticker",
    "location": "Location",
    "contacts": "Contact card",
    "order": "Order",
    "form": "Form",
    "link": "Shared link",
    "story": "Story",
    "template": "Template",
    "unsupported": "Unsupported message",
}
# Lines in a thread that are nobody's message.
EVENT_WORDS = {
    "merged": _("Two contacts became one: the platform says that they are the same person."),
    "number_changed": _("They have a new number. Make sure that it is them before you tell anything private."),
    "security_changed": _("Their security code changed: another phone, or the app installed anew."),
}
SENT_FROM_WORDS = {
    "phone": _("Sent from the phone"),
    "inbox": _("Sent in the platform's inbox"),
    "app": _("Sent by another app"),
}
ICONS = {kind for kind in KIND_WORDS if kind not in ("unsupported", "template")}


def hue(identity: UUID) -> int:
    """One of twelve avatar colours."""
    return identity.int % 12


def initials(name: str) -> str:
    """One or two letters of a name."""
    words = [word for word in name.split() if word[0].isalnum()]
    if not words:
        return "#"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def shown_name(contact: Contact, handles: Iterable[Handle]) -> str:
    """The profile name, else a handle (masked: whoever sees a list sees no identifier), else what can be said of
    somebody unreadable."""
    try:
        if contact.name:
            return masking.name(str(contact.name))
        for handle in handles:
            if handle.ended_at is None:
                return masking.handle(handle.kind, handle.value)
    except KeyMissing:
        return "Erased contact"
    return "Unknown contact"


def preview(message: Message | None) -> str:
    """One line of a message."""
    if message is None:
        return "No messages"
    if message.unsent_at:
        return unsent_words(message)
    try:
        text = event_words(message) or " ".join(message.text.split())[:160]
    except KeyMissing:
        return "Erased"
    return text or KIND_WORDS.get(message.type, "")


def unsent_words(message: Message) -> str:
    """What stands where a message was."""
    ours = message.direction == Message.Direction.OUTBOUND
    return str(_("Deleted by the company") if ours else _("Deleted by the customer"))


def event_words(message: Message) -> str:
    """What a system line says, or "". Raises KeyMissing."""
    return str(EVENT_WORDS.get((message.content or {}).get("event", ""), "")) if message.type == "system" else ""


def size_label(size: int | None) -> str:
    """A file's size for people."""
    if size is None:
        return ""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} kB"
    return f"{size / 1024 / 1024:.1f} MB"
