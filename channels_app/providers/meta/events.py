"""The events of Messenger and Instagram, one element of `messaging[]` or `standby[]` each (providers/messenger.md 5 and 6,
instagram.md 5 and 6). Pure; never raises; named fields only.

Each element is read on its own: a bad one becomes a Problem, its neighbours stay.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels_app.contract import (
    AccountEvent,
    Arrival,
    Consent,
    Echo,
    Edit,
    Handover,
    InboundMessage,
    Parsed,
    Person,
    Problem,
    Reaction,
    StatusUpdate,
    Unsent,
    Update,
    Watermark,
)
from channels_app.providers.meta import contents
from channels_app.providers.meta.reading import MAX_TEXT, as_dict, as_list, as_text, envelope, exact_moment

Found = Iterator[Update | Problem]
PAGE_INBOX = "26390203743090"  # Meta's own inbox, where it names the app that sent (providers/messenger.md 1)
_ID = re.compile(r"\d{1,40}\Z")
_EMOJI = {"love": "❤️", "smile": "😆", "wow": "😮", "sad": "😢", "angry": "😠", "like": "👍", "dislike": "👎"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the two platforms."""

    object: str  # of the envelope
    handle: str  # the kind of a person's id
    has_account: bool  # whether the entry's id is the channel's account too
    mark_opens_window: bool  # a reaction is an act of the person (messenger.md 8); not so on Instagram (instagram.md 9)
    link_opens_window: bool  # a person who opens the thread by a link may be answered (messenger.md 8, instagram.md 9)
    others: Callable[[str, Mapping[str, Any]], Found]  # what an entry holds beside messaging: channel, entry


@dataclass(frozen=True, slots=True)
class _Element:
    """One element, with where it stood and whom it concerns."""

    dialect: Dialect
    channel: str
    account: str
    person: Person  # the one of the two sides that is not the channel; without handles where there is none
    at: datetime | None
    is_outgoing: bool
    is_standby: bool

    @property
    def place(self) -> tuple[str, str]:
        return self.channel, self.account


def parse(dialect: Dialect, body: bytes) -> Parsed:
    """What a webhook body holds."""
    payload = envelope(body, dialect.object)
    if isinstance(payload, str):
        return Parsed(problems=[Problem(payload)])
    found = [each for entry in as_list(payload.get("entry")) for each in _entry(dialect, as_dict(entry))]
    return Parsed(
        [each for each in found if not isinstance(each, Problem)], [each for each in found if isinstance(each, Problem)]
    )


def _entry(dialect: Dialect, entry: Mapping[str, Any]) -> Found:
    channel = as_text(entry.get("id"), 64)
    if not channel:
        yield Problem("no_channel_id")
        return
    for name in ("messaging", "standby"):
        for element in as_list(entry.get(name)):
            yield from _safely(_element, dialect, channel, as_dict(element), name == "standby")
    yield from _safely(dialect.others, channel, entry)


def _safely(read: Callable[..., Found], *args: Any) -> list[Update | Problem]:
    try:
        return list(read(*args))
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError, OverflowError):
        return [Problem("unreadable")]


def _id(value: Any) -> str:
    text = as_text(as_dict(value).get("id"), 64)
    return text if _ID.match(text) else ""


def _element(dialect: Dialect, channel: str, element: Mapping[str, Any], is_standby: bool) -> Found:
    name = next((each for each in _READERS if each in element), None)
    if name is None:
        yield Problem("unknown_event")
        return
    sender, recipient = _id(element.get("sender")), _id(element.get("recipient"))
    part = as_dict(element.get(name))
    is_outgoing = sender == channel or (name == "message" and part.get("is_echo") is True)
    other = recipient if is_outgoing else sender
    if other == channel or (not other and name not in _WITHOUT_PERSON):
        if part.get("is_self") is not True:  # an account that writes to itself: a test of theirs
            yield Problem("no_person")
        return
    person = Person({dialect.handle: other} if other else {})
    account = channel if dialect.has_account else ""
    at = exact_moment(element.get("timestamp"))
    yield from _READERS[name](_Element(dialect, channel, account, person, at, is_outgoing, is_standby), part)


def _message(of: _Element, message: Mapping[str, Any]) -> Found:
    external_id = as_text(message.get("mid"), 600)
    if not external_id:
        yield Problem("message_without_id")
    elif message.get("is_deleted") is True:  # whatever else stands there
        yield Unsent(*of.place, external_id, of.at)
    elif message.get("is_self") is True:
        return
    else:
        kind, content, files = contents.read(message, is_ours=of.is_outgoing)
        reply_to = as_text(as_dict(message.get("reply_to")).get("mid"), 600)
        if of.is_outgoing:
            app = as_text(message.get("app_id"), 40)
            yield Echo(
                *of.place, external_id, of.person, kind, of.at, content, files, reply_to,
                sent_from="inbox" if app == PAGE_INBOX else "app", reference=as_text(message.get("metadata"), 200),
            )  # fmt: skip
        else:
            yield InboundMessage(
                *of.place, external_id, of.person, kind, of.at, content, files, reply_to, is_standby=of.is_standby
            )


def _postback(of: _Element, postback: Mapping[str, Any]) -> Found:
    """A tap on a button of the thread. In standby the payload is left out."""
    title, payload = as_text(postback.get("title"), 200), as_text(postback.get("payload"), 1000)
    content: dict[str, Any] = {"choice": {"id": payload, "title": title, "kind": "postback"}}
    if text := title or payload:
        content["text"] = text
    if origin := contents.referral(postback.get("referral")):
        content["referral"] = origin
    reply_to = as_text(as_dict(postback.get("reply_to")).get("mid"), 600)
    yield InboundMessage(
        *of.place, as_text(postback.get("mid"), 600) or _made_id("postback", of, title, payload), of.person, "text", of.at,
        content, reply_to=reply_to, is_standby=of.is_standby,
    )  # fmt: skip


def _order(of: _Element, order: Mapping[str, Any]) -> Found:
    """A cart (`send_cart`). Its numbers are shown and taken for no truth."""
    items = [
        {
            "name": as_text(each.get("name") or each.get("title") or each.get("retailer_id") or each.get("id"), 200),
            "quantity": as_text(each.get("quantity"), 20),
            "price": as_text(each.get("unit_price") or each.get("price"), 40),
            "currency": as_text(each.get("currency"), 8),
        }
        for each in map(as_dict, as_list(order.get("products"))[:100])
    ]
    note = as_text(order.get("note"), MAX_TEXT)
    external_id = as_text(order.get("mid"), 600) or _made_id("order", of, json.dumps(items), note)
    yield InboundMessage(
        *of.place, external_id, of.person, "order", of.at, {"order": {"items": items, "text": note}},
        is_standby=of.is_standby,
    )  # fmt: skip


def _made_id(kind: str, of: _Element, *parts: str) -> str:
    """An id for what the platform gives none: the same event has the same one each time it comes."""
    seen = json.dumps([of.channel, dict(of.person.handles), of.at.isoformat() if of.at else "", *parts])
    return f"{kind}:{hashlib.sha256(seen.encode()).hexdigest()[:40]}"


def _reaction(of: _Element, reaction: Mapping[str, Any]) -> Found:
    target, name = as_text(reaction.get("mid"), 600), as_text(reaction.get("reaction"), 20)
    emoji = as_text(reaction.get("emoji"), 40) or _EMOJI.get(name, "")
    if reaction.get("action") == "unreact":
        emoji = ""
    elif not emoji:
        yield Problem("reaction_without_emoji")
        return
    opens = of.dialect.mark_opens_window and bool(emoji)
    yield Reaction(*of.place, target, of.person, emoji, of.at, opens) if target else Problem("reaction_without_target")


def _delivery(of: _Element, delivery: Mapping[str, Any]) -> Found:
    """Everything up to a time; and the messages by name, where they are named: clocks differ."""
    for mid in as_list(delivery.get("mids")):
        if text := as_text(mid, 600):
            yield StatusUpdate(*of.place, text, "delivered", of.at)
    if until := exact_moment(delivery.get("watermark")):
        yield Watermark(*of.place, of.person, "delivered", of.at, until)


def _read(of: _Element, read: Mapping[str, Any]) -> Found:
    """Messenger: everything up to a time. Instagram: everything up to a message."""
    until, external_id = exact_moment(read.get("watermark")), as_text(read.get("mid"), 600)
    if until or external_id:
        yield Watermark(*of.place, of.person, "read", of.at, until, external_id)
    else:
        yield Problem("read_without_mark")


def _edit(of: _Element, edit: Mapping[str, Any]) -> Found:
    target, number = as_text(edit.get("mid"), 600), as_text(edit.get("num_edit"), 9)
    if not target:
        yield Problem("edit_without_target")
        return
    text = as_text(edit.get("text"), MAX_TEXT)
    yield Edit(*of.place, target, of.person, text, of.at, int(number) if number.isascii() and number.isdigit() else 0)


def _referral(of: _Element, given: Mapping[str, Any]) -> Found:
    origin = contents.referral(given)
    by_link = of.dialect.link_opens_window and origin.get("kind") == "link"
    yield Arrival(*of.place, of.person, of.at, origin, opens_window=by_link)


def _optin(of: _Element, optin: Mapping[str, Any]) -> Found:
    """A subscription to a topic, or its end. Its token is a credential for one person: it is not kept."""
    kind, title = as_text(optin.get("type"), 40), as_text(optin.get("title"), 300)
    if kind == "notification_messages":
        topic = (as_text(optin.get("payload"), 80) or title)[:80]
        ended = as_text(optin.get("notification_messages_status"), 40).upper().startswith("STOP")
        yield Consent(*of.place, of.person, topic, not ended, of.at, title) if topic else Problem("optin_without_topic")
    elif kind:
        yield Problem("unknown_optin")
    else:  # a plugin on a website
        ref = as_text(optin.get("ref"), 300)
        origin = {"kind": "plugin"} | ({"ref": ref} if ref else {})
        yield Arrival(*of.place, of.person, of.at, origin, opens_window=of.dialect.link_opens_window)


def _policy(of: _Element, policy: Mapping[str, Any]) -> Found:
    action = as_text(policy.get("action"), 20)
    if action not in ("warning", "block", "unblock"):
        yield Problem("unknown_policy_action")
        return
    facts = {"action": action, "reason": as_text(policy.get("reason"), 500)}
    yield AccountEvent(*of.place, "page_policy", of.at, facts)


def _passed(of: _Element, control: Mapping[str, Any]) -> Found:
    """Told to the app that is given the thread. The installation and some workspaces have apps of their own, so the id of
    the new owner says nothing; but Meta's inbox is none of them."""
    owner = as_text(control.get("new_owner_app_id"), 40)
    is_ours = owner != PAGE_INBOX
    yield Handover(*of.place, of.person, is_ours, of.at, "" if is_ours else owner)


def _taken(of: _Element, control: Mapping[str, Any]) -> Found:
    """Told to the app that the thread is taken from."""
    yield Handover(*of.place, of.person, False, of.at, as_text(control.get("new_owner_app_id"), 40))


def _set_aside(reason: str) -> Callable[[_Element, Mapping[str, Any]], Found]:
    def read(of: _Element, part: Mapping[str, Any]) -> Found:
        yield Problem(reason)

    return read


_READERS: dict[str, Callable[[_Element, Mapping[str, Any]], Found]] = {
    "message": _message,
    "message_edit": _edit,
    "reaction": _reaction,
    "delivery": _delivery,
    "read": _read,
    "postback": _postback,
    "referral": _referral,
    "optin": _optin,
    "policy_enforcement": _policy,
    "pass_thread_control": _passed,
    "take_thread_control": _taken,
    "order": _order,
    "request_thread_control": _set_aside("thread_asked_for"),
    "app_roles": _set_aside("app_roles"),
    "account_linking": _set_aside("account_linking"),
    "response_feedback": _set_aside("response_feedback"),
}
_WITHOUT_PERSON = {"policy_enforcement", "app_roles"}
