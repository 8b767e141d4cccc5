"""Journal to messages: claims raw events, parses them, writes what they hold set-wise.

1. One transaction claims (SKIP LOCKED), writes and marks done: a kill at any point leaves the event as it was.
2. A message is unique on (workspace, channel, hash of its id): repeats change nothing.
3. One bad event is set aside with its reason; its batch goes on.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from channels_app.contract import InboundMessage, StatusUpdate, Update
from channels_app.contract import Reaction as ReactionUpdate
from channels_app.models import Channel, RawEvent
from channels_app.registry import PROVIDERS
from channels_app.webhooks import place
from conversations import identities, statuses
from conversations.models import Attachment, Conversation, Message, Reaction
from omnistra.core import keyring, live, reports
from omnistra.core.bulk import insert_new
from omnistra.core.jobs import wake
from omnistra.core.keyring import KeyMissing, SealBroken
from omnistra.core.logs import frames, get_logger
from omnistra.core.tenancy import system_scope, workspace_scope

log = get_logger(__name__)
BATCH_EVENTS = 2000
BATCH_UPDATES = 4000


@dataclass(slots=True)
class _Event:
    """A claimed raw event with what is wrong with it."""

    id: UUID
    provider: str
    received_at: datetime
    updates: Sequence[Update] = ()
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Item:
    """One update, with its channel and the time to use for it."""

    update: Update
    channel: Channel
    at: datetime


class _Thread(NamedTuple):
    """The conversation that an update belongs to."""

    id: UUID
    contact_id: UUID


def drain() -> int:
    """Work the journal off; gives how many raw events were settled."""
    total = 0
    while True:
        settled = drain_batch()
        total += settled
        if settled == 0:
            return total


def drain_batch(limit: int = BATCH_EVENTS) -> int:
    """Settle one batch of raw events; gives how many. Raises OperationalError when the database goes away."""
    with transaction.atomic():
        with system_scope("conversations.drain"):
            rows = (
                RawEvent.objects.filter(state=RawEvent.State.NEW)
                .order_by("id")
                .select_for_update(skip_locked=True)
                .values_list("id", "provider", "received_at", "body")[:limit]
            )
            events = _parse(list(rows))
            channels = _channels(events)
        groups: dict[UUID, list[tuple[_Event, Item]]] = defaultdict(list)
        for event in events:
            for item in _route(event, channels):
                groups[item.channel.workspace_id].append((event, item))
        for workspace_id in sorted(groups):  # in one order everywhere: the locks of two drains cannot cross
            _store_group(workspace_id, groups[workspace_id])
        with system_scope("conversations.drain"):
            _settle(events)
    return len(events)


def _parse(rows: Sequence[tuple[UUID, str, datetime, bytes]]) -> list[_Event]:
    """Open and parse, until the batch is full; what is left stays new for the next one."""
    keys = keyring.available({keyring.key_id(bytes(row[3])) for row in rows})
    events: list[_Event] = []
    size = 0
    for identity, provider, received_at, sealed in rows:
        if size >= BATCH_UPDATES:
            break
        event = _Event(identity, provider, received_at)
        events.append(event)
        try:
            body = keys[keyring.key_id(sealed)].open(bytes(sealed), place(provider, identity))
            parsed = PROVIDERS[provider].parse(body)
        except (KeyError, KeyMissing, SealBroken) as error:
            event.problems.append(f"not_opened:{type(error).__name__}")
            continue
        event.updates = parsed.updates
        event.problems += [problem.reason for problem in parsed.problems]
        size += max(1, len(parsed.updates))
    return events


def _channels(events: Iterable[_Event]) -> dict[tuple[str, str], Channel]:
    """The channels that the events name, in one query."""
    wanted = {(event.provider, update.channel) for event in events for update in event.updates}
    found = Channel.objects.filter(
        provider__in={provider for provider, _ in wanted}, external_id__in={channel for _, channel in wanted}
    ).defer("credentials")
    return {(channel.provider, channel.external_id): channel for channel in found}


def _route(event: _Event, channels: dict[tuple[str, str], Channel]) -> list[Item]:
    """The updates whose channel is ours. Number and account must belong to the same channel."""
    items = []
    for update in event.updates:
        channel = channels.get((event.provider, update.channel))
        if channel is None:
            event.problems.append("unknown_channel")
        elif channel.account_id and update.account and channel.account_id != update.account:
            event.problems.append("foreign_account")
        elif channel.status == Channel.Status.DISCONNECTED:
            event.problems.append("channel_disconnected")
        else:
            at = update.at if update.at is not None and update.at <= event.received_at else event.received_at
            items.append(Item(update, channel, at))
    return items


def _store_group(workspace_id: UUID, group: list[tuple[_Event, Item]]) -> None:
    """Write a workspace's updates; when the set fails, each event on its own, and the failing one is set aside."""
    try:
        with workspace_scope(workspace_id), transaction.atomic():
            store(workspace_id, [item for _, item in group])
        return
    except OperationalError:
        raise
    except Exception as error:
        log.warning("ingest.batch_failed", workspace=workspace_id, trace=frames(error))
    by_event: dict[UUID, tuple[_Event, list[Item]]] = {}
    for event, item in group:
        by_event.setdefault(event.id, (event, []))[1].append(item)
    for event, items in by_event.values():
        try:
            with workspace_scope(workspace_id), transaction.atomic():
                store(workspace_id, items)
        except OperationalError:
            raise
        except Exception as error:
            log.error("ingest.event_failed", raw_event=event.id, trace=frames(error))
            reports.capture(error)
            event.problems.append(f"failed:{type(error).__name__}")


def _settle(events: Sequence[_Event]) -> None:
    now = timezone.now()
    columns: tuple[list[UUID], list[str], list[str]] = ([], [], [])
    for event in events:
        columns[0].append(event.id)
        columns[1].append(RawEvent.State.ASIDE if event.problems else RawEvent.State.DONE)
        columns[2].append(", ".join(dict.fromkeys(event.problems))[:200])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE channels_app_rawevent r SET state = n.state, reason = n.reason, processed_at = %s "
            "FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS n(id, state, reason) WHERE r.id = n.id",
            [now, *columns],
        )


def lock_workspace(workspace_id: UUID) -> None:
    """One writer a workspace until the transaction ends: contacts and counters need no retry then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [str(workspace_id)])


def store(workspace_id: UUID, items: Sequence[Item]) -> int:
    """Write updates of one workspace, in its scope and inside a transaction; gives how many messages are new."""
    lock_workspace(workspace_id)
    inbound = [item for item in items if isinstance(item.update, InboundMessage | ReactionUpdate)]
    touched: dict[UUID, UUID] = {}  # conversation -> channel
    new = 0
    if inbound:
        conversations, contacts = _conversations(workspace_id, inbound)
        messages = [
            (item, conversations[item.channel.pk, contact])
            for item, contact in zip(inbound, contacts, strict=True)
            if isinstance(item.update, InboundMessage)
        ]
        fresh = _messages(workspace_id, messages)
        touched |= _count(fresh)
        new = len(fresh)
        reactions = [
            (item, thread)
            for item, contact in zip(inbound, contacts, strict=True)
            if isinstance(item.update, ReactionUpdate)
            and (thread := conversations.get((item.channel.pk, contact))) is not None
        ]
        touched |= _reactions(workspace_id, reactions)
    touched |= statuses.apply(
        workspace_id,
        [(item.update, item.channel, item.at) for item in items if isinstance(item.update, StatusUpdate)],
    )
    live.publish(workspace_id, "message", touched)
    return new


def _conversations(workspace_id: UUID, items: Sequence[Item]) -> tuple[dict[tuple[UUID, UUID], _Thread], list[UUID]]:
    """The conversations of the items by (channel, contact), made where a message needs one; and each item's contact."""
    contacts: list[UUID | None] = [None] * len(items)
    for provider in {item.channel.provider for item in items}:
        places = [number for number, item in enumerate(items) if item.channel.provider == provider]
        people = [(items[number].update.person, items[number].at) for number in places]  # type: ignore[union-attr]
        for number, contact_id in zip(places, identities.resolve(workspace_id, provider, people), strict=True):
            contacts[number] = contact_id
    resolved = [contact for contact in contacts if contact is not None]
    pairs: dict[tuple[UUID, UUID], datetime] = {}
    for item, contact in zip(items, resolved, strict=True):
        if isinstance(item.update, InboundMessage):
            pairs.setdefault((item.channel.pk, contact), item.at)
    rows = Conversation.objects.filter(
        channel_id__any={item.channel.pk for item in items}, contact_id__any=set(resolved)
    ).values_list("channel_id", "contact_id", "id")
    found = {(channel_id, contact_id): _Thread(identity, contact_id) for channel_id, contact_id, identity in rows}
    made = [
        Conversation(workspace_id=workspace_id, channel_id=channel, contact_id=contact, last_message_at=at)
        for (channel, contact), at in pairs.items()
        if (channel, contact) not in found
    ]
    insert_new(made)
    found.update({(row.channel_id, row.contact_id): _Thread(row.pk, row.contact_id) for row in made})
    return found, resolved


def _messages(workspace_id: UUID, pairs: Sequence[tuple[Item, _Thread]]) -> list[Message]:
    """Insert the messages that are not there yet, with their attachments; gives the new ones."""
    wanted: dict[tuple[UUID, bytes], tuple[Item, _Thread]] = {}
    for item, thread in pairs:
        hashed = identities.message_hash(workspace_id, item.channel.pk, item.update.external_id)  # type: ignore[union-attr]
        wanted.setdefault((item.channel.pk, hashed), (item, thread))
    present = Message.objects.filter(
        channel_id__any={channel for channel, _ in wanted}, external_hash__any=[hashed for _, hashed in wanted]
    ).values_list("channel_id", "external_hash")
    for channel_id, hashed in present:
        wanted.pop((channel_id, bytes(hashed)), None)
    messages: list[Message] = []
    files: list[Attachment] = []
    now = timezone.now()
    for (channel_id, hashed), (item, thread) in wanted.items():
        update = item.update
        assert isinstance(update, InboundMessage)
        message = Message(
            workspace_id=workspace_id,
            channel_id=channel_id,
            conversation_id=thread.id,
            contact_id=thread.contact_id,
            direction=Message.Direction.INBOUND,
            type=update.type,
            content=dict(update.content),
            external_id=update.external_id,
            external_hash=hashed,
            reply_to_hash=identities.message_hash(workspace_id, channel_id, update.reply_to)
            if update.reply_to
            else None,
            status=Message.Status.RECEIVED,
            provider_at=item.at,
            created_at=now,
        )
        messages.append(message)
        if update.media:
            files.append(_attachment(message, update, now))
    fresh = insert_new(messages)
    files = [file for file in files if file.message_id in fresh]
    insert_new(files)
    if files:
        transaction.on_commit(lambda: wake("conversations.fetch_media"))
    return [message for message in messages if message.pk in fresh]


def _attachment(message: Message, update: InboundMessage, now: datetime) -> Attachment:
    media = update.media
    assert media is not None
    return Attachment(
        workspace_id=message.workspace_id,
        channel_id=message.channel_id,
        message_id=message.pk,
        contact_id=message.contact_id,
        kind=media.kind,
        state=Attachment.State.PENDING,
        details={
            "external_id": media.external_id, "mime": media.mime, "name": media.name,
            "sha256": media.sha256, "voice": media.voice,
        },
        next_attempt_at=now,
        provider_at=message.provider_at,
    )  # fmt: skip


def _count(messages: Sequence[Message]) -> dict[UUID, UUID]:
    """Unread, newest and window of the conversations with new messages, in one statement; gives their ids, with their
    channels'."""
    counts: dict[UUID, tuple[int, datetime]] = {}
    for message in messages:
        number, newest = counts.get(message.conversation_id, (0, message.provider_at))
        counts[message.conversation_id] = (number + 1, max(newest, message.provider_at))
    if counts:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE conversations_conversation c SET unread_count = c.unread_count + n.unread, status = 'open', "
                "last_message_at = GREATEST(c.last_message_at, n.newest), "
                "last_inbound_at = GREATEST(COALESCE(c.last_inbound_at, n.newest), n.newest) "
                "FROM unnest(%s::uuid[], %s::int[], %s::timestamptz[]) AS n(id, unread, newest) WHERE c.id = n.id",
                [
                    list(counts),
                    [number for number, _ in counts.values()],
                    [newest for _, newest in counts.values()],
                ],
            )
    return {message.conversation_id: message.channel_id for message in messages}


def _reactions(workspace_id: UUID, pairs: Sequence[tuple[Item, _Thread]]) -> dict[UUID, UUID]:
    """Keep the newest mark of each person on each message. A mark is no message: nothing is unread. Gives what `_count`
    gives."""
    newest: dict[tuple[UUID, bytes, UUID], tuple[Item, _Thread]] = {}
    for item, thread in pairs:
        assert isinstance(item.update, ReactionUpdate)
        key = (
            item.channel.pk,
            identities.message_hash(workspace_id, item.channel.pk, item.update.target),
            thread.contact_id,
        )
        if key not in newest or newest[key][0].at <= item.at:
            newest[key] = (item, thread)
    if not newest:
        return {}
    stored = Reaction.objects.filter(target_hash__any=[hashed for _, hashed, _ in newest]).defer("emoji")
    replaced = []
    for row in stored:
        key = (row.channel_id, bytes(row.target_hash), row.contact_id)
        if key in newest:
            if row.provider_at > newest[key][0].at:
                del newest[key]
            else:
                replaced.append(row.pk)
    Reaction.objects.filter(pk__any=replaced).delete()
    insert_new(
        [
            Reaction(
                workspace_id=workspace_id, channel_id=channel, conversation_id=thread.id, contact_id=contact,
                target_hash=hashed, emoji=item.update.emoji or None, provider_at=item.at,  # type: ignore[union-attr]
            )
            for (channel, hashed, contact), (item, thread) in newest.items()
        ]
    )  # fmt: skip
    return {thread.id: item.channel.pk for item, thread in newest.values()}


def replay(event: RawEvent) -> None:
    """Put a raw event that was set aside back into the journal (operators). In a system scope."""
    event.state, event.reason, event.processed_at = RawEvent.State.NEW, "", None
    event.save(update_fields=["state", "reason", "processed_at"])
    transaction.on_commit(lambda: wake("conversations.drain"))
