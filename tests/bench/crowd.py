"""Conversations by the thousand, written set-wise as ingest writes them: sealed, with a key for each contact."""

import os
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from channels_app.models import Channel
from conversations.models import Attachment, Contact, Conversation, Delivery, Handle, Message, Reaction
from omnistra.core import keyring
from omnistra.core.bulk import insert_new
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import workspace_scope
from tests.bench import bodies

BATCH = 2_500  # conversations in one transaction


def settle(
    workspace_id: UUID, channel: Channel, conversations: int, each: int, newest: datetime, spread: timedelta
) -> None:
    """Write conversations with `each` messages; the last messages lie between `newest - spread` and `newest`.

    Of ten messages three are ours, with their settled deliveries; one has a file; of twenty one has a mark.
    """
    for start in range(0, conversations, BATCH):
        numbers = range(start, min(start + BATCH, conversations))
        with workspace_scope(workspace_id), transaction.atomic():
            _batch(workspace_id, channel, numbers, each, [newest - spread * (n / conversations) for n in numbers])
        keyring.forget_opened_keys()


def _batch(workspace_id: UUID, channel: Channel, numbers: range, each: int, times: list[datetime]) -> None:
    contacts = [Contact(id=uuid7(), workspace_id=workspace_id, name=f"Person {number}") for number in numbers]
    keyring.contact_keys(workspace_id, [contact.pk for contact in contacts])
    insert_new(contacts)
    handles, threads, messages, files, deliveries, marks = [], [], [], [], [], []
    for number, contact, at in zip(numbers, contacts, times, strict=True):
        common = {"workspace_id": workspace_id, "contact_id": contact.pk}
        handles.append(
            Handle(
                **common, provider="whatsapp", kind="wa_id", value=bodies.number(number), value_hash=os.urandom(16)
            )
        )  # fmt: skip
        thread = Conversation(
            **common, channel_id=channel.pk, last_message_at=at, last_inbound_at=at, unread_count=number % 3
        )
        threads.append(thread)
        for place in range(each):
            serial = number * each + place
            ours = serial % 10 in (2, 5, 8)
            message = Message(
                **common, channel_id=channel.pk, conversation_id=thread.pk, type="text", content={"text": bodies.TEXT},
                direction="outbound" if ours else "inbound", status="read" if ours else "received",
                external_id=f"wamid.{serial}", external_hash=os.urandom(16), provider_at=at - timedelta(minutes=place),
                instructed_by_kind="member" if ours else None, instructed_by_id=contact.pk if ours else None,
            )  # fmt: skip
            messages.append(message)
            if ours:
                deliveries.append(
                    Delivery(
                        workspace_id=workspace_id, channel_id=channel.pk, conversation_id=thread.pk,
                        message_id=message.pk, state="sent", settled_at=at,
                    )
                )  # fmt: skip
            if serial % 10 == 0:
                files.append(
                    Attachment(
                        **common, channel_id=channel.pk, message_id=message.pk, kind="image", state="failed",
                        details={"name": "tin.jpg"}, provider_at=message.provider_at,
                    )
                )  # fmt: skip
            if serial % 20 == 1:
                marks.append(
                    Reaction(
                        **common, channel_id=channel.pk, conversation_id=thread.pk, emoji="👍",
                        target_hash=message.external_hash, provider_at=at,
                    )
                )  # fmt: skip
    for rows in (handles, threads, messages, files, deliveries, marks):
        insert_new(rows)
