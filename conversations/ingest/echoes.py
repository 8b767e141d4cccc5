"""Echoes: the company's messages that the platform tells of. Ours are linked, the others are messages of their own."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from channels_app.contract import Echo, StatusUpdate
from conversations.identities import message_hash
from conversations.ingest.item import Item
from conversations.ingest.messages import Wanted
from conversations.models import Attachment, Delivery, Message
from conversations.statuses import advance, reference, settle_early
from omnistra.core.sealing import preload
from privacy import erasure

SOON = timedelta(minutes=10)  # how far the platform's time of a message may be from ours


def ours(workspace_id: UUID, wanted: Wanted) -> list[Item]:
    """Take what we sent ourselves out of `wanted`; gives it as statuses, which link the message to its id.

    Known by the reference that we gave. Where the platform gives none (Instagram), by what is said: the message of this
    conversation whose call has not answered yet.
    """
    echoes = {
        key: pair for key, pair in wanted.items() if isinstance(pair[0].update, Echo) and not _is_history(pair[0])
    }
    if not echoes:
        return []
    references = {found for item, _ in echoes.values() if (found := reference(item.update.reference))}  # type: ignore[union-attr]
    referred = {row.pk: row for row in Delivery.objects.filter(pk__any=references)}
    under_way = _under_way({thread.id for _, thread in echoes.values()})
    linked = []
    for key, (item, thread) in echoes.items():
        update = item.update
        assert isinstance(update, Echo)
        delivery = referred.get(reference(update.reference) or workspace_id)
        if delivery is None or delivery.channel_id != item.channel.pk:
            waiting = under_way.get(thread.id, [])
            delivery = next((each for each in waiting if _same(each.message, item)), None)
            if delivery is not None:
                waiting.remove(delivery)
        if delivery is not None:
            del wanted[key]
            linked.append(_as_status(item, delivery))
    return linked


def _is_history(item: Item) -> bool:
    return bool(getattr(item.update, "is_history", False))


def _under_way(conversations: Iterable[UUID]) -> dict[UUID, list[Delivery]]:
    """The deliveries whose call has not answered, by conversation, the oldest first."""
    rows = list(
        Delivery.objects.filter(
            conversation_id__any=list(conversations), state__in=[Delivery.State.SENDING, Delivery.State.UNKNOWN],
            message__external_hash__isnull=True,
        ).select_related("message").order_by("pk")
    )  # fmt: skip
    preload([row.message for row in rows])
    found: dict[UUID, list[Delivery]] = {}
    for row in rows:
        found.setdefault(row.conversation_id, []).append(row)
    return found


def _same(message: Message, item: Item) -> bool:
    update = item.update
    assert isinstance(update, Echo)
    near = abs(item.at - message.provider_at) < SOON
    return near and message.type == update.type and message.text.strip() == str(update.content.get("text", "")).strip()


def _as_status(item: Item, delivery: Delivery) -> Item:
    update = item.update
    assert isinstance(update, Echo)
    status = StatusUpdate(
        update.channel, update.account, update.external_id, update.status, update.at, reference=str(delivery.pk)
    )
    return Item(status, item.channel, item.at, item.event)


def take_over(message: Message, external_id: str) -> None:
    """The send call has answered with this id. Where an echo has been stored under it as another app's message, that row
    goes, and ours takes what is known of it. In the workspace's scope and a transaction; `message` is saved by the
    caller."""
    message.external_id = external_id
    message.external_hash = message_hash(message.workspace_id, message.channel_id, external_id)
    twin = (
        Message.objects.filter(channel_id=message.channel_id, external_hash=message.external_hash)
        .exclude(pk=message.pk)
        .first()
    )
    if twin is not None:
        for status in ("sent", "delivered", "read"):
            if at := getattr(twin, f"{status}_at"):
                advance(message, status, at)
        files = Attachment.objects.filter(message=twin)
        erasure.forget_files(list(files.values_list("storage_key", flat=True)))
        files.delete()
        Message.objects.filter(pk=twin.pk).delete()
    settle_early(message)
