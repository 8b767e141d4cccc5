"""The conversation of each update: found, or made where one begins."""

from collections.abc import Sequence
from uuid import UUID

from channels_app.contract import Arrival, Echo, InboundMessage
from conversations import identities
from conversations.ingest.item import Item, Thread, contacts
from conversations.models import Conversation
from omnistra.core.bulk import insert_new


def _begins_open(item: Item) -> bool:
    """Whether a conversation that begins with this is one to answer. The past, a mark and a mere visit are not."""
    update = item.update
    if isinstance(update, InboundMessage):
        return not update.is_history and not update.is_standby
    if isinstance(update, Echo):
        return not update.is_history
    return isinstance(update, Arrival) and update.opens_window


def of(workspace_id: UUID, items: Sequence[Item]) -> list[Thread]:
    """The thread of each item; contacts and conversations are made as needed."""
    people = contacts(workspace_id, items, identities.resolve)
    rows = Conversation.objects.filter(
        channel_id__any={item.channel.pk for item in items}, contact_id__any=set(people)
    ).values_list("channel_id", "contact_id", "id", "referral")
    found = {
        (channel_id, contact_id): Thread(identity, contact_id, referral is not None)
        for channel_id, contact_id, identity, referral in rows
    }
    made: dict[tuple[UUID, UUID], Conversation] = {}
    for item, contact_id in zip(items, people, strict=True):
        key = (item.channel.pk, contact_id)
        if key in found:
            continue
        row = made.get(key)
        if row is None:
            row = made[key] = Conversation(
                workspace_id=workspace_id, channel_id=key[0], contact_id=contact_id, last_message_at=item.at,
                status=Conversation.Status.CLOSED,
            )  # fmt: skip
        if row.status == Conversation.Status.CLOSED and _begins_open(item):
            row.status = Conversation.Status.OPEN
    insert_new(list(made.values()))
    found.update({key: Thread(row.pk, row.contact_id) for key, row in made.items()})
    return [found[item.channel.pk, contact_id] for item, contact_id in zip(items, people, strict=True)]
