"""Answers that wait for their time. Until then a message is `scheduled` and in no outbox; when it is due, whoever finds it
asks anew whether it may go out, and hands it to the outbox or says why not. The rows are the truth: no timer, no broker.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, transaction
from django.utils import timezone

from accounts import audit
from accounts.audit import SYSTEM, Actor
from channels_app.contract import OutboundMessage
from channels_app.models import MessageTemplate
from channels_app.registry import provider
from conversations import outgoing, policy, replies
from conversations.models import Attachment, Conversation, Message
from conversations.replies import Refused
from omnistra.core import live, reports
from omnistra.core.logs import frames, get_logger
from omnistra.core.sealing import preload
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import erasure

log = get_logger(__name__)
AT_LEAST, AT_MOST = timedelta(seconds=30), timedelta(days=90)  # from now
BATCH = 200


def check_time(send_at: datetime) -> None:
    """Raises Refused."""
    ahead = send_at - timezone.now()
    if ahead < AT_LEAST:
        raise Refused("time_past", "This time has passed.", "Choose a later one, or send it now.")
    if ahead > AT_MOST:
        raise Refused("time_too_far", "A message can wait 90 days at most.", "Choose an earlier time.")


def waiting(conversation: Conversation) -> Sequence[Message]:
    """What is scheduled in a conversation, the next first."""
    rows = Message.objects.filter(conversation=conversation, status=Message.Status.SCHEDULED)
    return list(rows.order_by("send_at", "id"))


def _held(message_id: UUID) -> Message:
    """The message, locked, while it still waits. Raises Refused."""
    found: Message | None = (
        Message.objects.select_for_update(of=("self",))
        .select_related("conversation__channel")
        .filter(pk=message_id, status=Message.Status.SCHEDULED)
        .first()
    )
    if found is None:
        raise Refused(
            "not_scheduled", "This message does not wait any more.", "Look at the thread: it may be on its way."
        )
    return found


def change(message_id: UUID, by: Actor, *, send_at: datetime | None = None, text: str | None = None) -> Message:
    """Another time, or other words. Raises Refused; then nothing is changed."""
    with transaction.atomic():
        message = _held(message_id)
        changed: list[str] = []
        if send_at is not None and send_at != message.send_at:
            check_time(send_at)
            message.send_at = message.provider_at = send_at
            changed.append("send_at")
        preload([message])
        if text is not None and text != message.text:
            if message.type == "template":
                raise Refused("not_editable", "The words of a template stay.", "Cancel it and schedule another one.")
            message.content = {**(message.content or {}), "text": text}
            if reason := _reason(message):
                raise Refused("not_accepted", reason, "Change it and save again.")
            changed.append("content")
        if changed:
            message.save(update_fields=["send_at", "provider_at", "content"])
            audit.record("message.schedule_changed", by, message.conversation_id, changed)
            _tell(message)
    return message


def _reason(message: Message) -> str:
    """Why the platform would not take the words; a file was checked when it came."""
    platform = provider(message.channel.provider)
    if Attachment.objects.filter(message=message).exists():
        if not message.text:
            return ""
        return platform.refuse(OutboundMessage({}, "", message.text))
    return platform.refuse(outgoing.outbound(message.type, message.content or {}, handles={}))


def cancel(message_id: UUID, by: Actor) -> Message:
    """It is never sent: the message goes, with its files. Raises Refused."""
    with transaction.atomic():
        message = _held(message_id)
        files = Attachment.objects.filter(message=message)
        erasure.forget_files(list(files.values_list("storage_key", flat=True)))
        files.delete()
        Message.objects.filter(pk=message.pk).delete()
        audit.record("message.schedule_cancelled", by, message.conversation_id)
        _tell(message)
    return message


def _tell(message: Message) -> None:
    live.publish(message.workspace_id, "conversation", {message.conversation_id: message.channel_id})


def release_due() -> int:
    """Hand over what is due, in order; gives how many. Several may run at once: each row is taken by one of them."""
    with transaction.atomic(), system_scope("conversations.release_scheduled"):
        due = Message.objects.filter(
            status=Message.Status.SCHEDULED,
            send_at__lte=timezone.now(),
            workspace__suspended_at__isnull=True,
            workspace__closing_at__isnull=True,
        )
        found = list(due.order_by("send_at", "id").values_list("workspace_id", "pk")[:BATCH])
    released = 0
    for workspace_id, message_id in found:
        try:
            with workspace_scope(workspace_id), transaction.atomic():
                released += _release(message_id)
        except OperationalError:
            raise
        except Exception as error:  # the others go out; this one is tried again by the next run
            log.error("scheduled.not_released", message=message_id, trace=frames(error))
            reports.capture(error)
    return released


def _release(message_id: UUID) -> int:
    message: Message | None = (
        Message.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("conversation__channel")
        .filter(pk=message_id, status=Message.Status.SCHEDULED, send_at__lte=timezone.now())
        .first()
    )
    if message is None:  # another worker has it, or somebody changed it
        return 0
    preload([message])
    message.provider_at = timezone.now()
    by = Actor(message.instructed_by_kind, message.instructed_by_id)
    refused = policy.why_not(message.conversation, by, policy.outgoing(message)) or _template_gone(message)
    if refused:
        message.status, message.failed_at = Message.Status.FAILED, timezone.now()
        message.error = {"title": refused.reason, "detail": "", "next": refused.next_step}
    else:
        message.status = Message.Status.QUEUED
    message.save(update_fields=["status", "provider_at", "failed_at", "error"])
    audit.record("message.came_due", SYSTEM, message.conversation_id)
    if refused:
        _tell(message)
    else:
        replies.release(message.conversation, [message])
    return 1


def _template_gone(message: Message) -> Refused | None:
    """A template may have been paused or rejected meanwhile."""
    if message.type != "template":
        return None
    content: dict[str, Any] = message.content or {}
    row = MessageTemplate.objects.filter(pk=content["template"].get("id")).first()
    if row is not None and row.is_usable:
        return None
    return Refused(
        "template_not_usable", "The template is no longer approved.", "Choose another one and send it again."
    )
