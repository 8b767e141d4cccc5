"""What a message holds, by its kind: type, content (contract.InboundMessage), file (providers/whatsapp.md 6)."""

import json
import math
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from channels_app.contract import MEDIA_TYPES, Media, MessageType
from channels_app.providers.meta.reading import MAX_TEXT, as_dict, as_list, as_text, web_address

Contents = tuple[MessageType, dict[str, Any], tuple[Media, ...]]
_HEX = re.compile(r"[0-9a-fA-F]{64}\Z")
_CARD_LINE = re.compile(r"^(?:item\d+\.)?(FN|TEL|EMAIL|ORG)(?:;[^:\r\n]*)?:(.+)$", re.MULTILINE | re.IGNORECASE)
_ERROR_KINDS = {131051: "unknown", 131052: "media", 131060: "unavailable"}
MAX_FIELDS = 100


def read(kind: str, message: Mapping[str, Any]) -> Contents:
    """What a message of this kind holds. What we do not know is `unsupported`, said neutrally."""
    reader = _READERS.get(kind)
    return reader(message) if reader else _unsupported(message, as_text(kind, 40))


def sha256_hex(value: Any) -> str:
    """The hash as hex, whether it came as hex or base64."""
    text = as_text(value, 100)
    if _HEX.match(text):
        return text.lower()
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return ""
    return raw.hex() if len(raw) == 32 else ""


def words_of(error: Any) -> str:
    """An error of the platform in its own words."""
    given = as_dict(error)
    data = as_dict(given.get("error_data"))
    for value in (data.get("details"), given.get("message"), given.get("title")):
        if text := as_text(value, 500).strip():
            return text
    return ""


def code_of(error: Any) -> int | None:
    """The code of an error, which may come as text."""
    code = as_dict(error).get("code")
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 10:
        code = int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 2**31 else None


def first_error(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first of `errors`, or {}."""
    return as_dict(next(iter(as_list(part.get("errors"))), None))


def referral(value: Any) -> dict[str, Any]:
    """The ad or post that led a person here. The click's id is not kept: it is there for tracking people alone."""
    given = as_dict(value)
    if not given:
        return {}
    named = {
        "kind": as_text(given.get("source_type"), 20),
        "headline": as_text(given.get("headline"), 300),
        "body": as_text(given.get("body"), 1000),
        "url": web_address(given.get("source_url")),
        "id": as_text(given.get("source_id"), 64),
    }
    return {name: text for name, text in named.items() if text}


def _text(message: Mapping[str, Any]) -> Contents:
    return "text", {"text": as_text(as_dict(message.get("text")).get("body"), MAX_TEXT)}, ()


def _media(kind: str) -> Callable[[Mapping[str, Any]], Contents]:
    def reader(message: Mapping[str, Any]) -> Contents:
        part = as_dict(message.get(kind))
        content = {"text": caption} if (caption := as_text(part.get("caption"), MAX_TEXT)) else {}
        external_id = as_text(part.get("id"), 200)
        if not external_id:
            return kind, content, ()  # type: ignore[return-value]  # kind is one of MEDIA_TYPES
        media = Media(
            external_id=external_id,
            kind=kind,
            mime=as_text(part.get("mime_type"), 120),
            name=as_text(part.get("filename"), 300),
            sha256=sha256_hex(part.get("sha256")),
            voice=part.get("voice") is True,
        )
        return kind, content, (media,)  # type: ignore[return-value]  # as above

    return reader


def _location(message: Mapping[str, Any]) -> Contents:
    part = as_dict(message.get("location"))
    place: dict[str, Any] = {}
    for name, limit in (("latitude", 90.0), ("longitude", 180.0)):
        value = part.get(name)
        try:
            number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
        except (ValueError, OverflowError):
            continue
        if -limit <= number <= limit:
            place[name] = number
    place |= {name: text for name in ("name", "address") if (text := as_text(part.get(name), 500))}
    return "location", {"location": place}, ()


def _cards(message: Mapping[str, Any]) -> Contents:
    """Shared cards. `origin` says whether they answer our request for a contact; it was seen at two places."""
    beside = message.get("origin")
    cards = [_card(as_dict(each), beside) for each in as_list(message.get("contacts"))[:50]]
    return "contacts", {"cards": cards}, ()


def _card(card: Mapping[str, Any], origin_beside: Any) -> dict[str, Any]:
    name = as_dict(card.get("name"))
    written: dict[str, list[str]] = {}
    for key, value in _CARD_LINE.findall(as_text(card.get("vcard"), 20_000)):
        written.setdefault(key.upper(), []).append(value.strip())
    parts = (as_text(name.get("first_name"), 100), as_text(name.get("last_name"), 100))
    full = as_text(name.get("formatted_name"), 200) or " ".join(filter(None, parts))
    read = {
        "name": full or next(iter(written.get("FN", ())), "")[:200],
        "phones": _each(card, "phones", "phone", 40) or [each[:40] for each in written.get("TEL", ())[:20]],
        "emails": _each(card, "emails", "email", 254) or [each[:254] for each in written.get("EMAIL", ())[:20]],
        "org": as_text(as_dict(card.get("org")).get("company"), 200) or next(iter(written.get("ORG", ())), "")[:200],
    }
    is_answer = "contact_request" in (card.get("origin"), origin_beside)
    return read | ({"requested": True} if is_answer else {})


def _each(card: Mapping[str, Any], name: str, key: str, limit: int) -> list[str]:
    return [text for each in as_list(card.get(name))[:20] if (text := as_text(as_dict(each).get(key), limit))]


def _button(message: Mapping[str, Any]) -> Contents:
    """A tap on a template's button."""
    part = as_dict(message.get("button"))
    text = as_text(part.get("text"), MAX_TEXT)
    return "text", {"text": text, "choice": _choice(part.get("payload"), text, "button")}, ()


def _choice(identity: Any, title: str, kind: str) -> dict[str, Any]:
    return {"id": as_text(identity, 1000), "title": title[:200], "kind": kind}


def _interactive(message: Mapping[str, Any]) -> Contents:
    part = as_dict(message.get("interactive"))
    kind = as_text(part.get("type"), 40)
    reply = as_dict(part.get(kind))
    title = as_text(reply.get("title") or reply.get("body"), MAX_TEXT)
    if kind in ("button_reply", "list_reply"):
        return "text", {"text": title, "choice": _choice(reply.get("id"), title, kind.removesuffix("_reply"))}, ()
    if kind == "nfm_reply":
        return _form(reply, title)
    return "unsupported", {"kind": kind or "interactive"} | ({"text": title} if title else {}), ()


def _form(reply: Mapping[str, Any], title: str) -> Contents:
    """The answers of a flow: a string that should hold a JSON object. Anything else is shown as the text that it is."""
    answers = as_text(reply.get("response_json"), MAX_TEXT)
    try:
        given = json.loads(answers) if answers else None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        return "text", {"text": "\n".join(filter(None, (title, answers)))[:MAX_TEXT]}, ()
    fields = list(_fields(given, 3))[:MAX_FIELDS]
    return "form", ({"text": title} if title else {}) | {"fields": fields}, ()


def _fields(given: Mapping[str, Any], depth: int) -> Iterator[dict[str, str]]:
    for key, value in list(given.items())[:MAX_FIELDS]:
        if key == "flow_token":  # ours, given at sending: nobody's answer
            continue
        if isinstance(value, dict) and depth:
            yield from _fields(value, depth - 1)
        else:
            yield {"label": as_text(key, 100), "value": _answer(value)}


def _answer(value: Any) -> str:
    if isinstance(value, bool):
        return "✓" if value else "–"
    if isinstance(value, list):
        return ", ".join(filter(None, (_answer(each) for each in value[:50] if not isinstance(each, list))))[:4096]
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    if isinstance(value, dict):  # such as a chosen row or an uploaded file: what names it
        return as_text(value.get("title") or value.get("file_name") or value.get("id"), 500)
    return as_text(value, 4096)


def _order(message: Mapping[str, Any]) -> Contents:
    """A cart. Prices are what the person's app showed: nobody bills from them."""
    part = as_dict(message.get("order"))
    items = [
        {
            "name": as_text(item.get("product_retailer_id"), 200),
            "quantity": _answer(item.get("quantity")),
            "price": _answer(item.get("item_price")),
            "currency": as_text(item.get("currency"), 10),
        }
        for item in map(as_dict, as_list(part.get("product_items"))[:100])
    ]
    order: dict[str, Any] = {"items": items}
    if text := as_text(part.get("text"), MAX_TEXT):
        order["text"] = text
    return "order", {"order": order}, ()


def _placeholder(message: Mapping[str, Any]) -> Contents:
    """A file of the history, which may come later (10)."""
    return "unsupported", {"kind": "media_placeholder"}, ()


def _unsupported(message: Mapping[str, Any], kind: str = "") -> Contents:
    error = first_error(message)
    said = as_text(as_dict(message.get("unsupported")).get("type"), 40)
    return "unsupported", {"kind": said or kind or _ERROR_KINDS.get(code_of(error) or 0, "unknown")}, ()


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Contents]] = {
    "text": _text,
    **{kind: _media(kind) for kind in MEDIA_TYPES},
    "location": _location,
    "contacts": _cards,
    "button": _button,
    "interactive": _interactive,
    "order": _order,
    "media_placeholder": _placeholder,
    "unsupported": _unsupported,
}
