"""A message as the API shows it: read set-wise, so that a page costs the same number of queries at any size."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from conversations.models import Attachment, Message, Reaction
from omnistra.core.keyring import KeyMissing
from omnistra.core.sealing import preload


class AttachmentOut(serializers.Serializer[Any]):
    """A file of a message."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(choices=Attachment.State.choices)
    name = serializers.CharField(allow_blank=True)
    mime = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField(allow_null=True, help_text="Bytes.")


class ErrorOut(serializers.Serializer[Any]):
    """Why a message failed."""

    code = serializers.IntegerField(allow_null=True)
    title = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)


class ReactionOut(serializers.Serializer[Any]):
    """A mark on a message."""

    emoji = serializers.CharField()
    contact = serializers.UUIDField(allow_null=True, help_text="Null: ours.")
    at = serializers.DateTimeField()


class AuthorOut(serializers.Serializer[Any]):
    """Who instructed an outbound message."""

    kind = serializers.CharField()
    id = serializers.UUIDField(allow_null=True)


class TemplateUsed(serializers.Serializer[Any]):
    """The template that a message was made from."""

    name = serializers.CharField()
    language = serializers.CharField()
    category = serializers.CharField()


class MessageOut(serializers.Serializer[Any]):
    """A message."""

    id = serializers.UUIDField()
    conversation = serializers.UUIDField()
    contact = serializers.UUIDField()
    channel = serializers.UUIDField()
    direction = serializers.ChoiceField(choices=Message.Direction.choices)
    type = serializers.CharField()
    text = serializers.CharField(allow_blank=True)
    content = serializers.DictField(
        help_text="What there is beside the text: location, cards, order, fields, link, story, choice, referral, "
        "forwarded, kind (of what is unsupported), warning, event (of a system line)."
    )
    attachments = AttachmentOut(many=True)
    status = serializers.ChoiceField(choices=Message.Status.choices)
    error = ErrorOut(allow_null=True)
    reply_to = serializers.UUIDField(allow_null=True)
    reactions = ReactionOut(many=True)
    author = AuthorOut(allow_null=True, help_text="Null for what people wrote, and for what was sent elsewhere.")
    sent_from = serializers.ChoiceField(
        choices=Message.SentFrom.choices, allow_blank=True, help_text="Where it was sent from; empty for here."
    )
    edited_at = serializers.DateTimeField(allow_null=True)
    unsent_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was taken back: nothing of it is kept, and it is not to be shown."
    )
    price = serializers.DictField(
        allow_null=True, help_text="What the platform told: category, kind, is_billable. Null is unknown, not free."
    )
    choices = serializers.JSONField(allow_null=True, help_text="What could be tapped, as it was sent.")
    template = TemplateUsed(allow_null=True)
    send_at = serializers.DateTimeField(allow_null=True, help_text="When a scheduled message is to go out.")
    created_at = serializers.DateTimeField()
    provider_at = serializers.DateTimeField()


def _opened(row: Any, name: str) -> Any:
    """A sealed value, or None when its key is gone."""
    try:
        return getattr(row, name)
    except KeyMissing:
        return None


def represent(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages of one page. Four queries and one look for keys, whatever their number."""
    files: dict[Any, list[Attachment]] = defaultdict(list)
    marks: dict[tuple[Any, bytes], list[Reaction]] = defaultdict(list)
    for file in Attachment.objects.filter(message_id__in=[each.pk for each in messages]).order_by("id"):
        files[file.message_id].append(file)
    channels = {each.channel_id for each in messages}
    hashes = [bytes(each.external_hash) for each in messages if each.external_hash]
    for mark in Reaction.objects.filter(channel_id__in=channels, target_hash__in=hashes).order_by("provider_at"):
        marks[mark.channel_id, bytes(mark.target_hash)].append(mark)
    ours = Message.objects.filter(
        channel_id__in=channels, conversation_id__in={each.conversation_id for each in messages},
        type=Message.REACTION, reply_to_hash__in=hashes,
    )  # fmt: skip
    newest = {(each.channel_id, bytes(each.reply_to_hash)): each for each in ours.order_by("created_at", "id")}
    quoted = {
        (channel, bytes(hashed)): identity
        for identity, channel, hashed in Message.objects.filter(
            channel_id__in=channels,
            external_hash__in=[bytes(each.reply_to_hash) for each in messages if each.reply_to_hash],
        ).values_list("id", "channel_id", "external_hash")
    }
    preload(
        [
            *messages,
            *newest.values(),
            *(file for each in files.values() for file in each),
            *(m for each in marks.values() for m in each),
        ]
    )
    return [
        _shown(
            each,
            files[each.pk],
            marks.get((each.channel_id, bytes(each.external_hash or b"")), []),
            newest.get((each.channel_id, bytes(each.external_hash or b""))),
            quoted.get((each.channel_id, bytes(each.reply_to_hash or b""))),
        )
        for each in messages
    ]


def _shown(
    message: Message, files: list[Attachment], marks: list[Reaction], our_mark: Message | None, reply_to: Any
) -> dict[str, Any]:
    content, error = _opened(message, "content") or {}, _opened(message, "error") or {}
    failed = message.error_code is not None or bool(error)
    return {
        "id": message.pk,
        "conversation": message.conversation_id,
        "contact": message.contact_id,
        "channel": message.channel_id,
        "direction": message.direction,
        "type": message.type,
        "text": str(content.get("text", "")),
        "content": {name: value for name, value in content.items() if name != "text"},
        "attachments": [_file(file) for file in files],
        "status": message.status,
        "error": {
            "code": message.error_code,
            "title": str(error.get("title", "")),
            "detail": str(error.get("detail", "")),
        }
        if failed
        else None,
        "reply_to": reply_to,
        "reactions": [
            {"emoji": emoji, "contact": mark.contact_id, "at": mark.provider_at}
            for mark in marks
            if (emoji := _opened(mark, "emoji"))
        ]
        + _ours(our_mark),
        "author": {"kind": message.instructed_by_kind, "id": message.instructed_by_id}
        if message.instructed_by_kind
        else None,
        "sent_from": message.sent_from,
        "edited_at": message.edited_at,
        "unsent_at": message.unsent_at,
        "price": message.price,
        "choices": content.get("choices"),
        "template": _template(content),
        "send_at": message.send_at if message.status == Message.Status.SCHEDULED else None,
        "created_at": message.created_at,
        "provider_at": message.provider_at,
    }


def _template(content: dict[str, Any]) -> dict[str, str] | None:
    kept = content.get("template")
    if not kept:
        return None
    return {"name": kept["name"], "language": kept["language"], "category": str(content.get("category", ""))}


def _ours(mark: Message | None) -> list[dict[str, Any]]:
    if mark is None or mark.status in (Message.Status.FAILED, Message.Status.UNKNOWN):
        return []
    emoji = str((_opened(mark, "content") or {}).get("emoji", ""))
    return [{"emoji": emoji, "contact": None, "at": mark.provider_at}] if emoji else []


def _file(file: Attachment) -> dict[str, Any]:
    details = _opened(file, "details") or {}
    return {
        "id": file.pk,
        "kind": file.kind,
        "state": file.state,
        "name": str(details.get("name", "")),
        "mime": str(details.get("mime", "")),
        "size": file.size,
    }
