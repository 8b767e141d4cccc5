"""Marks on messages: the newest of each person on each message, whether the message has come or not. A mark is no
message: nothing is unread. Where the platform has it so, it opens the reply window."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from conversations.ingest.item import Item, Target, Thread, Touched
from conversations.models import Reaction
from omnistra.core.bulk import insert_new


def apply(workspace_id: UUID, marks: Sequence[tuple[Item, Target, Thread]]) -> Touched:
    """Keep the newest mark; gives what changed."""
    newest: dict[tuple[Target, UUID], tuple[Item, Thread]] = {}
    for item, target, thread in marks:
        key = (target, thread.contact_id)
        if key not in newest or newest[key][0].at <= item.at:
            newest[key] = (item, thread)
    if not newest:
        return {}
    _open_windows(marks)
    stored = Reaction.objects.filter(target_hash__any=[hashed for (_, hashed), _ in newest]).defer("emoji")
    replaced = []
    for row in stored:
        key = ((row.channel_id, bytes(row.target_hash)), row.contact_id)
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
            for ((channel, hashed), contact), (item, thread) in newest.items()
        ]
    )  # fmt: skip
    return {thread.id: item.channel.pk for item, thread in newest.values()}


def _open_windows(marks: Sequence[tuple[Item, Target, Thread]]) -> None:
    opened: dict[UUID, datetime] = {}
    for item, _, thread in marks:
        if item.update.opens_window:  # type: ignore[union-attr]
            opened[thread.id] = max(opened.get(thread.id, item.at), item.at)
    if opened:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE conversations_conversation c SET last_inbound_at = GREATEST(c.last_inbound_at, n.at) "
                "FROM unnest(%s::uuid[], %s::timestamptz[]) AS n(id, at) WHERE c.id = n.id",
                [list(opened), list(opened.values())],
            )
