"""A conversation as the thread and the contact panel show it: read set-wise, opened with one look for keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import log
from accounts.models import AuditEntry, Membership
from channels_app.contract import OutboundMessage
from channels_app.models import Channel
from channels_app.registry import provider
from conversations import blocking, contents, listing, masking, naming, ours, policy
from conversations.models import Attachment, Conversation, Handle, Message, Reaction
from conversations.opt_ins import shown as opt_ins_shown
from conversations.reply_window import reply_window
from omnistra.core.ids import uuid7
from omnistra.core.keyring import KeyMissing
from omnistra.core.sealing import preload
from privacy import retention

EMOJI = ("👍", "❤️", "😂", "🎉", "🙏", "✅")  # offered at once; the API takes any
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


@dataclass(slots=True)
class Thread:
    """The thread pane."""

    id: UUID
    url: str
    name: str
    initials: str
    hue: int
    provider: str
    channel_name: str
    handle: str
    status: str
    unread: int
    window_state: str
    window_closes_at: datetime | None
    kept_until: datetime | None
    older_url: str | None
    newer_url: str | None
    days: list[Day]
    can_reply: bool
    reply_blocked_reason: str
    reply_blocked_next: str
    reply_blocked_code: str
    reply_notice: str  # what whoever answers should know
    confirm_url: str
    reply_nonce: UUID
    reply_url: str
    close_url: str
    reopen_url: str
    assign_url: str
    read_url: str
    reveal_url: str
    retention_url: str
    assignees: list[dict[str, Any]]
    assignee_name: str | None
    assignee_initials: str
    assigned_to_me: bool
    my_assignee_id: UUID
    quoting: dict[str, Any] | None = None
    composer_error: str = ""
    composer_text: str = ""
    held: bool = False
    is_in_doubt: bool = False  # another number or device: a person has to make sure who it is
    mode: str = "reply"  # what the composer shows: reply, template, choices
    template_url: str = ""
    choices_url: str = ""
    typing_url: str = ""
    time_zone: str = ""
    emoji: tuple[str, ...] = ()
    scheduled: list[dict[str, Any]] = field(default_factory=list)


def load(
    conversation: Conversation, member: Membership, query: str = "", before: str = "", quote: str = "",
    revealed: dict[UUID, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """`thread` and `contact` for the templates: the newest messages, or those before a cursor. Handles are masked but
    for those in `revealed` (masking.reveal). Sixteen queries at most, whatever the size."""
    slug = member.workspace.slug
    settings = retention.current()
    handles = list(Handle.objects.filter(contact_id=conversation.contact_id).order_by("created_at"))
    members = list(Membership.ever.select_related("user").order_by("user__name"))  # who has gone is still an author
    preload([conversation.contact, *handles])
    name = naming.shown_name(conversation.contact, handles)
    bubbles, older = _bubbles(conversation, slug, name, {each.pk: each.user.name for each in members}, before)
    if conversation.unread_count and not before:
        inbound = [bubble for bubble in bubbles if bubble.side == "in"]
        if inbound:
            inbound[-min(conversation.unread_count, len(inbound))].first_unread = True
    facts = policy.look_up([conversation])[conversation.pk]
    thread = _thread(conversation, member, members, handles, name, settings, query, facts)
    thread.days = _days(bubbles)
    thread.scheduled = ours.waiting(conversation, slug)
    thread.older_url = _with(thread.url, f"before={older}") if older else None
    thread.newer_url = thread.url if before else None
    quoted = next((bubble for bubble in bubbles if str(bubble.id) == quote), None)
    if quoted:
        thread.quoting = {"id": quoted.id, "author": quoted.author, "text": quoted.text or quoted.type}
    return {
        "thread": thread,
        "contact": _contact(conversation, thread, handles, member, members, revealed or {}, facts),
    }


def _with(url: str, more: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{more}"


def _thread(
    conversation: Conversation, member: Membership, members: Sequence[Membership], handles: Sequence[Handle],
    name: str, settings: retention.Settings, query: str, facts: policy.Facts,
) -> Thread:  # fmt: skip
    slug = member.workspace.slug

    def address(verb: str) -> str:
        path = reverse(f"conversations:{verb}", args=[slug, conversation.pk])
        return f"{path}?{query}" if query else path

    window = reply_window(conversation)
    verdict = policy.decide(facts)
    refused = verdict.refused
    assignee = next((each for each in members if each.pk == conversation.assignee_id), None)
    return Thread(
        id=conversation.pk,
        url=address("detail"),
        name=name,
        initials=naming.initials(name),
        hue=naming.hue(conversation.contact_id),
        provider=conversation.channel.provider,
        channel_name=conversation.channel.name,
        handle=_number(handles),
        status=conversation.status,
        unread=conversation.unread_count,
        window_state="closing" if verdict.tag else window.state,
        window_closes_at=window.human_until if verdict.tag else window.closes_at,
        kept_until=settings.kept_until(conversation.channel_id, conversation.last_message_at),
        older_url=None,
        newer_url=None,
        days=[],
        can_reply=refused is None,
        reply_blocked_reason=refused.reason if refused else "",
        reply_blocked_next=refused.next_step if refused else "",
        reply_blocked_code=refused.code if refused else "",
        reply_notice=verdict.notice,
        confirm_url=address("confirm"),
        reply_nonce=uuid7(),
        reply_url=address("reply"),
        close_url=address("close"),
        reopen_url=address("reopen"),
        assign_url=address("assign"),
        read_url=address("read"),
        reveal_url=address("reveal"),
        retention_url=reverse("privacy:retention", args=[slug]),
        assignees=[
            {
                "id": each.pk,
                "name": each.user.name,
                "initials": each.initials,
                "hue": naming.hue(each.pk),
                "selected": each.pk == conversation.assignee_id,
            }
            for each in members
            if each.sees(conversation.channel_id)
        ],
        assignee_name=assignee.user.name if assignee else None,
        assignee_initials=assignee.initials if assignee else "",
        assigned_to_me=conversation.assignee_id == member.pk,
        my_assignee_id=member.pk,
        is_in_doubt=conversation.contact.identity_changed_at is not None,
        template_url=address("template") if _may_start(facts) else "",
        choices_url=address("choices"),
        typing_url=address("typing"),
        time_zone=timezone.get_current_timezone_name(),
        emoji=_offered(conversation.channel.provider),
    )


def _may_start(facts: policy.Facts) -> bool:
    """Whether a template may go out, or what it lacks can be given here."""
    refused = policy.decide(facts, None, policy.Outgoing(is_template=True, category="utility")).refused
    return refused is None or refused.code in ("needs_opt_in", "attestation_missing")


def _offered(slug: str) -> tuple[str, ...]:
    """The marks that the platform takes."""
    platform = provider(slug)
    return tuple(
        emoji for emoji in EMOJI if not platform.refuse(OutboundMessage({}, "", reply_to="any", reaction=emoji))
    )


def _number(handles: Sequence[Handle]) -> str:
    try:
        return next(
            (masking.handle(each.kind, each.value) for each in handles if each.kind == "wa_id" and not each.ended_at),
            "",
        )
    except KeyMissing:
        return ""


def _bubbles(
    conversation: Conversation, slug: str, name: str, authors: dict[UUID, str], before: str
) -> tuple[list[Bubble], str]:
    """Messages in order, the oldest first, and the cursor of the older ones."""
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
        if (
            message.external_hash
            and not message.unsent_at
            and (ours_of_it := our_marks.get(bytes(message.external_hash)))
        ):
            bubble.reactions += ours.mark(ours_of_it)
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


def _days(bubbles: Sequence[Bubble]) -> list[Day]:
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


def shown_handle(handle: Handle, revealed: dict[UUID, str]) -> dict[str, Any]:
    """A handle as the contact panel shows it; `whole` is what copying it gives. Raises KeyMissing."""
    whole = revealed.get(handle.pk, "")
    return {
        "id": handle.pk,
        "label": _("{kind}, formerly").format(kind=handle.get_kind_display())
        if handle.ended_at
        else handle.get_kind_display(),
        "masked": masking.handle(handle.kind, handle.value),
        "whole": whole,
        "spoken": masking.phone(whole) if handle.kind == Handle.Kind.WA_ID else whole,
    }


def _opened_by(conversation: Conversation, member: Membership, members: Sequence[Membership]) -> list[dict[str, Any]]:
    """Who has read it lately, from the audit log."""
    known = {each.pk: each for each in members}
    shown = []
    for entry in log.readers(conversation.pk):
        reader = known.get(entry.actor_id) if entry.actor_id else None
        if reader is not None:
            name = _("You") if reader.pk == member.pk else reader.user.name
        else:
            name = _("An operator") if entry.actor_kind == AuditEntry.Actor.OPERATOR else _("A former member")
        shown.append({"name": name, "initials": reader.initials if reader else "", "at": entry.at})
    return shown


def _contact(
    conversation: Conversation, thread: Thread, handles: Sequence[Handle], member: Membership,
    members: Sequence[Membership], revealed: dict[UUID, str], facts: policy.Facts,
) -> dict[str, Any]:  # fmt: skip
    slug = member.workspace.slug
    others = Conversation.objects.filter(contact_id=conversation.contact_id).exclude(pk=conversation.pk)
    readable = []
    for handle in handles:
        try:
            readable.append(shown_handle(handle, revealed))
        except KeyMissing:
            continue
    channel: Channel = conversation.channel
    return {
        "name": thread.name,
        "initials": thread.initials,
        "hue": thread.hue,
        "provider": channel.provider,
        "status": conversation.status,
        "handles": readable,
        "reveal_url": thread.reveal_url,
        "first_seen": conversation.contact.created_at,
        "channel_name": channel.name,
        "kept_until": thread.kept_until,
        "retention_url": thread.retention_url,
        "window_state": thread.window_state,
        "opt_ins": opt_ins_shown.panel(conversation, facts.standing),
        "record_opt_in_url": reverse("conversations:record_opt_in", args=[slug, conversation.pk]),
        "withdraw_opt_in_url": reverse("conversations:withdraw_opt_in", args=[slug, conversation.pk]),
        "blocked_at": conversation.blocked_at,
        "can_block": blocking.can_block(channel),
        "block_url": reverse("conversations:block", args=[slug, conversation.pk]),
        "unblock_url": reverse("conversations:unblock", args=[slug, conversation.pk]),
        "opened_by": _opened_by(conversation, member, members),
        "conversations": [
            {
                "url": reverse("conversations:detail", args=[slug, other.pk]),
                "label": other.channel.name,
                "channel_name": other.channel.name,
                "provider": other.channel.provider,
                "time": other.last_message_at,
                "status": other.status,
            }
            for other in others.select_related("channel").defer("channel__credentials")[:10]
        ],
    }
