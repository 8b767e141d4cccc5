"""A message that a person took back: what was stored of it goes, in the transaction that tells of it, and a tombstone
stays (providers/instagram.md 6). One that comes only later is not stored at all.

An answer that quotes it goes out without the quote: there is no id to quote any more.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from channels_app.contract import Unsent
from conversations.ingest.item import Item, Target, Touched, target
from conversations.models import Attachment, Delivery, EarlyUpdate, Message, Reaction, Tombstone
from omnistra.core.bulk import insert_new, update_rows
from omnistra.core.jobs import wake
from privacy import erasure


def bury(workspace_id: UUID, targets: Iterable[Target]) -> None:
    """Remember that these messages are deleted, for as long as repeats of them may come."""
    until = timezone.now() + timedelta(days=settings.META_DEDUP_DAYS)
    insert_new(
        [
            Tombstone(workspace_id=workspace_id, channel_id=channel, target_hash=hashed, expires_at=until)
            for channel, hashed in targets
        ]
    )


def buried(targets: Sequence[Target]) -> set[Target]:
    """Which of these messages are not to be stored."""
    rows = Tombstone.objects.filter(target_hash__any=[hashed for _, hashed in targets], expires_at__gt=timezone.now())
    return {(channel, bytes(hashed)) for channel, hashed in rows.values_list("channel_id", "target_hash")}


def apply(workspace_id: UUID, items: Sequence[Item]) -> tuple[Touched, set[UUID]]:
    """Delete what these messages said; gives what changed, and the raw events that still hold it."""
    if not items:
        return {}, set()
    times: dict[Target, Item] = {}
    for item in items:
        assert isinstance(item.update, Unsent)
        times.setdefault(target(workspace_id, item, item.update.target), item)
    bury(workspace_id, times)
    hashes = [hashed for _, hashed in times]
    EarlyUpdate.objects.filter(target_hash__any=hashes, kind=EarlyUpdate.Kind.EDIT).delete()
    rows = [
        row
        for row in Message.objects.filter(external_hash__any=hashes, unsent_at__isnull=True)
        if (row.channel_id, bytes(row.external_hash)) in times
    ]
    forget_marks(times, {row.conversation_id for row in rows})
    _delete_files([row.pk for row in rows])
    events = {row.raw_event_id for row in rows if row.raw_event_id}
    for row in rows:
        row.content = row.error = row.external_id = row.reply_to_hash = row.edited_at = row.raw_event_id = None
        row.edit_number, row.unsent_at = 0, times[row.channel_id, bytes(row.external_hash)].at
    update_rows(
        rows,
        ["content", "error", "external_id", "reply_to_hash", "edited_at", "edit_number", "unsent_at", "raw_event_id"],
    )
    return {row.conversation_id: row.channel_id for row in rows}, events


def forget_marks(targets: Iterable[Target], conversations: Collection[UUID]) -> int:
    """The marks on these messages of these conversations go, theirs and ours; gives how many."""
    places = set(targets)
    hashes = [hashed for _, hashed in places]
    theirs = Reaction.objects.filter(target_hash__any=hashes).delete()[0]
    found = Message.objects.filter(
        type=Message.REACTION, conversation_id__any=list(conversations), reply_to_hash__any=hashes
    )
    rows = found.values_list("pk", "channel_id", "reply_to_hash")
    ours = [pk for pk, channel, hashed in rows if (channel, bytes(hashed)) in places]
    Delivery.objects.filter(message_id__any=ours).delete()
    Message.objects.filter(pk__any=ours).delete()
    return theirs + len(ours)


def _delete_files(messages: Sequence[UUID]) -> None:
    """The rows now, the stored files by the sweep that follows. A file that is just being fetched finds no row and goes
    the same way (media)."""
    files = Attachment.objects.filter(message_id__any=messages)
    if erasure.forget_files(list(files.values_list("storage_key", flat=True))):
        transaction.on_commit(lambda: wake("privacy.remove_files"))
    files.delete()
