"""Sending what is more than words: templates, choices, places, cards, reactions. Each is checked, then queued as an answer
is (replies.queue): one nonce, one message. Call these in the workspace's scope. They raise replies.Refused; then nothing is
written.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor
from channels_app.models import Channel, MessageTemplate
from channels_app.registry import provider
from channels_app.templates import form, keeping, words
from conversations import outgoing, policy, replies
from conversations.models import Conversation, Handle, Message
from conversations.replies import Refused, StoredFile
from omnistra.core.ids import uuid7
from omnistra.core.sealing import preload

REACTION_AGE = timedelta(days=30)  # providers/whatsapp.md 11


class ValuesMissing(Refused):
    """A template's values are missing or wrong: slot's key -> why."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("template_values", "The template is not filled in.", "Correct what is marked.")
        self.problems = problems


def usable(channel: Channel) -> Sequence[MessageTemplate]:
    """The templates that can be sent on a channel now, opened."""
    if not keeping.has_templates(channel):
        return []
    found = list(keeping.of_channel(channel).filter(status=words.USABLE).order_by("name", "language"))
    preload(found)
    return [each for each in found if not form.read(each.components).problem]


def find_template(channel: Channel, name: str, language: str) -> MessageTemplate:
    """A template by its name, whatever its status. Raises Refused."""
    found = keeping.of_channel(channel).filter(name=name, language=language).exclude(status__in=words.GONE).first()
    if found is None:
        raise Refused("template_unknown", "There is no such template in this language.", "GET /templates/ lists them.")
    preload([found])
    return found  # type: ignore[no-any-return]


def template_content(template: MessageTemplate, values: Mapping[str, str]) -> dict[str, Any]:
    """What a message made of it holds. Raises Refused."""
    if not template.is_usable:
        status, _tone = words.STATUSES.get(template.status, (template.status, ""))
        reason = words.MEANING.get(template.status, "")
        raise Refused("template_not_usable", f"This template is not approved now ({status}).", str(reason))
    read = form.read(template.components)
    if read.problem:
        raise Refused("template_not_usable", read.problem, "Choose another template.")
    try:
        filled = form.fill(read, values)
    except form.NotFilled as error:
        raise ValuesMissing(error.problems) from error
    return {
        "text": filled.body,
        "category": template.category,
        "template": {
            "id": str(template.pk), "name": template.name, "language": template.language,
            "components": list(filled.components), "header": filled.header, "footer": filled.footer,
            "buttons": list(filled.buttons),
        },
    }  # fmt: skip


def send_template(
    conversation: Conversation, template: MessageTemplate, values: Mapping[str, str], by: Actor, *,
    file: StoredFile | None = None, nonce: UUID | None = None, send_at: datetime | None = None,
) -> Message:  # fmt: skip
    """A message made from a template, in and outside of the reply window."""
    content = template_content(template, values)
    wanted = form.read(template.components).header_file
    if wanted and (file is None or file.kind != wanted):
        raise Refused("template_file", f"This template needs a file above its text ({wanted}).", "Attach one.")
    return _send(conversation, "template", content, by, nonce=nonce, send_at=send_at, file=file if wanted else None)


def send_choices(
    conversation: Conversation, text: str, choices: Mapping[str, Any], by: Actor, *,
    reply_to: Message | None = None, nonce: UUID | None = None, send_at: datetime | None = None,
) -> Message:  # fmt: skip
    """Words with buttons or a list to tap."""
    content = {"text": text, "choices": dict(choices)}
    return _send(conversation, "text", content, by, reply_to=reply_to, nonce=nonce, send_at=send_at)


def send_location(
    conversation: Conversation, place: Mapping[str, Any], by: Actor, *,
    reply_to: Message | None = None, nonce: UUID | None = None, send_at: datetime | None = None,
) -> Message:  # fmt: skip
    """A place on the map."""
    return _send(
        conversation, "location", {"location": dict(place)}, by, reply_to=reply_to, nonce=nonce, send_at=send_at
    )


def send_cards(
    conversation: Conversation, cards: Sequence[Mapping[str, Any]], by: Actor, *,
    reply_to: Message | None = None, nonce: UUID | None = None, send_at: datetime | None = None,
) -> Message:  # fmt: skip
    """Contact cards."""
    content = {"cards": [dict(each) for each in cards]}
    return _send(conversation, "contacts", content, by, reply_to=reply_to, nonce=nonce, send_at=send_at)


def react(target: Message, emoji: str, by: Actor, *, nonce: UUID | None = None) -> Message:
    """Put a mark on a message, another one, or ("") none any more."""
    if not target.can_be_marked:
        raise Refused("not_markable", "This message cannot be marked.", "It is not at the platform.")
    if timezone.now() - target.provider_at > REACTION_AGE:
        raise Refused("too_old", "A message older than 30 days takes no reaction any more.", "Answer it instead.")
    return _send(target.conversation, Message.REACTION, {"emoji": emoji}, by, reply_to=target, nonce=nonce)


def _send(
    conversation: Conversation, kind: str, content: Mapping[str, Any], by: Actor, *, reply_to: Message | None = None,
    nonce: UUID | None = None, send_at: datetime | None = None, file: StoredFile | None = None,
) -> Message:  # fmt: skip
    with transaction.atomic():
        held = Conversation.objects.select_for_update(of=("self",)).select_related("channel")
        conversation = held.get(pk=conversation.pk)
        if nonce and (earlier := Message.objects.filter(pk=nonce, conversation=conversation).first()):
            return earlier  # type: ignore[no-any-return]
        message = replies.draft(conversation, kind, content, by)
        message.pk = file.message_id if file else nonce or uuid7()
        message.reply_to_hash = reply_to.external_hash if reply_to else None
        check(conversation, message, file, reply_to)
        action = "message.reacted" if kind == Message.REACTION else "conversation.replied"
        queue = replies.queue
        queue(conversation, [message], by, files=[file] if file else (), send_at=send_at, action=action)
    return message


def check(
    conversation: Conversation, message: Message, file: StoredFile | None = None, reply_to: Message | None = None
) -> None:
    """May this go out, and would the platform take it? Raises Refused."""
    by = Actor(message.instructed_by_kind, message.instructed_by_id)
    if refused := policy.why_not(conversation, by, policy.outgoing(message)):
        raise refused
    handles = list(
        Handle.objects.filter(contact_id=conversation.contact_id, provider=conversation.channel.provider, ended_at=None)
    )
    preload([*handles, *([reply_to] if reply_to else [])])
    sent = outgoing.outbound(
        message.type, message.content or {}, handles={each.kind: each.value for each in handles},
        media=file.media if file else None, reply_to=(reply_to.external_id or "") if reply_to else "",
    )  # fmt: skip
    if reason := provider(conversation.channel.provider).refuse(sent):
        raise Refused("not_accepted", reason, "Change it and send it again.")
