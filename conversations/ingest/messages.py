"""New messages of people and of the company: inserted once, with their files, and counted in their conversations.

What was taken back before it came is never stored; what was edited before it came is stored in its edited form. History
is nobody's news: it is not unread, opens nothing and is told to nobody.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from channels_app.contract import Echo, InboundMessage, Media
from conversations import identities, statuses
from conversations.ingest.item import Item, Target, Thread, Touched
from conversations.models import Attachment, Conversation, EarlyUpdate, Message
from omnistra.core.bulk import insert_new, update_rows
from omnistra.core.jobs import wake
from omnistra.core.sealing import preload

Wanted = dict[Target, tuple[Item, Thread]]
OTHER_APP = "other"  # Conversation.held_by where the platform does not say which app it is


def is_live(item: Item) -> bool:
    """Whether it is news: not from before the connection."""
    return not (isinstance(item.update, InboundMessage | Echo) and item.update.is_history)


def known(targets: Collection[Target]) -> dict[Target, UUID | None]:
    """Which of these messages are here already; with the id of one that is only a placeholder, else None."""
    present = Message.objects.filter(
        channel_id__any={channel for channel, _ in targets}, external_hash__any=[hashed for _, hashed in targets]
    ).values_list("channel_id", "external_hash", "id", "type")
    return {(channel, bytes(hashed)): pk if kind == "unsupported" else None for channel, hashed, pk, kind in present}


def insert(workspace_id: UUID, wanted: Wanted) -> list[tuple[Item, Message]]:
    """Insert messages that are not here yet, with their files; gives the new ones."""
    early = _early(wanted)
    referrals = _referrals({thread.id for _, thread in wanted.values() if thread.has_referral})
    now = timezone.now()
    messages: dict[UUID, tuple[Item, Message]] = {}
    files: list[Attachment] = []
    for key, (item, thread) in wanted.items():
        message = _message(workspace_id, key, item, thread, now)
        if isinstance(item.update, InboundMessage) and is_live(item) and thread.id in referrals:
            message.content = {"referral": referrals.pop(thread.id), **item.update.content}
        for update in early.get(key, ()):
            _catch_up(message, update)
        messages[message.pk] = (item, message)
        files += _files(message, item, now)
    fresh = insert_new([message for _, message in messages.values()])
    _insert_files([file for file in files if file.message_id in fresh])
    if early:
        EarlyUpdate.objects.filter(pk__in=[row.pk for rows in early.values() for row in rows]).delete()
    if len(fresh) == len(messages):
        return list(messages.values())
    return [pair for pk, pair in messages.items() if pk in fresh]


def _message(workspace_id: UUID, key: Target, item: Item, thread: Thread, now: datetime) -> Message:
    update = item.update
    assert isinstance(update, InboundMessage | Echo)
    quoted = identities.message_hash(workspace_id, key[0], update.reply_to) if update.reply_to else None
    if isinstance(update, InboundMessage):
        return Message(
            workspace_id=workspace_id, channel_id=key[0], conversation_id=thread.id, contact_id=thread.contact_id,
            direction=Message.Direction.INBOUND, type=update.type, content=dict(update.content),
            external_id=update.external_id, external_hash=key[1], reply_to_hash=quoted,
            status=Message.Status.RECEIVED, provider_at=item.at, created_at=now, raw_event_id=item.event,
        )  # fmt: skip
    message = Message(
        workspace_id=workspace_id, channel_id=key[0], conversation_id=thread.id, contact_id=thread.contact_id,
        direction=Message.Direction.OUTBOUND, type=update.type, content=dict(update.content),
        external_id=update.external_id, external_hash=key[1], reply_to_hash=quoted, sent_from=update.sent_from,
        status=Message.Status.SENT, provider_at=item.at, created_at=now, raw_event_id=item.event,
    )  # fmt: skip
    statuses.advance(message, update.status, item.at)
    return message


def _early(wanted: Wanted) -> dict[Target, list[EarlyUpdate]]:
    """What came before these messages."""
    rows = EarlyUpdate.objects.filter(target_hash__any=[hashed for _, hashed in wanted], expires_at__gt=timezone.now())
    found: dict[Target, list[EarlyUpdate]] = {}
    for row in rows:
        if (row.channel_id, bytes(row.target_hash)) in wanted:
            found.setdefault((row.channel_id, bytes(row.target_hash)), []).append(row)
    preload([row for some in found.values() for row in some])
    return found


def _catch_up(message: Message, update: EarlyUpdate) -> None:
    if update.kind == EarlyUpdate.Kind.EDIT:
        message.content = {**(message.content or {}), "text": update.details["text"]}
        message.edited_at, message.edit_number = update.provider_at, update.number
    elif message.direction == Message.Direction.OUTBOUND:
        statuses.catch_up(message, update)


def _referrals(conversations: set[UUID]) -> dict[UUID, object]:
    """The referrals that wait in these conversations; they are taken out."""
    if not conversations:
        return {}
    rows = list(Conversation.objects.filter(pk__in=conversations))
    preload(rows)
    found = {row.pk: row.referral for row in rows if row.referral}
    Conversation.objects.filter(pk__in=conversations).update(referral=None)
    return found


def _files(message: Message, item: Item, now: datetime) -> list[Attachment]:
    """A story is a link and nothing more: what is in it is not ours to keep (providers/instagram.md 5)."""
    update = item.update
    if not isinstance(update, InboundMessage | Echo) or update.type == "story" or not update.files:
        return []
    return [_attachment(message, media, now) for media in update.files]


def _attachment(message: Message, media: Media, now: datetime) -> Attachment:
    return Attachment(
        workspace_id=message.workspace_id,
        channel_id=message.channel_id,
        message_id=message.pk,
        contact_id=message.contact_id,
        kind=media.kind,
        state=Attachment.State.PENDING,
        details={
            "external_id": media.external_id, "mime": media.mime, "name": media.name,
            "sha256": media.sha256, "voice": media.voice, "url": media.url,
        },
        next_attempt_at=now,
        provider_at=message.provider_at,
    )  # fmt: skip


def _insert_files(files: Sequence[Attachment]) -> None:
    insert_new(files)
    if files:
        transaction.on_commit(lambda: wake("conversations.fetch_media"))


def fill(placeholders: Mapping[UUID, Item]) -> None:
    """History tells of a file first and brings it later under the same id: the placeholder becomes the message. Nobody
    is told."""
    arrived = {
        pk: item
        for pk, item in placeholders.items()
        if not is_live(item) and item.update.type != "unsupported"  # type: ignore[union-attr]
    }
    if not arrived:
        return
    rows = list(Message.objects.filter(pk__any=arrived, unsent_at__isnull=True))
    files: list[Attachment] = []
    for row in rows:
        item = arrived[row.pk]
        row.type, row.content = item.update.type, dict(item.update.content)  # type: ignore[union-attr]
        row.raw_event_id = item.event
        files += _files(row, item, timezone.now())
    update_rows(rows, ["type", "content", "raw_event_id"])
    _insert_files(files)


class _Counts:
    """What new messages change of one conversation."""

    __slots__ = ("hold_at", "holds", "inbound", "newest", "opens", "unread")

    def __init__(self, newest: datetime) -> None:
        self.unread, self.opens, self.newest = 0, False, newest
        self.inbound: datetime | None = None
        self.hold_at: datetime | None = None
        self.holds = False

    def add(self, item: Item) -> None:
        at, update = item.at, item.update
        if at > self.newest:
            self.newest = at
        if not isinstance(update, InboundMessage) or update.is_history:
            return
        if update.opens_window and (self.inbound is None or at > self.inbound):
            self.inbound = at
        if self.hold_at is None or at >= self.hold_at:
            self.hold_at, self.holds = at, update.is_standby
        if not update.is_standby:
            self.unread += 1
            self.opens = True


def count(pairs: Sequence[tuple[Item, Message]]) -> Touched:
    """Unread, newest, window and holder of the conversations with new messages, in one statement; gives those that
    anybody is told of."""
    counts: dict[UUID, _Counts] = {}
    for item, message in pairs:
        counted = counts.get(message.conversation_id)
        if counted is None:
            counted = counts[message.conversation_id] = _Counts(item.at)
        counted.add(item)
    if counts:
        each = list(counts.values())
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE conversations_conversation c SET unread_count = c.unread_count + n.unread, "
                "status = CASE WHEN n.opens THEN 'open' ELSE c.status END, "
                "last_message_at = GREATEST(c.last_message_at, n.newest), "
                "last_inbound_at = GREATEST(c.last_inbound_at, n.inbound), "
                # Who gets the messages holds the conversation: what comes as ordinary says that it is ours again.
                "held_by = CASE WHEN n.hold_at IS NULL OR n.hold_at <= c.held_at THEN c.held_by WHEN NOT n.holds THEN '' "
                "WHEN c.held_by = '' THEN %s ELSE c.held_by END, "
                "held_at = CASE WHEN n.holds OR c.held_by <> '' THEN GREATEST(c.held_at, n.hold_at) ELSE c.held_at END "
                "FROM unnest(%s::uuid[], %s::int[], %s::bool[], %s::timestamptz[], %s::timestamptz[], "
                "%s::timestamptz[], %s::bool[]) AS n(id, unread, opens, newest, inbound, hold_at, holds) "
                "WHERE c.id = n.id",
                [
                    OTHER_APP, list(counts), [one.unread for one in each], [one.opens for one in each],
                    [one.newest for one in each], [one.inbound for one in each], [one.hold_at for one in each],
                    [one.holds for one in each],
                ],
            )  # fmt: skip
    return {message.conversation_id: message.channel_id for item, message in pairs if is_live(item)}
