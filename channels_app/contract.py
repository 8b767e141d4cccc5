"""What a provider is: how its webhooks are checked and parsed, and how it sends.

1. Parsing is pure: bytes in, plain dataclasses out, no database, no network, no exception for any input.
2. What a provider returns holds named fields only; unknown keys stay in the raw event (policy clause 4a).
3. Sending raises typed errors, so that the outbox knows what to do without knowing the platform.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any, Literal, Protocol, runtime_checkable

MessageType = Literal[
    "text", "image", "video", "audio", "document", "sticker", "location", "contacts",
    "order",  # a cart
    "form",  # the answers of a flow
    "link",  # a shared post, reel, product or page
    "story",  # a mention in a story: a link and nothing more (providers/instagram.md 5)
    "template",  # a message of ours (or of another app) made from a template
    "unsupported",  # what the platform does not hand to inboxes: shown neutrally
    "system",  # a line in the thread, nobody's message
]  # fmt: skip
MEDIA_TYPES = ("image", "video", "audio", "document", "sticker")
StatusName = Literal["sent", "delivered", "read", "failed"]
Elsewhere = Literal["phone", "inbox", "app"]  # the business app on a phone, the platform's own inbox, another app


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote: identifiers by kind (`wa_id`: digits; `bsuid`; `psid`; `igsid`; `username`), and the profile name, if
    given."""

    handles: Mapping[str, str]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """A file that the platform holds: its id or its address there, what it says of it. All of it untrusted."""

    external_id: str  # WhatsApp: an id to look up; Messenger, Instagram: "" and `url` instead
    kind: str
    mime: str = ""
    name: str = ""
    sha256: str = ""  # hex
    voice: bool = False
    url: str = ""  # expires; fetched by our own job alone, never by an agent's browser


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message of a person. `at` is the platform's time; None where it gave none that makes sense.

    `content` holds, where there is any: `text` · `location` {latitude, longitude, name, address} · `cards` [{name, phones,
    emails, org, requested}] · `order` {items [{name, quantity, price, currency}], text} · `fields` [{label, value}] of a
    form · `link` {url, title, kind} · `story` {url, kind} of the story that is answered or that mentions us · `choice` {id,
    title, kind} of a button, list row, quick reply or postback that was tapped · `referral` {kind, headline, body, url, id,
    ref} of the ad or link that led here · `forwarded` · `kind` of what is unsupported · `warning` in words.
    """

    channel: str  # the channel's external id
    account: str  # the account that the platform names beside it
    external_id: str
    person: Person
    type: MessageType
    at: datetime | None
    content: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[Media] = ()
    reply_to: str = ""  # the external id of the quoted message
    is_history: bool = False  # from before the connection: nothing is unread, told, opened or answered by it
    is_standby: bool = False  # another app holds the conversation
    opens_window: bool = True


@dataclass(frozen=True, slots=True)
class Echo:
    """A message of the company that did not come from here: written on the phone, in the platform's inbox, or by another
    app; or ours, told once more. `person` received it. It opens no window and starts no automation."""

    channel: str
    account: str
    external_id: str
    person: Person
    type: MessageType
    at: datetime | None
    content: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[Media] = ()
    reply_to: str = ""
    sent_from: Elsewhere = "app"
    reference: str = ""  # what we gave at sending, if it is ours
    is_history: bool = False
    status: StatusName = "sent"


@dataclass(frozen=True, slots=True)
class Reaction:
    """A person's mark on a message; an empty `emoji` takes it back. It may open the reply window, as the platform has
    it."""

    channel: str
    account: str
    target: str
    person: Person
    emoji: str
    at: datetime | None
    opens_window: bool = False


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
    price: Mapping[str, Any] = field(default_factory=dict)  # {category, kind, is_billable}: what is known of it
    is_played: bool = False


@dataclass(frozen=True, slots=True)
class Watermark:
    """All messages of ours to this person up to `until` (or up to the message `external_id`) came this far."""

    channel: str
    account: str
    person: Person
    status: Literal["delivered", "read"]
    at: datetime | None
    until: datetime | None = None
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """A person changed a message of theirs. The highest `number` holds; where the platform counts none, the newest `at`."""

    channel: str
    account: str
    target: str
    person: Person
    text: str
    at: datetime | None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Unsent:
    """A person took a message back: what was stored of it is deleted, and what comes of it later is not stored."""

    channel: str
    account: str
    target: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class PersonChange:
    """The platform tells of a change of who somebody is: `number` (another phone), `id` (another scoped id) or `security`
    (their device or keys changed). `former` are the handles before, `person` the ones from now on."""

    channel: str
    account: str
    kind: Literal["number", "id", "security"]
    person: Person
    at: datetime | None
    former: Mapping[str, str] = field(default_factory=dict)
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A person opened the thread without a word: by a welcome request or by a link. `opens_window` as the platform has it;
    `referral` as in InboundMessage.content."""

    channel: str
    account: str
    person: Person
    at: datetime | None
    referral: Mapping[str, Any] = field(default_factory=dict)
    opens_window: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """A person allowed or forbade messages at the platform itself. `topic` is `marketing` or the name of what they
    subscribed to. The newest `at` holds."""

    channel: str
    account: str
    person: Person
    topic: str
    is_granted: bool
    at: datetime | None
    wording: str = ""


@dataclass(frozen=True, slots=True)
class Handover:
    """Who answers a conversation now: we, or another app (`by` its id, where it is told)."""

    channel: str
    account: str
    person: Person
    is_ours: bool
    at: datetime | None
    by: str = ""


@dataclass(frozen=True, slots=True)
class AddressEntry:
    """An entry of the phone's address book, given or removed (providers/whatsapp.md 10)."""

    channel: str
    account: str
    person: Person
    is_removed: bool
    at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """What befell a channel or its whole account rather than a conversation. `channel` is "" where the platform names the
    account alone. `kind` is ours (channels_app.events lists them), `facts` the named fields of that kind."""

    channel: str
    account: str
    kind: str
    at: datetime | None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a body that could not be used, as a code word (`no_message_id`, `unknown_field`)."""

    reason: str


Update = (
    InboundMessage | Echo | Reaction | StatusUpdate | Watermark | Edit | Unsent | PersonChange | Arrival | Consent
    | Handover | AddressEntry | AccountEvent
)  # fmt: skip


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
class OutboundTemplate:
    """A template with what fills it. `components` are in the platform's form (made by channels_app.templates)."""

    name: str
    language: str
    category: str  # marketing, utility, authentication
    components: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to tap: its id comes back with the answer."""

    id: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class OutboundChoices:
    """What the person may tap: `buttons` under the text, or a `list` of sections that `button` opens."""

    buttons: Sequence[Choice] = ()
    sections: Sequence[tuple[str, Sequence[Choice]]] = ()
    button: str = ""
    header: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One message to send. `reference` is opaque, echoed by the platform in statuses. `tag` is the platform's permission to
    write outside of its window (`HUMAN_AGENT`), "" for none."""

    handles: Mapping[str, str]
    reference: str
    text: str = ""
    media: OutboundMedia | None = None
    reply_to: str = ""
    template: OutboundTemplate | None = None
    choices: OutboundChoices | None = None
    location: Mapping[str, Any] | None = None  # as InboundMessage.content has it
    cards: Sequence[Mapping[str, Any]] = ()  # as InboundMessage.content has them
    reaction: str | None = None  # an emoji on `reply_to`; "" takes it back
    tag: str = ""


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    """A file fetched from the platform: what it says of it, and where the bytes were written (plain size)."""

    mime: str
    size: int
    sha256: str  # hex, of the bytes as they came


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What the platform says of a number, page or account that is being connected. `kept` is what calls need beside the
    token and is sealed with it."""

    name: str
    address: str
    messages_per_second: int = 80
    kept: Mapping[str, str] = field(default_factory=dict)


class ProviderError(Exception):
    """Base. `code` is the platform's code (0: none), `title` and `detail` are words for the agent."""

    def __init__(self, title: str, *, code: int = 0, detail: str = "") -> None:
        super().__init__(title)
        self.title, self.code, self.detail = title, code, detail


class Retryable(ProviderError):
    """The platform did not take the message; trying again later may work. `after` is the least wait; `whole_channel`
    says that the number, not this message, is to wait, `whole_account` all channels of the account. The wait grows by
    `factor` with each attempt."""

    def __init__(
        self, title: str, *, code: int = 0, detail: str = "", after: timedelta | None = None,
        whole_channel: bool = False, whole_account: bool = False, max_attempts: int = 8, factor: int = 2,
    ) -> None:  # fmt: skip
        super().__init__(title, code=code, detail=detail)
        self.after, self.whole_channel, self.whole_account = after, whole_channel or whole_account, whole_account
        self.max_attempts, self.factor = max_attempts, factor


class Permanent(ProviderError):
    """The platform refuses this message for good."""


class CredentialsRefused(ProviderError):
    """The token is invalid or lacks rights: the channel has to be connected anew."""


class Unknown(ProviderError):
    """Nobody knows whether the platform took the message: it must not be sent again by itself."""


class PolicyRefused(Permanent):
    """The platform's rules forbid this message now. `reason` is `window_closed`, `opted_out`, `needs_opt_in`,
    `not_reachable`, `too_often`, `identity_changed` or `other_app`: the policy engine knows the next step of each."""

    def __init__(self, title: str, *, reason: str, code: int = 0, detail: str = "") -> None:
        super().__init__(title, code=code, detail=detail)
        self.reason = reason


class ChannelStopped(ProviderError):
    """Nothing of this channel goes out until somebody acts at the platform (restricted, unpaid, not registered). `reason`
    is a code word that the channel shows in words; the message waits."""

    def __init__(self, title: str, *, reason: str, code: int = 0, detail: str = "") -> None:
        super().__init__(title, code=code, detail=detail)
        self.reason = reason


class MediaGone(ProviderError):
    """The platform no longer holds the file, or never will give it."""


class Provider(Protocol):
    """One platform. Credentials are the channel's opened ones; no method keeps them."""

    slug: str
    label: str
    reply_window: timedelta
    human_window: timedelta | None  # how long a signed-in person may answer (HUMAN_AGENT), where there is such a rule
    files_kept: timedelta | None  # how long a file can be fetched after it was told of; None: until its address ends

    def handshake(self, query: Mapping[str, str]) -> str | None:
        """The body that answers the platform's GET, or None when the token is wrong."""

    def is_set_up(self) -> bool:
        """Whether this installation holds a secret of the platform's app: without one nothing can be believed."""

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
        self, external_id: str, credentials: Mapping[str, Any], media: Media, target: IO[bytes]
    ) -> MediaAnswer:
        """Write the file's bytes to `target`. Raises Retryable, MediaGone, CredentialsRefused."""


@runtime_checkable
class Classifies(Protocol):
    """A provider whose statuses bring error codes long after the call."""

    def error_of(self, code: int, detail: str = "") -> ProviderError:
        """The typed error that the code stands for, as if the call had been answered with it."""


@runtime_checkable
class Blocks(Protocol):
    """A provider at which a person can be blocked: what they write no longer comes."""

    def set_blocked(
        self, external_id: str, credentials: Mapping[str, Any], handles: Mapping[str, str], blocked: bool
    ) -> None:
        """Block a person, or no longer. Raises ProviderError."""


@runtime_checkable
class HasProfiles(Protocol):
    """A provider that tells a person's name when it is asked, rather than with each message."""

    def profile(self, external_id: str, credentials: Mapping[str, Any], handles: Mapping[str, str]) -> Person:
        """What the platform shows of a person, perhaps nothing but the handle. Raises ProviderError."""


@runtime_checkable
class HasHistory(Protocol):
    """A provider that tells what was said while its webhooks did not come."""

    def history_since(self, external_id: str, credentials: Mapping[str, Any], since: datetime) -> Parsed:
        """The messages since then, the oldest first, as far as the platform keeps them. Raises ProviderError."""


@runtime_checkable
class ReadsBack(Protocol):
    """A provider that lets a person see that we read, and that we type."""

    def mark_read(
        self, external_id: str, credentials: Mapping[str, Any], handles: Mapping[str, str], message_id: str,
        *, is_typing: bool = False,
    ) -> None:  # fmt: skip
        """All up to this message of theirs is read; with `is_typing` an answer is being written. Raises ProviderError."""
