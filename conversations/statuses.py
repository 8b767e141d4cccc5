"""Statuses: how far our messages came. A status only moves forward (providers/whatsapp.md 7).

One that comes before the answer of the send call, and names nothing that we gave, is held for a while by the hash of its
message's id alone; what nobody claims meanwhile was about another app's message.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from channels_app.contract import StatusUpdate, Watermark
from channels_app.models import Channel
from channels_app.registry import provider
from channels_app.templates import events as template_events
from conversations import policy
from conversations.identities import message_hash
from conversations.models import Conversation, Delivery, EarlyUpdate, Message
from omnistra.core.bulk import insert_new, update_rows

HOLD = timedelta(minutes=15)  # longer than a send call may take with its upload and its lease
# How far the platform's clock and ours may lie apart where a watermark is compared with what we noted.
SKEW = timedelta(seconds=5)
_TIMES = {"sent": "sent_at", "delivered": "delivered_at", "read": "read_at", "failed": "failed_at"}
_WRITTEN = [
    "status", "sent_at", "delivered_at", "read_at", "failed_at", "played_at", "error_code", "error", "price",
    "external_id", "external_hash",
]  # fmt: skip


def reference(text: str) -> UUID | None:
    """The delivery that a platform's echo of our reference names, or None for what is none of ours."""
    try:
        return UUID(text)
    except ValueError:
        return None


def advance(message: Message, status: str, at: datetime) -> bool:
    """Note a status and its time; the state only rises in rank. Gives whether anything is new."""
    name = _TIMES[status]
    is_new = getattr(message, name) is None
    if is_new:
        setattr(message, name, at)
    if Message.RANK[status] > Message.RANK[message.status]:
        message.status = status
        return True
    return is_new


def catch_up(message: Message, update: EarlyUpdate) -> None:
    """A status that was held for this message."""
    advance(message, update.kind, update.provider_at)
    message.price = message.price or update.price
    if update.kind == EarlyUpdate.Kind.FAILED and update.details:
        code = update.details["error_code"]
        _fail(message, code, update.details["detail"], update.channel)
        if code is not None and message.status == Message.Status.FAILED:
            _learn([(message, update.channel, code, update.provider_at)])


def settle_early(message: Message) -> None:
    """The id of a message of ours has become known: the statuses that were held for it are applied. Its caller saves
    the message."""
    rows = EarlyUpdate.objects.filter(channel_id=message.channel_id, target_hash=message.external_hash)
    held = list(rows.exclude(kind=EarlyUpdate.Kind.EDIT).select_related("channel").order_by("provider_at"))
    for row in held:
        catch_up(message, row)
    if held:
        rows.filter(pk__in=[row.pk for row in held]).delete()


def _fail(message: Message, code: int | None, detail: str, channel: Channel) -> None:
    error = policy.error_of(channel, code)
    message.error_code = code
    message.error = {
        "title": provider(channel.provider).words(code), "detail": detail,
        "next": policy.next_step(error, channel) if error else "",
    }  # fmt: skip


def _learn(failed: Sequence[tuple[Message, Channel, int, datetime]]) -> None:
    """What failures teach of people and channels, and of templates."""
    policy.from_statuses(failed)
    codes = {(channel.pk, code): channel for message, channel, code, _ in failed if message.type == "template"}
    for (_, code), channel in codes.items():
        template_events.refused(channel, code)


def _note(message: Message, update: StatusUpdate, at: datetime, channel: Channel) -> bool:
    """Write one status into its message; gives whether anything is new."""
    is_new = advance(message, update.status, at)
    if update.price and message.price != dict(update.price):
        message.price, is_new = dict(update.price), True
    if update.is_played and message.type == "audio" and message.played_at is None:
        message.played_at, is_new = at, True
    if update.status == "failed" and is_new:
        _fail(message, update.error_code, update.error_detail, channel)
    return is_new


def apply(workspace_id: UUID, updates: Sequence[tuple[StatusUpdate, Channel, datetime]]) -> dict[UUID, UUID]:
    """Write statuses set-wise; gives the conversations that changed, with their channels. Found by the reference that we
    gave at sending, else by the message's id; a status of an unknown message is held."""
    if not updates:
        return {}
    references = {found for update, _, _ in updates if (found := reference(update.reference))}
    deliveries = {row.pk: row for row in Delivery.objects.filter(pk__any=references)} if references else {}
    hashes = {
        (channel.pk, update.external_id): message_hash(workspace_id, channel.pk, update.external_id)
        for update, channel, _ in updates
    }
    outbound = Message.objects.filter(direction=Message.Direction.OUTBOUND).defer("content")
    by_id = {row.pk: row for row in outbound.filter(pk__any={row.message_id for row in deliveries.values()})}
    by_hash = {
        (row.channel_id, bytes(row.external_hash)): by_id.get(row.pk, row)
        for row in outbound.filter(external_hash__any=set(hashes.values()))
    }
    changed: dict[UUID, Message] = {}
    failed: list[tuple[Message, Channel, int, datetime]] = []
    unknown: list[EarlyUpdate] = []
    for update, channel, at in updates:
        hashed = hashes[channel.pk, update.external_id]
        delivery = deliveries.get(reference(update.reference) or workspace_id)
        message = by_id.get(delivery.message_id) if delivery and delivery.channel_id == channel.pk else None
        message = by_hash.get((channel.pk, hashed)) or message
        if message is None:
            unknown.append(_held(workspace_id, update, channel, at, hashed))
            continue
        is_linked = message.external_hash is None
        if is_linked:  # the send call's answer was lost: this status brings the id
            message.external_id, message.external_hash = update.external_id, hashed
            by_hash[channel.pk, hashed] = message
        before = message.status
        if _note(message, update, at, channel) or is_linked:
            changed[message.pk] = message
        if update.error_code is not None and before != message.status == Message.Status.FAILED:  # once
            failed.append((message, channel, update.error_code, at))
    update_rows(list(changed.values()), _WRITTEN)
    insert_new(unknown)
    _settle(changed)
    _learn(failed)
    return {message.conversation_id: message.channel_id for message in changed.values()}


def _held(workspace_id: UUID, update: StatusUpdate, channel: Channel, at: datetime, hashed: bytes) -> EarlyUpdate:
    failed = {"error_code": update.error_code, "detail": update.error_detail} if update.status == "failed" else None
    return EarlyUpdate(
        workspace_id=workspace_id, channel_id=channel.pk, target_hash=hashed, kind=update.status, details=failed,
        price=dict(update.price) or None, provider_at=at, expires_at=timezone.now() + HOLD,
    )  # fmt: skip


def _settle(changed: dict[UUID, Message]) -> None:
    """The deliveries whose outcome the statuses tell."""
    for state, status in (
        (Delivery.State.SENT, ("sent", "delivered", "read")),
        (Delivery.State.FAILED, ("failed",)),
    ):
        settled = [pk for pk, message in changed.items() if message.status in status]
        open_states = [Delivery.State.SENDING, Delivery.State.UNKNOWN]
        if settled:
            Delivery.objects.filter(message_id__in=settled, state__in=open_states).update(
                state=state, settled_at=timezone.now()
            )


def reach(workspace_id: UUID, marks: Sequence[tuple[Watermark, Conversation, datetime]]) -> dict[UUID, UUID]:
    """All messages of ours up to a time, or up to a message, came this far; gives the conversations that changed. A
    smaller watermark than an earlier one finds nothing to change, and so does one that names a message unknown here."""
    if not marks:
        return {}
    named = {
        (row.channel_id, message_hash(workspace_id, row.channel_id, mark.external_id))
        for mark, row, _ in marks
        if mark.external_id
    }
    places: dict[tuple[UUID, bytes], datetime] = {}
    if named:
        rows = Message.objects.filter(external_hash__any=[hashed for _, hashed in named])
        columns = rows.values_list("channel_id", "external_hash", "sent_at", "provider_at")
        places = {(channel, bytes(hashed)): sent or at for channel, hashed, sent, at in columns}
    furthest: dict[tuple[UUID, str], tuple[datetime, datetime]] = {}  # conversation, status -> until, at
    for mark, row, at in marks:
        until = mark.until
        if mark.external_id:
            until = places.get((row.channel_id, message_hash(workspace_id, row.channel_id, mark.external_id)))
        key = (row.pk, mark.status)
        if until is not None and (key not in furthest or furthest[key][0] < until):
            furthest[key] = (until, at)
    return {
        conversation: channel
        for status in ("delivered", "read")
        for conversation, channel in _reach(
            status, [(pk, *times) for (pk, kind), times in furthest.items() if kind == status]
        )
    }


def _reach(status: str, rows: Sequence[tuple[UUID, datetime, datetime]]) -> list[Any]:
    """What has left us and is not as far yet. What failed or is still on its way is not reached by a watermark."""
    if not rows:
        return []
    column = _TIMES[status]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE conversations_message m SET {column} = n.at, "  # noqa: S608  (one of two names)
            "status = CASE WHEN m.status = 'read' THEN m.status ELSE %s END "
            "FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS n(conversation, until, at) "
            "WHERE m.conversation_id = n.conversation AND m.direction = 'outbound' "
            f"AND m.status IN ('sent', 'delivered', 'read') AND m.{column} IS NULL "
            "AND COALESCE(m.sent_at, m.provider_at) <= n.until RETURNING m.conversation_id, m.channel_id",
            [status, [row[0] for row in rows], [row[1] + SKEW for row in rows], [row[2] for row in rows]],
        )
        return cursor.fetchall()
