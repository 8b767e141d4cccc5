"""How the inbox names people, kinds and states."""

from collections.abc import Iterable
from uuid import UUID

from conversations import masking
from conversations.models import Contact, Handle, Message
from omnistra.core.keyring import KeyMissing

STATUS_WORDS = {
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
    "unsupported": "Unsupported message",
}
ICONS = {kind for kind in KIND_WORDS if kind != "unsupported"}


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
            return masking.handle(handle.kind, handle.value)
    except KeyMissing:
        return "Erased contact"
    return "Unknown contact"


def preview(message: Message | None) -> str:
    """One line of a message."""
    if message is None:
        return "No messages"
    try:
        text = " ".join(message.text.split())[:160]
    except KeyMissing:
        return "Erased"
    return text or KIND_WORDS.get(message.type, "")


def size_label(size: int | None) -> str:
    """A file's size for people."""
    if size is None:
        return ""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} kB"
    return f"{size / 1024 / 1024:.1f} MB"
