"""Answering: what lets a message out asks the policy engine first, then queues it (policy clauses 1b, 4b, 5c).

Each refusal has its reason and the next step in words (policy.words). The outbox (delivery.py) alone sends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from channels_app.contract import OutboundMedia, OutboundMessage
from channels_app.registry import provider
from conversations import policy
from conversations.models import Attachment, Conversation, Delivery, Message
from conversations.policy import Refused as Refused
from omnistra.core import live
from omnistra.core.ids import uuid7
from omnistra.core.jobs import wake
from privacy import erasure

TRIES_OF_HELD_BACK = 2  # a message that the platform held back is tried once more, never again


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the sender that is sealed and stored already (media.store_upload)."""

    message_id: UUID
    attachment_id: UUID
    kind: str
    mime: str
    name: str
    size: int
    storage_key: str
    media: OutboundMedia


def check(conversation: Conversation, text: str, files: Sequence[StoredFile], by: Actor) -> None:
    """Raises Refused."""
    if refused := policy.why_not(conversation, by):
        raise refused
    platform = provider(conversation.channel.provider)
    parts = _parts(text, files)
    for body, file in parts:
        reason = platform.refuse(OutboundMessage({}, "", body, file.media if file else None))
        if reason:
            raise Refused("not_accepted", reason, "Change the message and send it again.")


def _parts(text: str, files: Sequence[StoredFile]) -> list[tuple[str, StoredFile | None]]:
    """The messages that make up an answer: the text goes under the first file that can carry a caption."""
    if not files:
        return [(text, None)]
    parts: list[tuple[str, StoredFile | None]] = []
    rest = text.strip()
    for file in files:
        carries = rest and file.kind in ("image", "video", "document") and len(rest) <= 1024
        parts.append((rest if carries else "", file))
        rest = "" if carries else rest
    return [*parts, (rest, None)] if rest else parts


def send_reply(
    conversation: Conversation,
    text: str,
    by: Actor,
    *,
    files: Sequence[StoredFile] = (),
    reply_to: Message | None = None,
    nonce: UUID | None = None,
    send_at: datetime | None = None,
) -> list[Message]:
    """Queue an answer; gives its messages. Call it in the workspace's scope. Raises Refused; then nothing is written.

    `nonce` is the id of the first message: the same form sent twice is one answer. With `send_at` it waits until then
    (conversations.scheduled).
    """
    with transaction.atomic():
        conversation = (
            Conversation.objects.select_for_update(of=("self",)).select_related("channel").get(pk=conversation.pk)
        )
        if nonce and (earlier := list(Message.objects.filter(pk=nonce, conversation=conversation))):
            return earlier
        check(conversation, text, files, by)
        now = timezone.now()
        messages = []
        for number, (body, file) in enumerate(_parts(text, files)):
            identity = file.message_id if file else nonce if number == 0 and nonce else uuid7()
            message = draft(conversation, file.kind if file else "text", {"text": body} if body else {}, by)
            message.pk, message.provider_at = identity, now
            message.reply_to_hash = reply_to.external_hash if reply_to and number == 0 else None
            messages.append(message)
        queue(conversation, messages, by, files=files, send_at=send_at)
    return messages


def draft(conversation: Conversation, kind: str, content: Mapping[str, Any], by: Actor) -> Message:
    """An outbound message that is not stored yet."""
    return Message(
        channel=conversation.channel, conversation=conversation, contact_id=conversation.contact_id,
        direction=Message.Direction.OUTBOUND, type=kind, content=dict(content), status=Message.Status.QUEUED,
        instructed_by_kind=by.kind, instructed_by_id=by.id, provider_at=timezone.now(),
    )  # fmt: skip


def queue(
    conversation: Conversation, messages: Sequence[Message], by: Actor, *, files: Sequence[StoredFile] = (),
    send_at: datetime | None = None, action: str = "conversation.replied",
) -> None:  # fmt: skip
    """Store messages that were checked, and what sends them: at once, or at `send_at`. In the transaction of the check."""
    for message in messages:
        if send_at is not None:
            message.status, message.send_at, message.provider_at = Message.Status.SCHEDULED, send_at, send_at
    Message.objects.bulk_create(messages)
    store_files(conversation, messages, files)
    if send_at is not None:
        audit.record("message.scheduled", by, conversation.pk)
        live.publish(conversation.workspace_id, "conversation", {conversation.pk: conversation.channel_id})
        return
    release(conversation, messages)
    if action == "message.reacted":
        audit.record("message.reacted", by, conversation.pk)
    else:
        audit.record("conversation.replied", by, conversation.pk)


def release(conversation: Conversation, messages: Sequence[Message]) -> None:
    """Hand stored messages to the outbox, in their order."""
    Delivery.objects.bulk_create(
        Delivery(channel_id=each.channel_id, conversation_id=each.conversation_id, message=each) for each in messages
    )
    if any(each.type != Message.REACTION for each in messages):
        Conversation.objects.filter(pk=conversation.pk).update(
            last_message_at=Greatest(F("last_message_at"), timezone.now()), unread_count=0
        )
    live.publish(conversation.workspace_id, "message", {conversation.pk: conversation.channel_id})
    transaction.on_commit(lambda: wake("conversations.deliver"))


def store_files(conversation: Conversation, messages: Sequence[Message], files: Sequence[StoredFile]) -> None:
    """The rows of the files that belong to messages."""
    if not files:
        return
    owner = {each.pk: each for each in messages}
    Attachment.objects.bulk_create(
        Attachment(
            id=file.attachment_id, channel=conversation.channel, message=owner[file.message_id],
            contact_id=conversation.contact_id, kind=file.kind, state=Attachment.State.STORED,
            details={"mime": file.mime, "name": file.name}, storage_key=file.storage_key, size=file.size,
            provider_at=owner[file.message_id].provider_at,
        )
        for file in files
    )  # fmt: skip
    erasure.keep_files([file.storage_key for file in files])


def retry(message: Message, by: Actor) -> None:
    """A person decides that a failed or unclear message is sent again. Raises Refused."""
    with transaction.atomic():
        message = (
            Message.objects.select_for_update(of=("self",)).select_related("conversation__channel").get(pk=message.pk)
        )
        if message.sent_from or message.status not in (Message.Status.FAILED, Message.Status.UNKNOWN):
            raise Refused("not_failed", "This message does not need to be sent again.")
        if refused := policy.why_not(message.conversation, by, policy.outgoing(message)):
            raise refused
        tried = Delivery.objects.filter(message=message).count()
        if tried >= TRIES_OF_HELD_BACK and policy.held_back(message):
            raise policy.refused("too_often_twice")
        Delivery.objects.filter(message=message, state=Delivery.State.UNKNOWN).update(
            state=Delivery.State.FAILED, settled_at=timezone.now()
        )
        message.status, message.failed_at, message.error_code, message.error = (
            Message.Status.QUEUED,
            None,
            None,
            None,
        )
        message.external_id = message.external_hash = None
        message.save(update_fields=["status", "failed_at", "error_code", "error", "external_id", "external_hash"])
        Delivery.objects.create(channel_id=message.channel_id, conversation_id=message.conversation_id, message=message)
        audit.record("message.retried", by, message.pk)
        live.publish(message.workspace_id, "status", {message.conversation_id: message.channel_id})
        transaction.on_commit(lambda: wake("conversations.deliver"))
