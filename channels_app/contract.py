"""What a provider is: how its webhooks are checked and parsed, and how it sends.

1. Parsing is pure: bytes in, plain dataclasses out, no database, no network, no exception for any input.
2. What a provider returns holds named fields only; unknown keys stay in the raw event (policy clause 4a).
3. Sending raises typed errors, so that the outbox knows what to do without knowing the platform.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any, Literal, Protocol

MessageType = Literal[
    "text", "image", "video", "audio", "document", "sticker", "location", "contacts", "unsupported", "system"
]
MEDIA_TYPES = ("image", "video", "audio", "document", "sticker")
StatusName = Literal["sent", "delivered", "read", "failed"]


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote: identifiers by kind (`wa_id`: digits; `bsuid`; `username`), and the profile name, if given."""

    handles: Mapping[str, str]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """A file that the platform holds: its id there, what it says of it. All of it untrusted."""

    external_id: str
    kind: str
    mime: str = ""
    name: str = ""
    sha256: str = ""  # hex
    voice: bool = False


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message of a person. `at` is the platform's time; None where it gave none that makes sense."""

    channel: str  # the channel's external id
    account: str  # the account that the platform names beside it
    external_id: str
    person: Person
    type: MessageType
    at: datetime | None
    content: Mapping[str, Any] = field(default_factory=dict)  # text, location{}, cards[], note, forwarded …
    media: Media | None = None
    reply_to: str = ""  # the external id of the quoted message


@dataclass(frozen=True, slots=True)
class Reaction:
    """A person's mark on a message; an empty `emoji` takes it back."""

    channel: str
    account: str
    target: str
    person: Person
    emoji: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """How far a message of ours came. `reference` is what we gave at sending (the delivery's id)."""

    channel: str
    account: str
    external_id: str
    status: StatusName
    at: datetime | None
    reference: str = ""
    error_code: int | None = None
    error_detail: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a body that could not be used, as a code word (`no_message_id`, `unknown_field`)."""

    reason: str


Update = InboundMessage | Reaction | StatusUpdate


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a body holds: the usable updates in order, and the problems of the rest."""

    updates: Sequence[Update] = ()
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class OutboundMedia:
    """A file to send: opened for reading, with its size in bytes."""

    kind: str
    mime: str
    name: str
    size: int
    file: IO[bytes]
    voice: bool = False


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One message to send. `reference` is opaque, echoed by the platform in statuses."""

    handles: Mapping[str, str]
    reference: str
    text: str = ""
    media: OutboundMedia | None = None
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    """A file fetched from the platform: what it says of it, and where the bytes were written (plain size)."""

    mime: str
    size: int
    sha256: str  # hex, of the bytes as they came


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What the platform says of a number that is being connected."""

    name: str
    address: str
    messages_per_second: int = 80


class ProviderError(Exception):
    """Base. `code` is the platform's code (0: none), `title` and `detail` are words for the agent."""

    def __init__(self, title: str, *, code: int = 0, detail: str = "") -> None:
        super().__init__(title)
        self.title, self.code, self.detail = title, code, detail


class Retryable(ProviderError):
    """The platform did not take the message; trying again later may work. `after` is the least wait; `whole_channel`
    says that the number, not this message, is to wait."""

    def __init__(
        self, title: str, *, code: int = 0, detail: str = "", after: timedelta | None = None,
        whole_channel: bool = False, max_attempts: int = 8,
    ) -> None:  # fmt: skip
        super().__init__(title, code=code, detail=detail)
        self.after, self.whole_channel, self.max_attempts = after, whole_channel, max_attempts


class Permanent(ProviderError):
    """The platform refuses this message for good."""


class CredentialsRefused(ProviderError):
    """The token is invalid or lacks rights: the channel has to be connected anew."""


class Unknown(ProviderError):
    """Nobody knows whether the platform took the message: it must not be sent again by itself."""


class MediaGone(ProviderError):
    """The platform no longer holds the file, or never will give it."""


class Provider(Protocol):
    """One platform. Credentials are the channel's opened ones; no method keeps them."""

    slug: str
    label: str
    reply_window: timedelta
    window_opens_by: frozenset[str]  # kinds of updates that open the reply window

    def handshake(self, query: Mapping[str, str]) -> str | None:
        """The body that answers the platform's GET, or None when the token is wrong."""

    def signature_holds(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether one of the app's secrets signed exactly these bytes (constant time)."""

    def parse(self, body: bytes) -> Parsed:
        """What the body holds. Never raises."""

    def check(self, external_id: str, account_id: str, credentials: Mapping[str, Any]) -> ChannelFacts:
        """Ask the platform whether number, account and token belong together. Raises ProviderError."""

    def subscribe(self, account_id: str, credentials: Mapping[str, Any]) -> None:
        """Ask for webhooks. Raises ProviderError."""

    def unsubscribe(self, account_id: str, credentials: Mapping[str, Any]) -> None:
        """Ask for no more webhooks. Raises ProviderError."""

    def refuse(self, message: OutboundMessage) -> str:
        """Why the platform would refuse this message (too long, wrong kind of file), or "" when it would not."""

    def kind_of(self, mime: str) -> str:
        """The kind of message under which a file of this type is sent."""

    def words(self, code: int | None) -> str:
        """What an error code of a status means, in the agent's words."""

    def send(self, external_id: str, credentials: Mapping[str, Any], message: OutboundMessage) -> str:
        """Send; gives the platform's id of the message. Raises ProviderError."""

    def fetch_media(
        self, external_id: str, credentials: Mapping[str, Any], media_id: str, target: IO[bytes]
    ) -> MediaAnswer:
        """Write the file's bytes to `target`. Raises Retryable, MediaGone, CredentialsRefused."""


def content_text(content: Mapping[str, Any]) -> str:
    """The text of a message's content (body or caption), or ""."""
    return str(content.get("text", ""))
