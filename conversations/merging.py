"""Two contacts that the platform tells to be one person become one: what belonged to the one belongs to the other.

Nothing is sealed anew: a sealed value is bound to its row and opens by the key that it names. The contact that goes stays
as a row without name, handles and conversations (Contact.merged_into), so that its key lives as long as the contact that
stays and is destroyed with it (personal_data).
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from conversations.models import Contact, Conversation, Message
from conversations.opt_ins import ledger
from omnistra.core import live
from omnistra.core.bulk import insert_new

# Each person has one mark on a message: of two, the newer one.
_ONE_MARK = """
DELETE FROM conversations_reaction r USING conversations_reaction o
WHERE r.contact_id IN (%(goes)s, %(stays)s) AND o.contact_id IN (%(goes)s, %(stays)s) AND r.channel_id = o.channel_id
AND r.target_hash = o.target_hash AND (r.provider_at, r.id) < (o.provider_at, o.id)
"""
# A handle that both had: the row that stays is in use if either was.
_ONE_HANDLE = """
DELETE FROM conversations_handle g USING conversations_handle s
WHERE g.contact_id = %(goes)s AND s.contact_id = %(stays)s AND g.provider = s.provider AND g.kind = s.kind
AND g.value_hash = s.value_hash RETURNING s.id, g.ended_at
"""
# Both were recipients of one campaign: the row with the message stays, so that the person gets it once.
_ONE_RECIPIENT = """
DELETE FROM conversations_campaignrecipient r USING conversations_campaignrecipient o
WHERE r.contact_id IN (%(goes)s, %(stays)s) AND o.contact_id IN (%(goes)s, %(stays)s) AND r.campaign_id = o.campaign_id
AND (r.state <> 'pending' AND r.state <> 'skipped', r.id) < (o.state <> 'pending' AND o.state <> 'skipped', o.id)
"""
_OWNED = (
    "conversations_handle", "conversations_message", "conversations_attachment", "conversations_reaction",
    "conversations_earlyupdate", "conversations_campaignrecipient",
)  # fmt: skip
_IN_CONVERSATION = ("conversations_message", "conversations_reaction", "conversations_delivery")
_ONE_CONVERSATION = """
UPDATE conversations_conversation s SET unread_count = s.unread_count + g.unread_count,
status = CASE WHEN g.status = 'open' THEN g.status ELSE s.status END, assignee_id = COALESCE(s.assignee_id, g.assignee_id),
last_message_at = GREATEST(s.last_message_at, g.last_message_at),
last_inbound_at = GREATEST(s.last_inbound_at, g.last_inbound_at),
held_by = COALESCE(NULLIF(s.held_by, ''), g.held_by), held_at = GREATEST(s.held_at, g.held_at),
window_lost_at = GREATEST(s.window_lost_at, g.window_lost_at), blocked_at = GREATEST(s.blocked_at, g.blocked_at),
unreachable_at = GREATEST(s.unreachable_at, g.unreachable_at),
marketing_after = GREATEST(s.marketing_after, g.marketing_after),
identity_refused_at = GREATEST(s.identity_refused_at, g.identity_refused_at), created_at = LEAST(s.created_at, g.created_at)
FROM conversations_conversation g WHERE s.id = %(stays)s AND g.id = %(goes)s
"""
_ONE_CONTACT = """
UPDATE conversations_contact s SET created_at = LEAST(s.created_at, g.created_at),
identity_changed_at = GREATEST(s.identity_changed_at, g.identity_changed_at)
FROM conversations_contact g WHERE s.id = %(stays)s AND g.id = %(goes)s
"""


def final(contact_id: UUID, merged: Mapping[UUID, UUID]) -> UUID:
    """Who a contact is after these merges (who goes -> who stays)."""
    while contact_id in merged:
        contact_id = merged[contact_id]
    return contact_id


def _run(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def merge(goes: UUID, stays: UUID) -> None:
    """Merge one contact into another, with a line in each thread that it concerns. In the workspace's scope, under its
    ingest lock, inside a transaction; both have their keys."""
    again = [row[0] for row in _run(_ONE_HANDLE, goes=goes, stays=stays) if row[1] is None]
    _run("UPDATE conversations_handle SET ended_at = NULL WHERE id = ANY(%(ids)s)", ids=again)
    _run(_ONE_MARK, goes=goes, stays=stays)
    _run(_ONE_RECIPIENT, goes=goes, stays=stays)
    for table in _OWNED:
        _run(f"UPDATE {table} SET contact_id = %(stays)s WHERE contact_id = %(goes)s", goes=goes, stays=stays)  # noqa: S608
    ledger.move(goes, stays)
    concerned = _conversations(goes, stays)
    _run(_ONE_CONTACT, goes=goes, stays=stays)
    Contact.objects.filter(merged_into_id=goes).update(merged_into_id=stays)
    Contact.objects.filter(pk=goes).update(merged_into_id=stays, name=None)
    insert_new([line(conversation, "merged") for conversation in concerned])


def _conversations(goes: UUID, stays: UUID) -> list[Conversation]:
    """One conversation a channel; gives the ones that others came to."""
    rows = list(Conversation.objects.filter(contact_id__in=[goes, stays]).defer("referral"))
    kept = {row.channel_id: row for row in rows if row.contact_id == stays}
    concerned = []
    for row in rows:
        if row.contact_id != goes:
            continue
        other = kept.get(row.channel_id)
        if other is None:
            Conversation.objects.filter(pk=row.pk).update(contact_id=stays)
            row.contact_id = stays
            other = row
        else:
            for table in _IN_CONVERSATION:
                _run(
                    f"UPDATE {table} SET conversation_id = %(stays)s WHERE conversation_id = %(goes)s",  # noqa: S608
                    goes=row.pk, stays=other.pk,
                )  # fmt: skip
            _run(_ONE_CONVERSATION, goes=row.pk, stays=other.pk)
            Conversation.objects.filter(pk=row.pk).delete()
        live.publish(row.workspace_id, "message", {row.pk: row.channel_id, other.pk: row.channel_id})
        concerned.append(other)
    return concerned


def line(conversation: Conversation, event: str, at: Any = None, external_hash: bytes | None = None) -> Message:
    """A system line for a thread: nobody's message. `event` is one of naming.EVENT_WORDS."""
    return Message(
        workspace_id=conversation.workspace_id, channel_id=conversation.channel_id, conversation_id=conversation.pk,
        contact_id=conversation.contact_id, direction=Message.Direction.INBOUND, type="system",
        content={"event": event}, status=Message.Status.RECEIVED, provider_at=at or timezone.now(),
        external_hash=external_hash,
    )  # fmt: skip
