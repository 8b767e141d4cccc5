"""How the inbox names people, kinds and states."""

from collections.abc import Iterable
from uuid import UUID

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
_TWO_DIGITS = (  # country codes of two digits, of which no other one is a part
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 "
    "90 91 92 93 94 95 98"
)
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


def phone(digits: str) -> str:
    """A number in groups that can be read aloud: +49 152 2881 7386. Country codes are those of ITU E.164."""
    cut = 1 if digits[:1] in ("1", "7") else 2 if digits[:2] in _TWO_DIGITS else 3
    code, rest = digits[:cut], digits[cut:]
    fours = len(rest) % 3
    threes = len(rest) // 3 - fours
    if threes < 0:
        return f"+{digits}"
    groups = [rest[3 * each : 3 * each + 3] for each in range(threes)]
    groups += [rest[at : at + 4] for at in range(3 * threes, len(rest), 4)]
    return f"+{' '.join([code, *groups])}"


def shown_handle(handle: Handle) -> str:
    """A handle as people write it."""
    if handle.kind == "wa_id":
        return phone(str(handle.value))
    return f"@{handle.value}" if handle.kind == "username" else str(handle.value)


def shown_name(contact: Contact, handles: Iterable[Handle]) -> str:
    """The profile name, else a handle, else what can be said of somebody unreadable."""
    try:
        if contact.name:
            return str(contact.name)
        for handle in handles:
            return shown_handle(handle)
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
