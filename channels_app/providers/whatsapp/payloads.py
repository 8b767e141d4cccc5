"""Parsing of WhatsApp webhooks (providers/whatsapp.md 6 and 7). Pure; never raises; named fields only.

Each entry, change, message and status is read on its own: a bad one becomes a Problem, its neighbours stay.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from channels_app.contract import (
    MEDIA_TYPES,
    InboundMessage,
    Media,
    Parsed,
    Person,
    Problem,
    Reaction,
    StatusUpdate,
    Update,
)

_PHONE = re.compile(r"\d{6,15}\Z")
_BSUID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,140}\Z")
_HEX = re.compile(r"[0-9a-fA-F]{64}\Z")
MAX_TEXT = 65_536  # characters kept of a text; the platform's own limit is far below
_YEAR_2100 = 4_102_444_800


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _str(value: Any, limit: int = 1024) -> str:
    """A string that PostgreSQL and UTF-8 can hold: no NUL, no lone surrogate."""
    if type(value) is str and value.isascii() and "\x00" not in value:  # nearly all of them
        return value[:limit]
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).replace("\x00", "").encode("utf-8", "replace").decode()[:limit]


def moment(value: Any) -> datetime | None:
    """The platform's time: seconds as text or number; milliseconds above 10^11; None for what makes no sense."""
    try:
        seconds = int(value) if not isinstance(value, bool) else 0
    except (TypeError, ValueError, OverflowError):
        return None
    if seconds > 10**11:
        seconds //= 1000
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _YEAR_2100 else None


def _person(contact: Mapping[str, Any], *ids: Any) -> Person:
    """Who it is, from the matching entry of `contacts` and the ids beside the event."""
    profile = _dict(contact.get("profile"))
    handles: dict[str, str] = {}
    for value in (contact.get("wa_id"), contact.get("user_id"), *ids):
        text = _str(value, 160)
        if _PHONE.match(text):
            handles.setdefault("wa_id", text)
        elif _BSUID.match(text):
            handles.setdefault("bsuid", text)
    username = _str(profile.get("username"), 80).lstrip("@").strip()
    if username:
        handles["username"] = username
    return Person(handles, _str(profile.get("name"), 200).strip())


class _Contacts:
    """The entries of `contacts` of one change, found by id, never by position."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self._entries = [_dict(each) for each in _list(value.get("contacts"))]
        self._places: dict[str, int] = {}
        for place, entry in enumerate(self._entries):
            for identity in (_str(entry.get("wa_id")), _str(entry.get("user_id"))):
                self._places.setdefault(identity, place)

    def of(self, *ids: Any) -> Mapping[str, Any]:
        """The entry that belongs to an event with these ids; an event without ids belongs to the only entry."""
        wanted = {_str(each) for each in ids} - {""}
        if not wanted:
            return self._entries[0] if len(self._entries) == 1 else {}
        places = [place for identity in wanted if (place := self._places.get(identity)) is not None]
        return self._entries[min(places)] if places else {}


def sha256_hex(value: Any) -> str:
    """The hash as hex, whether it came as hex or base64."""
    text = _str(value, 100)
    if _HEX.match(text):
        return text.lower()
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return ""
    return raw.hex() if len(raw) == 32 else ""


def _location(part: Mapping[str, Any]) -> dict[str, Any]:
    place: dict[str, Any] = {}
    for name, limit in (("latitude", 90.0), ("longitude", 180.0)):
        try:
            number = float(part.get(name))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
        if -limit <= number <= limit:
            place[name] = number
    return place | {name: text for name in ("name", "address") if (text := _str(part.get(name), 500))}


def _card(card: Mapping[str, Any]) -> dict[str, Any]:
    name = _dict(card.get("name"))
    parts = (_str(name.get("first_name"), 100), _str(name.get("last_name"), 100))
    full = _str(name.get("formatted_name"), 200) or " ".join(filter(None, parts))
    if not full and (match := re.search(r"^FN:(.+)$", _str(card.get("vcard"), 4000), re.MULTILINE)):
        full = match.group(1).strip()
    return {
        "name": full,
        "phones": [text for each in _list(card.get("phones"))[:20] if (text := _str(_dict(each).get("phone"), 40))],
        "emails": [text for each in _list(card.get("emails"))[:20] if (text := _str(_dict(each).get("email"), 254))],
        "org": _str(_dict(card.get("org")).get("company"), 200),
    }


def _content(kind: str, message: Mapping[str, Any]) -> tuple[str, dict[str, Any], Media | None]:
    """Type, content and file of a message. What we do not know is `unsupported`, said neutrally."""
    part = _dict(message.get(kind))
    if kind == "text":
        return "text", {"text": _str(part.get("body"), MAX_TEXT)}, None
    if kind in MEDIA_TYPES:
        content = {"text": caption} if (caption := _str(part.get("caption"), MAX_TEXT)) else {}
        media = Media(
            external_id=_str(part.get("id"), 200),
            kind=kind,
            mime=_str(part.get("mime_type"), 120),
            name=_str(part.get("filename"), 300),
            sha256=sha256_hex(part.get("sha256")),
            voice=part.get("voice") is True,
        )
        return kind, content, media if media.external_id else None
    if kind == "location":
        return "location", {"location": _location(part)}, None
    if kind == "contacts":
        return (
            "contacts",
            {"cards": [_card(_dict(each)) for each in _list(message.get("contacts"))[:50]]},
            None,
        )
    if kind == "button":
        return "text", {"text": _str(part.get("text"), MAX_TEXT)}, None
    if kind == "interactive":
        reply = _dict(part.get(_str(part.get("type"), 40)))
        if title := _str(reply.get("title") or reply.get("body"), MAX_TEXT):
            return "text", {"text": title}, None
    return (
        "unsupported",
        {"kind": _str(_dict(message.get("unsupported")).get("type"), 40) or _str(kind, 40)},
        None,
    )


def _message(contacts: _Contacts, channel: str, account: str, message: Mapping[str, Any]) -> Update | Problem | None:
    external_id = _str(message.get("id"), 600)
    if not external_id:
        return Problem("message_without_id")
    ids = (message.get("from"), message.get("from_user_id"))
    person = _person(contacts.of(*ids), *ids)
    if not set(person.handles) - {"username"}:
        return Problem("message_without_sender")
    kind = _str(message.get("type"), 40)
    at = moment(message.get("timestamp"))
    if message.get("group_id"):
        return Problem("group_message")
    if kind == "reaction":
        part = _dict(message.get("reaction"))
        target = _str(part.get("message_id"), 600)
        if not target:
            return Problem("reaction_without_target")
        return Reaction(channel, account, target, person, _str(part.get("emoji"), 40), at)
    if kind in ("request_welcome", "system", "edit", "revoke"):
        return Problem(f"kind_{kind}")
    kept, content, media = _content(kind, message)
    context = _dict(message.get("context"))
    if context.get("forwarded") is True or context.get("frequently_forwarded") is True:
        content["forwarded"] = True
    return InboundMessage(
        channel=channel, account=account, external_id=external_id, person=person, type=kept,  # type: ignore[arg-type]
        at=at, content=content, media=media, reply_to=_str(context.get("id"), 600),
    )  # fmt: skip


def _status(channel: str, account: str, status: Mapping[str, Any]) -> Update | Problem:
    name, external_id = _str(status.get("status"), 20), _str(status.get("id"), 600)
    if name == "played":
        name = "read"
    if name not in ("sent", "delivered", "read", "failed"):
        return Problem("unknown_status")
    if not external_id:
        return Problem("status_without_id")
    error = _dict(next(iter(_list(status.get("errors"))), None))
    code = error.get("code")
    return StatusUpdate(
        channel, account, external_id, name, moment(status.get("timestamp")),  # type: ignore[arg-type]
        reference=_str(status.get("biz_opaque_callback_data"), 512),
        error_code=code if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 2**31 else None,
        error_detail=_str(_dict(error.get("error_data")).get("details") or error.get("title"), 500),
    )  # fmt: skip


def _read(fn: Any, *args: Any) -> Update | Problem | None:
    try:
        return fn(*args)  # type: ignore[no-any-return]
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError, OverflowError):
        return Problem("unreadable")


def _walk(payload: Mapping[str, Any]) -> Iterator[Update | Problem | None]:
    for entry in map(_dict, _list(payload.get("entry"))):
        account = _str(entry.get("id"), 64)
        for change in map(_dict, _list(entry.get("changes"))):
            if change.get("field") != "messages":
                yield Problem("unknown_field")
                continue
            value = _dict(change.get("value"))
            channel = _str(_dict(value.get("metadata")).get("phone_number_id"), 64)
            if not channel:
                if _list(value.get("messages")) or _list(value.get("statuses")):
                    yield Problem("no_phone_number_id")
                continue
            contacts = _Contacts(value)
            for message in _list(value.get("messages")):
                yield _read(_message, contacts, channel, account, _dict(message))
            for status in _list(value.get("statuses")):
                yield _read(_status, channel, account, _dict(status))
            if _list(value.get("errors")):
                yield Problem("account_error")


def parse(body: bytes) -> Parsed:
    """What a webhook body holds."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return Parsed(problems=[Problem("not_json")])
    if not isinstance(payload, dict):
        return Parsed(problems=[Problem("not_an_object")])
    if payload.get("object") != "whatsapp_business_account":
        return Parsed(problems=[Problem("unknown_object")])
    return _sort(_walk(payload))


def _sort(found: Iterable[Update | Problem | None]) -> Parsed:
    updates: list[Update] = []
    problems: list[Problem] = []
    for each in found:
        if isinstance(each, Problem):
            problems.append(each)
        elif each is not None:
            updates.append(each)
    return Parsed(updates, problems)
