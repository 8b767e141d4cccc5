"""The messages of a thread as bubbles: grouped by day and author, each with its files, marks, quote and trouble."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app.registry import provider
from conversations import contents, listing, naming, ours
from conversations.models import Attachment, Conversation, Message, Reaction
from omnistra.core.keyring import KeyMissing
from omnistra.core.sealing import preload

PAGE = 50  # messages
GROUP = timedelta(minutes=5)  # consecutive messages of one author within it stand together


@dataclass(slots=True)
class File:
    """A file in a bubble."""

    id: UUID
    url: str
    retry_url: str
    state: str
    kind: str
    name: str
    mime: str
    size_label: str
    note: str
    duration_label: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(slots=True)
class Bubble:
    """One message."""

    id: UUID
    side: str
    type: str
    text: str
    at: datetime
    status: str
    status_label: str
    author: str
    error: dict[str, str] | None = None
    reply_to: dict[str, Any] | None = None
    attachments: list[File] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)  # contents.shown
    reactions: list[dict[str, Any]] = field(default_factory=list)
    voice: bool = False
    is_edited: bool = False
    unsent: str = ""  # what stands where the message was
    first_unread: bool = False
    header: str = ""
    footer: str = ""
    choices: list[str] = field(default_factory=list)
    react_url: str = ""


@dataclass(slots=True)
class Group:
    """Consecutive messages of one author."""

    side: str
    author: str
    bubbles: list[Bubble]


@dataclass(slots=True)
class Day:
    """A day of the thread."""

    date: date
    groups: list[Group]


def load(
    conversation: Conversation, slug: str, name: str, authors: dict[UUID, str], before: str
) -> tuple[list[Bubble], str]:
    """Messages in order, the oldest first, and the cursor of the older ones. `before` is such a cursor."""
    messages = Message.said().filter(conversation_id=conversation.pk)
    if before and (place := listing.read_cursor(before)):
        at, identity = place
        messages = messages.filter(Q(provider_at__lt=at) | Q(provider_at=at, id__lt=identity))
    page = list(messages.order_by("-provider_at", "-id")[: PAGE + 1])
    more, page = len(page) > PAGE, page[:PAGE][::-1]
    quoted = {bytes(each.external_hash): each for each in page if each.external_hash}
    missing = {bytes(each.reply_to_hash) for each in page if each.reply_to_hash} - set(quoted)
    if missing:
        elsewhere = Message.objects.filter(conversation_id=conversation.pk, external_hash__in=missing)
        quoted.update({bytes(each.external_hash): each for each in elsewhere})
    marks = list(Reaction.objects.filter(conversation_id=conversation.pk, emoji__isnull=False))
    sent = Message.objects.filter(conversation_id=conversation.pk, type=Message.REACTION).order_by("created_at", "id")
    our_marks = {bytes(each.reply_to_hash): each for each in sent if each.reply_to_hash}  # the newest holds
    files = list(Attachment.objects.filter(message_id__in=[each.pk for each in page]).order_by("id"))
    preload([*page, *quoted.values(), *marks, *our_marks.values(), *files])
    reactions: dict[bytes, list[Reaction]] = {}
    for mark in marks:
        reactions.setdefault(bytes(mark.target_hash), []).append(mark)
    by_message: dict[UUID, list[Attachment]] = {}
    for file in files:
        by_message.setdefault(file.message_id, []).append(file)
    platform = provider(conversation.channel.provider).label
    bubbles = []
    for message in page:
        bubble = _bubble(message, slug, name, platform, authors, quoted, reactions, by_message.get(message.pk, []))
        target = bytes(message.external_hash) if message.external_hash and not message.unsent_at else b""
        if target in our_marks:
            bubble.reactions += ours.mark(our_marks[target])
        bubbles.append(bubble)
    return bubbles, listing.cursor(page[0].provider_at, page[0].pk) if more else ""


def _bubble(
    message: Message, slug: str, name: str, platform: str, authors: dict[UUID, str], quoted: dict[bytes, Message],
    reactions: dict[bytes, list[Reaction]], files: Sequence[Attachment],
) -> Bubble:  # fmt: skip
    is_ours = message.direction == Message.Direction.OUTBOUND
    content: dict[str, Any]
    error: dict[str, str] | None
    try:
        content, error = message.content or {}, message.error
        text = naming.event_words(message) or str(content.get("text", ""))
        shown = [_file(each, slug) for each in files]
        voice = any(each.detail("voice") for each in files)
    except KeyMissing:
        text, content, error, shown, voice = "This message was erased.", {}, None, [], False
    template = content.get("template") or {}
    formed = template or content.get("choices") or {}
    return Bubble(
        id=message.pk,
        side="out" if is_ours else "in",
        type=message.type,
        text=text,
        at=message.provider_at,
        status="queued" if message.status == "sending" else message.status,
        status_label=_("Listened to") if message.played_at else naming.STATUS_WORDS.get(message.status, ""),
        author=_author(message, authors) if is_ours else name,
        error=_error(message, error, slug),
        reply_to=_quote(message, quoted, name),
        attachments=shown,
        more=contents.shown(message, content, platform),
        reactions=_marks(reactions.get(bytes(message.external_hash), [])) if message.external_hash else [],
        voice=voice,
        is_edited=message.edited_at is not None,
        unsent=naming.unsent_words(message) if message.unsent_at else "",
        header=str(formed.get("header", "")),
        footer=str(formed.get("footer", "")),
        choices=[str(each) for each in template.get("buttons") or ()]
        or ours.choice_titles(content.get("choices") or {}),
        react_url=reverse("conversations:react", args=[slug, message.pk])
        if message.external_hash and not message.unsent_at
        else "",
    )


def _author(message: Message, authors: dict[UUID, str]) -> str:
    if message.sent_from:
        return str(naming.SENT_FROM_WORDS[message.sent_from])
    return authors.get(message.instructed_by_id) or "API"


def _error(message: Message, stored: dict[str, str] | None, slug: str) -> dict[str, str] | None:
    if message.status not in ("failed", "unknown"):
        return None
    words = stored or {}
    return {
        "kind": message.status,
        "title": words.get("title") or naming.STATUS_WORDS[message.status],
        "detail": words.get("next") or words.get("detail", ""),
        "next_label": "Send again",
        "retry_url": "" if message.sent_from else reverse("conversations:retry", args=[slug, message.pk]),
        "dismiss_url": "",
    }


def _quote(message: Message, quoted: dict[bytes, Message], name: str) -> dict[str, Any] | None:
    if not message.reply_to_hash:
        return None
    original = quoted.get(bytes(message.reply_to_hash))
    if original is None:
        return {"author": "", "text": "Quoted message not available", "missing": True, "anchor": "", "media": None}
    return {
        "author": "You" if original.direction == Message.Direction.OUTBOUND else name,
        "text": naming.preview(original),
        "missing": False,
        "anchor": f"message-{original.pk}",
        "media": original.type if original.type in naming.ICONS and not original.unsent_at else None,
    }


def _marks(marks: Sequence[Reaction]) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    for mark in marks:
        try:
            counts[str(mark.emoji)] = counts.get(str(mark.emoji), 0) + 1
        except KeyMissing:
            continue
    return [{"emoji": emoji, "count": count, "ours": False, "label": emoji} for emoji, count in counts.items()]


def _file(attachment: Attachment, slug: str) -> File:
    return File(
        id=attachment.pk,
        url=reverse("conversations:attachment", args=[slug, attachment.pk]),
        retry_url=reverse("conversations:fetch_again", args=[slug, attachment.pk]),
        state=attachment.state,
        kind=attachment.kind,
        name=attachment.detail("name") or naming.KIND_WORDS.get(attachment.kind, "File"),
        mime=attachment.detail("mime"),
        size_label=naming.size_label(attachment.size),
        note=attachment.detail("note"),
    )


def by_day(bubbles: Sequence[Bubble]) -> list[Day]:
    """Bubbles in their groups and days."""
    days: list[Day] = []
    last: Bubble | None = None
    for bubble in bubbles:
        on = timezone.localtime(bubble.at).date()
        if not days or days[-1].date != on:
            days.append(Day(on, []))
            last = None
        groups = days[-1].groups
        together = last is not None and (last.side, last.author) == (bubble.side, bubble.author)
        if together and last is not None and bubble.at - last.at < GROUP:
            groups[-1].bubbles.append(bubble)
        else:
            groups.append(Group(bubble.side, bubble.author, [bubble]))
        last = bubble
    return days
