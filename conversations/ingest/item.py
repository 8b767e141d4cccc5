"""What the rooms of ingest share: an update on its way, the thread that it belongs to, the lock of a workspace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import connection

from channels_app.contract import Person, Update
from channels_app.models import Channel
from conversations.identities import message_hash

Found = TypeVar("Found", UUID, UUID | None)
Target = tuple[UUID, bytes]  # a message: its channel, the hash of its id
Touched = dict[UUID, UUID]  # conversations that changed -> their channels


@dataclass(frozen=True, slots=True)
class Item:
    """One update, with its channel, the time to use for it, and the raw event that brought it."""

    update: Update
    channel: Channel
    at: datetime
    event: UUID | None = None


class Thread(NamedTuple):
    """The conversation that an update belongs to. `has_referral`: one waits for the next message."""

    id: UUID
    contact_id: UUID
    has_referral: bool = False


def target(workspace_id: UUID, item: Item, external_id: str) -> Target:
    """The message that an update is about."""
    return item.channel.pk, message_hash(workspace_id, item.channel.pk, external_id)


def contacts(
    workspace_id: UUID, items: Sequence[Item],
    look: Callable[[UUID, str, Sequence[tuple[Person, datetime]]], Sequence[Found]],
) -> list[Found]:  # fmt: skip
    """The contact of each item by `identities.resolve` or `identities.find`: one look a provider."""
    found: list[Any] = [None] * len(items)
    for provider in {item.channel.provider for item in items}:
        places = [number for number, item in enumerate(items) if item.channel.provider == provider]
        people = [(items[number].update.person, items[number].at) for number in places]  # type: ignore[union-attr]
        for number, contact_id in zip(places, look(workspace_id, provider, people), strict=True):
            found[number] = contact_id
    return found


def lock_workspace(workspace_id: UUID) -> None:
    """One writer a workspace until the transaction ends: contacts and counters need no retry then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [str(workspace_id)])
