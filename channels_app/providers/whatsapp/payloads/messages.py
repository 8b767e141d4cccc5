"""Elements of `messages`: what people write, mark, change, take back, and what WhatsApp says of them (6)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from channels_app.contract import (
    MEDIA_TYPES,
    Arrival,
    Edit,
    InboundMessage,
    Person,
    PersonChange,
    Problem,
    Reaction,
    Unsent,
)
from channels_app.providers.meta.reading import MAX_TEXT, as_dict, as_text, moment
from channels_app.providers.whatsapp.payloads import contents
from channels_app.providers.whatsapp.payloads.change import Change, Found
from channels_app.providers.whatsapp.payloads.people import handles_of

MAX_ID = 600
_UNKNOWN_TO_US = 131051  # "type not supported": says no more than the bubble does


def read(change: Change, message: Mapping[str, Any]) -> Found:
    """One element."""
    if message.get("group_id"):  # no part of anybody's private thread
        return Problem("group_message")
    kind = message.get("type")
    kind = kind if type(kind) is str else ""
    at = moment(message.get("timestamp"))
    if kind == "revoke":
        return unsent(change, message, at)
    if kind == "system":
        return None if change.is_history else _person_change(change, message, at)
    person = change.people.of(message.get("from"), message.get("from_user_id"))
    if not person.handles:
        return Problem("message_without_sender")
    if (event := _EVENTS.get(kind)) is not None:
        return event(change, message, person, at)
    external_id = as_text(message.get("id"), MAX_ID)
    if not external_id:
        return Problem("message_without_id")
    kept, content, files = contents.read(kind, message)
    reply_to = ""
    if "context" in message:
        reply_to = add_context(content, as_dict(message["context"]))
    if "referral" in message and (led_by := contents.referral(message["referral"])):
        content["referral"] = led_by
    if "errors" in message:
        _warn(content, message)
    return InboundMessage(
        change.channel, change.account, external_id, person, kept, at, content, files, reply_to,
        change.is_history, change.is_standby, not change.is_history,
    )  # fmt: skip


def add_context(content: dict[str, Any], context: Mapping[str, Any]) -> str:
    """Note what the context says of a message; gives the id of the quoted one."""
    if context.get("forwarded") is True or context.get("frequently_forwarded") is True:
        content["forwarded"] = True
    if product := as_text(as_dict(context.get("referred_product")).get("product_retailer_id"), 200):
        content["referral"] = {"kind": "product", "id": product}
    return as_text(context.get("id"), MAX_ID)


def _warn(content: dict[str, Any], message: Mapping[str, Any]) -> None:
    error = contents.first_error(message)
    if contents.code_of(error) != _UNKNOWN_TO_US and (words := contents.words_of(error)):
        content["warning"] = words


def unsent(change: Change, message: Mapping[str, Any], at: datetime | None) -> Found:
    """Who sent it took it back."""
    target = as_text(as_dict(message.get("revoke")).get("original_message_id"), MAX_ID)
    return Unsent(change.channel, change.account, target, at) if target else Problem("revoke_without_target")


def edit(change: Change, message: Mapping[str, Any], person: Person, at: datetime | None) -> Found:
    """Another text, or another caption under a file."""
    part = as_dict(message.get("edit"))
    target = as_text(part.get("original_message_id"), MAX_ID)
    if not target:
        return Problem("edit_without_target")
    new = as_dict(part.get("message"))
    kind = as_text(new.get("type"), 40) or "text"
    held = as_dict(new.get(kind))
    words = held.get("body") if kind == "text" else held.get("caption", "")
    if kind not in ("text", *MEDIA_TYPES) or not isinstance(words, str):
        return Problem("edit_without_text")
    return Edit(change.channel, change.account, target, person, as_text(words, MAX_TEXT), at)


def _reaction(change: Change, message: Mapping[str, Any], person: Person, at: datetime | None) -> Found:
    """An absent emoji takes the mark back, as an empty one does."""
    part = as_dict(message.get("reaction"))
    target = as_text(part.get("message_id"), MAX_ID)
    if not target:
        return Problem("reaction_without_target")
    emoji = as_text(part.get("emoji"), 40)
    return Reaction(change.channel, change.account, target, person, emoji, at, change.marks_open and bool(emoji))


def _welcome(change: Change, message: Mapping[str, Any], person: Person, at: datetime | None) -> Found:
    if change.is_history:
        return None
    return Arrival(
        change.channel, change.account, person, at, contents.referral(message.get("referral")), opens_window=True
    )


def _person_change(change: Change, message: Mapping[str, Any], at: datetime | None) -> Found:
    """These events have no `contacts`. What is new stands in `system`, who it was in `from` and beside."""
    system = as_dict(message.get("system"))
    told = as_text(system.get("type"), 60)
    external_id = as_text(message.get("id"), MAX_ID)
    known = (message.get("from"), message.get("from_user_id"), system.get("customer"))
    new = (system.get("wa_id"), system.get("new_wa_id"), system.get("user_id"))
    if told in ("user_changed_number", "customer_changed_number"):
        former = handles_of(system.get("previous_user_id"), *known)
        now = handles_of(*new)
        kind = "number"
    elif told == "user_changed_user_id":
        former = handles_of(system.get("previous_user_id"), *known)
        now = handles_of(*new, message.get("from"))
        kind = "id"
    elif told == "customer_identity_changed":
        former, now = {}, handles_of(*known, *new)
        kind = "security"
    else:
        return Problem("unknown_system")
    if not now or (kind != "security" and (not former or former == now)):
        return Problem("system_without_ids")
    return PersonChange(
        change.channel, change.account, kind, Person(now), at, former, external_id,  # type: ignore[arg-type]
    )  # fmt: skip


_EVENTS: Mapping[str, Callable[[Change, Mapping[str, Any], Person, datetime | None], Found]] = {
    "reaction": _reaction,
    "edit": edit,
    "request_welcome": _welcome,
}
