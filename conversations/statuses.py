"""Statuses: how far our messages came. A status only moves forward (providers/whatsapp.md 7)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from channels_app.contract import StatusUpdate
from channels_app.models import Channel
from channels_app.registry import provider
from conversations.identities import message_hash
from conversations.models import Delivery, Message
from omnistra.core.bulk import update_rows

_TIMES = {"sent": "sent_at", "delivered": "delivered_at", "read": "read_at", "failed": "failed_at"}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def advance(message: Message, status: str, at: datetime) -> None:
    """Note a status and its time; the state only rises in rank."""
    name = _TIMES[status]
    if getattr(message, name) is None:
        setattr(message, name, at)
    if Message.RANK[status] > Message.RANK[message.status]:
        message.status = status


def apply(workspace_id: UUID, updates: Sequence[tuple[StatusUpdate, Channel, datetime]]) -> dict[UUID, UUID]:
    """Write statuses set-wise; gives the conversations that changed, with their channels. Found by the reference that we
    gave at sending, else by the message's id; a status of an unknown message (another app's) is dropped."""
    if not updates:
        return {}
    references = {reference for update, _, _ in updates if (reference := _uuid(update.reference))}
    deliveries = {row.pk: row for row in Delivery.objects.filter(pk__in=references)}
    hashes = {
        (channel.pk, update.external_id): message_hash(workspace_id, channel.pk, update.external_id)
        for update, channel, _ in updates
    }
    found = Message.objects.filter(direction=Message.Direction.OUTBOUND)
    by_id = {
        row.pk: row for row in found.filter(pk__in={row.message_id for row in deliveries.values()}).defer("content")
    }
    by_hash = {
        (row.channel_id, bytes(row.external_hash)): row
        for row in found.filter(external_hash__in=set(hashes.values())).defer("content")
    }
    changed: dict[UUID, Message] = {}
    for update, channel, at in updates:
        hashed = hashes[channel.pk, update.external_id]
        delivery = deliveries.get(_uuid(update.reference) or workspace_id)
        message = by_id.get(delivery.message_id) if delivery and delivery.channel_id == channel.pk else None
        message = message or by_hash.get((channel.pk, hashed))
        if message is None:
            continue
        message = changed.setdefault(message.pk, message)
        if message.external_hash is None:  # the send call's answer was lost: this status brings the id
            message.external_id, message.external_hash = update.external_id, hashed
        advance(message, update.status, at)
        if update.status == "failed":
            message.error_code = update.error_code
            message.error = {
                "title": provider(channel.provider).words(update.error_code),
                "detail": update.error_detail,
            }
    update_rows(
        list(changed.values()),
        [
            "status",
            "sent_at",
            "delivered_at",
            "read_at",
            "failed_at",
            "error_code",
            "error",
            "external_id",
            "external_hash",
        ],
    )
    for state, status in (
        (Delivery.State.SENT, ("sent", "delivered", "read")),
        (Delivery.State.FAILED, ("failed",)),
    ):
        settled = [pk for pk, message in changed.items() if message.status in status]
        open_states = [Delivery.State.SENDING, Delivery.State.UNKNOWN]
        Delivery.objects.filter(message_id__in=settled, state__in=open_states).update(
            state=state, settled_at=timezone.now()
        )
    return {message.conversation_id: message.channel_id for message in changed.values()}
