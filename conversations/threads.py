"""A conversation as the thread and the contact panel show it: read set-wise, opened with one look for keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import log
from accounts.models import AuditEntry, Membership
from channels_app.contract import OutboundMessage
from channels_app.models import Channel
from channels_app.registry import provider
from conversations import blocking, masking, naming, ours, policy
from conversations import bubbles as bubbling
from conversations.models import Conversation, Handle
from conversations.opt_ins import shown as opt_ins_shown
from conversations.reply_window import reply_window
from omnistra.core.ids import uuid7
from omnistra.core.keyring import KeyMissing
from omnistra.core.sealing import preload
from privacy import retention

EMOJI = ("👍", "❤️", "😂", "🎉", "🙏", "✅")  # offered at once; the API takes any


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
    days: list[bubbling.Day]
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
    bubbles, older = bubbling.load(conversation, slug, name, {each.pk: each.user.name for each in members}, before)
    if conversation.unread_count and not before:
        inbound = [bubble for bubble in bubbles if bubble.side == "in"]
        if inbound:
            inbound[-min(conversation.unread_count, len(inbound))].first_unread = True
    facts = policy.look_up([conversation])[conversation.pk]
    thread = _thread(conversation, member, members, handles, name, settings, query, facts)
    thread.days = bubbling.by_day(bubbles)
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
