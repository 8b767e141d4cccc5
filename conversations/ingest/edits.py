"""Edits: the text of a message is replaced, the older one is not kept. The highest number holds, then the newest time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from channels_app.contract import Edit
from conversations import identities
from conversations.ingest.item import Item, Target, Touched, contacts, target
from conversations.ingest.unsending import buried
from conversations.models import EarlyUpdate, Message
from omnistra.core import keyring
from omnistra.core.bulk import insert_new, update_rows
from omnistra.core.sealing import preload

_NEVER = datetime.min.replace(tzinfo=UTC)


def _order(item: Item) -> tuple[int, datetime]:
    assert isinstance(item.update, Edit)
    return item.update.number, item.at


def apply(workspace_id: UUID, items: Sequence[Item]) -> tuple[Touched, set[UUID]]:
    """Replace the texts; those of messages that have not come yet are kept for them. Gives what changed, and the raw
    events whose text stands in a message now."""
    newest: dict[Target, Item] = {}
    for item in items:
        assert isinstance(item.update, Edit)
        key = target(workspace_id, item, item.update.target)
        if key not in newest or _order(newest[key]) < _order(item):
            newest[key] = item
    if not newest:
        return {}, set()
    rows = {
        key: row
        for row in Message.objects.filter(external_hash__any=[hashed for _, hashed in newest])
        if (key := (row.channel_id, bytes(row.external_hash))) in newest
    }
    preload(rows.values())
    changed = []
    for key, row in rows.items():
        item = newest[key]
        number, at = _order(item)
        if row.unsent_at is None and (number, at) > (row.edit_number, row.edited_at or _NEVER):
            row.content = {**(row.content or {}), "text": item.update.text}  # type: ignore[union-attr]
            row.edit_number, row.edited_at = number, at
            changed.append(row)
    update_rows(changed, ["content", "edit_number", "edited_at"])
    _keep(workspace_id, {key: item for key, item in newest.items() if key not in rows})
    return {row.conversation_id: row.channel_id for row in changed}, {item.event for item in items if item.event}


def _keep(workspace_id: UUID, newest: Mapping[Target, Item]) -> None:
    """For the originals that come later; of what was taken back nothing is kept."""
    gone = buried(list(newest)) if newest else set()
    newest = {key: item for key, item in newest.items() if key not in gone}
    if not newest:
        return
    stored = {
        key: row
        for row in EarlyUpdate.objects.filter(
            target_hash__any=[hashed for _, hashed in newest], kind=EarlyUpdate.Kind.EDIT
        )
        if (key := (row.channel_id, bytes(row.target_hash))) in newest
    }
    late = {key: item for key, item in newest.items() if key not in stored or _older(stored[key], item)}
    EarlyUpdate.objects.filter(pk__any=[stored[key].pk for key in late if key in stored]).delete()
    people = contacts(workspace_id, list(late.values()), identities.find)
    keyring.contact_keys(workspace_id, {contact_id for contact_id in people if contact_id})
    until = timezone.now() + timedelta(days=settings.META_DEDUP_DAYS)
    insert_new(
        [
            EarlyUpdate(
                workspace_id=workspace_id, channel_id=channel, contact_id=contact_id, target_hash=hashed,
                kind=EarlyUpdate.Kind.EDIT, details={"text": item.update.text}, number=item.update.number,  # type: ignore[union-attr]
                provider_at=item.at, expires_at=until,
            )
            for ((channel, hashed), item), contact_id in zip(late.items(), people, strict=True)
        ]
    )  # fmt: skip


def _older(row: EarlyUpdate, item: Item) -> bool:
    return (row.number, row.provider_at) < _order(item)
