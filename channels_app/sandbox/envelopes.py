"""Webhook bodies and their signature as Meta makes them (docs: WhatsApp facts 4 to 7). Pure functions, also
for tests and benchmarks. A body is escaped to ASCII with lower-case hex (`\\u00fc`) before it is signed, as
Meta's are."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Number:
    """A business number: its ids, and the digits that webhooks show."""

    phone_number_id: str
    waba_id: str
    display: str = ""

    @property
    def digits(self) -> str:
        return digits(self.display)


@dataclass(frozen=True, slots=True)
class Person:
    """A person as one business portfolio sees them. Without `wa_id`: someone who shows a username only."""

    wa_id: str = ""
    user_id: str = ""
    name: str = ""
    username: str = ""


def digits(text: str) -> str:
    """Only the ASCII digits of `text`."""
    return "".join(character for character in text if character in "0123456789")


def new_wamid(person_digits: str, *, outgoing: bool = False, unique: str = "") -> str:
    """A message id as Meta makes them: base64 of a small record in which the person's number stands in clear.

    `unique` (20 hex characters) makes it reproducible; otherwise it is random."""
    tail = (unique or secrets.token_hex(10)).upper().encode()
    person = (person_digits or "0").encode()[:127]
    record = b"\x1c\x18" + bytes([len(person)]) + person + b"\x15\x02\x00" + (b"\x11" if outgoing else b"\x12")
    return "wamid." + base64.b64encode(record + b"\x18" + bytes([len(tail)]) + tail + b"\x00").decode()


def dump(payload: Any) -> bytes:
    """The bytes that are posted and signed: compact, ASCII."""
    return json.dumps(payload, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def sign(body: bytes, secret: str) -> str:
    """The value of X-Hub-Signature-256 for these raw bytes."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def contact(person: Person) -> JSON:
    """An element of `contacts`."""
    profile = {"name": person.name} if person.name else {}
    if person.username:
        profile["username"] = person.username
    found: JSON = {"profile": profile}
    if person.wa_id:
        found["wa_id"] = person.wa_id
    if person.user_id:
        found["user_id"] = person.user_id
    return found


def message(
    person: Person,
    wamid: str,
    timestamp: float,
    kind: str,
    content: Any = None,
    *,
    context: Mapping[str, Any] | None = None,
) -> JSON:
    """An element of `messages`: `content` is the object under the key of its kind. Kinds that carry more
    beside that key (`unsupported` with its `errors`) give the whole as a mapping under the key "": it is
    merged in."""
    found: JSON = {}
    if context:
        found["context"] = dict(context)
    if person.wa_id:
        found["from"] = person.wa_id
    if person.user_id:
        found["from_user_id"] = person.user_id
    found |= {"id": wamid, "timestamp": str(int(timestamp)), "type": kind}
    if isinstance(content, dict) and "" in content:
        found |= content[""]
    elif content is not None:
        found[kind] = content
    return found


def text(person: Person, wamid: str, timestamp: float, body: str) -> JSON:
    """A text message."""
    return message(person, wamid, timestamp, "text", {"body": body})


def status(
    person: Person,
    wamid: str,
    name: str,
    timestamp: float,
    *,
    callback_data: str = "",
    errors: Iterable[Mapping[str, Any]] = (),
) -> JSON:
    """An element of `statuses`. Prices stand on `sent` and `delivered` only, as since v24.0."""
    found: JSON = {"id": wamid, "status": name, "timestamp": str(int(timestamp))}
    if person.wa_id:
        found["recipient_id"] = person.wa_id
    if person.user_id:
        found["recipient_user_id"] = person.user_id
    if callback_data:
        found["biz_opaque_callback_data"] = callback_data
    if name in ("sent", "delivered"):
        found["pricing"] = {
            "billable": True,
            "pricing_model": "PMP",
            "type": "regular",
            "category": "service",
        }
    if listed := [dict(each) for each in errors]:
        found["errors"] = listed
    return found


def messages_value(number: Number, people: Iterable[Person], messages: Iterable[Mapping[str, Any]]) -> JSON:
    """The `value` of a change with messages."""
    return {**_metadata(number), "contacts": _contacts(people), "messages": [dict(each) for each in messages]}


def statuses_value(number: Number, people: Iterable[Person], statuses: Iterable[Mapping[str, Any]]) -> JSON:
    """The `value` of a change with statuses; a failed one comes without `contacts`, a sent one without
    usernames."""
    listed = [dict(each) for each in statuses]
    names = {each["status"] for each in listed}
    value = _metadata(number)
    if names != {"failed"}:
        shown = [Person(each.wa_id, each.user_id, each.name) if "sent" in names else each for each in people]
        value["contacts"] = _contacts(shown)
    return {**value, "statuses": listed}


def body(changes: Iterable[tuple[str, JSON]], field: str = "messages") -> bytes:
    """A whole webhook body from pairs of WABA id and `value`; neighbours of one WABA share an entry."""
    entries: list[JSON] = []
    for waba_id, value in changes:
        if not entries or entries[-1]["id"] != waba_id:
            entries.append({"id": waba_id, "changes": []})
        entries[-1]["changes"].append({"field": field, "value": value})
    return dump({"object": "whatsapp_business_account", "entry": entries})


def _metadata(number: Number) -> JSON:
    return {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": number.digits, "phone_number_id": number.phone_number_id},
    }


def _contacts(people: Iterable[Person]) -> list[JSON]:
    """Each person once, in order of first appearance."""
    return [contact(each) for each in dict.fromkeys(people)]
