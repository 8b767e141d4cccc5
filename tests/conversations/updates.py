"""Updates as parsers give them (contract), for tests of what they do: each function makes one, `give` stores some."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from channels_app.contract import (
    Echo,
    Edit,
    InboundMessage,
    Media,
    Person,
    PersonChange,
    Reaction,
    StatusUpdate,
    Unsent,
    Update,
    Watermark,
)
from channels_app.models import Channel
from conversations import ingest
from omnistra.core.tenancy import workspace_scope

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
NUMBER, OTHER_NUMBER = "491701112233", "491709998877"
BSUID, OTHER_BSUID = "DE.7011223344556677", "DE.9900112233445566"
LENA = Person({"wa_id": NUMBER, "bsuid": BSUID}, "Lena Fields")


def after(seconds: float) -> datetime:
    """So long after the beginning of the test's story."""
    return NOW + timedelta(seconds=seconds)


def text(channel: Channel, name: str, words: str = "hello", seconds: float = 0, **more: Any) -> InboundMessage:
    """What Lena (or `person`) writes."""
    values: dict[str, Any] = {"person": LENA, "type": "text", "content": {"text": words}, "at": after(seconds)} | more
    return InboundMessage(channel.external_id, channel.account_id, name, **values)


def picture(channel: Channel, name: str, words: str = "look", seconds: float = 0, **more: Any) -> InboundMessage:
    """A picture of hers."""
    return text(channel, name, words, seconds, type="image", files=[Media("900", "image", "image/jpeg")], **more)


def echo(channel: Channel, name: str, words: str = "From the phone", seconds: float = 0, **more: Any) -> Echo:
    """What the company wrote elsewhere."""
    values: dict[str, Any] = {
        "person": LENA, "type": "text", "content": {"text": words}, "at": after(seconds), "sent_from": "phone",
    }  # fmt: skip
    return Echo(channel.external_id, channel.account_id, name, **values | more)


def reaction(channel: Channel, target: str, emoji: str, seconds: float = 0, person: Person = LENA) -> Reaction:
    """A mark, or its withdrawal."""
    return Reaction(channel.external_id, channel.account_id, target, person, emoji, after(seconds))


def edit(channel: Channel, target: str, words: str, seconds: float = 0, number: int = 0) -> Edit:
    """She changes what she wrote."""
    return Edit(channel.external_id, channel.account_id, target, LENA, words, after(seconds), number)


def unsent(channel: Channel, target: str, seconds: float = 0) -> Unsent:
    """She takes it back."""
    return Unsent(channel.external_id, channel.account_id, target, after(seconds))


def status(channel: Channel, name: str, kind: Any, seconds: float = 0, **more: Any) -> StatusUpdate:
    """How far a message of ours came."""
    return StatusUpdate(channel.external_id, channel.account_id, name, kind, after(seconds), **more)


def watermark(channel: Channel, kind: Any, seconds: float = 0, **more: Any) -> Watermark:
    """All came this far."""
    return Watermark(channel.external_id, channel.account_id, LENA, kind, after(seconds), **more)


def change(
    channel: Channel, kind: Any, former: dict[str, str], now: dict[str, str], seconds: float = 0
) -> PersonChange:
    """The platform tells of another number, id or device."""
    return PersonChange(
        channel.external_id, channel.account_id, kind, Person(now), after(seconds), former, f"wamid.{kind}{seconds}"
    )


def give(channel: Channel, *updates: Update) -> None:
    """Store them, as one batch."""
    items = [ingest.Item(update, channel, update.at or NOW) for update in updates]
    with workspace_scope(channel.workspace_id), transaction.atomic():
        ingest.store(channel.workspace_id, items)
