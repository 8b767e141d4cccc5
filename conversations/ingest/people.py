"""What befalls a person or a whole conversation: arrivals, who answers, another number or device."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.utils import timezone

from channels_app.contract import Arrival, Handover, PersonChange, Watermark
from conversations import identities, merging
from conversations.ingest.item import Item, Thread, Touched, contacts
from conversations.ingest.messages import OTHER_APP
from conversations.models import Contact, Conversation
from omnistra.core.bulk import insert_new, update_rows

_NEVER = datetime.min.replace(tzinfo=UTC)
_EVENTS = {"number": "number_changed", "security": "security_changed"}  # a change of id is nobody's news


def known(workspace_id: UUID, items: Sequence[Item]) -> list[tuple[Item, Conversation]]:
    """The items whose person has a conversation on the channel, with it."""
    people = contacts(workspace_id, items, identities.find)
    rows = Conversation.objects.filter(
        channel_id__any={item.channel.pk for item in items}, contact_id__any={each for each in people if each}
    )
    found = {(row.channel_id, row.contact_id): row for row in rows}
    pairs = ((item, found.get((item.channel.pk, contact))) for item, contact in zip(items, people, strict=True))
    return [(item, row) for item, row in pairs if row is not None]


def arrive(pairs: Sequence[tuple[Item, Thread]]) -> Touched:
    """A window opens, where the platform has it so; the ad or link that led here is kept for the next message."""
    if not pairs:
        return {}
    rows = {row.pk: row for row in Conversation.objects.filter(pk__any={thread.id for _, thread in pairs})}
    for item, thread in sorted(pairs, key=lambda pair: pair[0].at):
        update, row = item.update, rows[thread.id]
        assert isinstance(update, Arrival)
        if update.opens_window:
            row.last_inbound_at = max(row.last_inbound_at or item.at, item.at)
            row.last_message_at = max(row.last_message_at, item.at)
            row.status = Conversation.Status.OPEN
        if update.referral:
            row.referral = dict(update.referral)
    update_rows(list(rows.values()), ["last_inbound_at", "last_message_at", "status", "referral"])
    return {row.pk: row.channel_id for row in rows.values()}


def hand_over(workspace_id: UUID, items: Sequence[Item]) -> Touched:
    """Who answers from now on; the newest event holds."""
    changed: dict[UUID, Conversation] = {}
    rows: dict[UUID, Conversation] = {}
    for item, found in known(workspace_id, items) if items else ():
        assert isinstance(item.update, Handover)
        row = rows.setdefault(found.pk, found)
        if item.at >= (row.held_at or _NEVER):
            row.held_at = item.at
            row.held_by = "" if item.update.is_ours else (item.update.by[:64] or OTHER_APP)
            changed[row.pk] = row
    update_rows(list(changed.values()), ["held_by", "held_at"])
    return {row.pk: row.channel_id for row in changed.values()}


def change(workspace_id: UUID, items: Sequence[Item]) -> Touched:
    """Another number, id or device. The contact keeps what it was known by as history; of a new number and a new device
    the thread tells, and nothing automatic goes out until a person has made sure who it is."""
    touched: Touched = {}
    for provider in {item.channel.provider for item in items}:
        mine = [item for item in items if item.channel.provider == provider]
        told = [(item.update.former, item.update.person, item.at) for item in mine]  # type: ignore[union-attr]
        people = identities.change(workspace_id, provider, told)
        rows = Conversation.objects.filter(contact_id__any={each for each in people if each})
        found = {(row.channel_id, row.contact_id): row for row in rows}
        lines = []
        for item, contact_id in zip(mine, people, strict=True):
            update = item.update
            assert isinstance(update, PersonChange)
            if contact_id is None or update.kind not in _EVENTS:
                continue
            row = found.get((item.channel.pk, contact_id))
            if row is None:
                continue
            told_as = (
                update.external_id or f"{update.kind}:{sorted(update.person.handles.items())}:{item.at.isoformat()}"
            )
            hashed = identities.message_hash(workspace_id, item.channel.pk, told_as)
            lines.append(merging.line(row, _EVENTS[update.kind], item.at, hashed))
        fresh = insert_new(lines)  # told once more it is no new doubt: a person may have confirmed it meanwhile
        new = [line for line in lines if line.pk in fresh]
        Contact.objects.filter(pk__any={line.contact_id for line in new}).update(identity_changed_at=timezone.now())
        touched |= {line.conversation_id: line.channel_id for line in new}
    return touched


def watermarks(workspace_id: UUID, items: Sequence[Item]) -> list[tuple[Watermark, Conversation, datetime]]:
    """The watermarks with the conversations that they are about."""
    pairs = known(workspace_id, items) if items else []
    return [(item.update, row, item.at) for item, row in pairs if isinstance(item.update, Watermark)]
