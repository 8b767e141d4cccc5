"""`POST /{phone_number_id}/messages`: what Meta checks, what it accepts, what it does then (facts 11, 14
and 15)."""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from . import accounts, chats, directory, envelopes, events, media, statuses, templates, world
from .errors import GraphError, in_status
from .faults import LATER, Strike

JSON = dict[str, Any]
WINDOW = 24 * 3600.0  # seconds after the person's last message in which anything but a template may be sent
REACTION_AGE = 30 * 24 * 3600.0  # seconds
MAX_TEXT, MAX_CAPTION, MAX_CALLBACK = 4096, 1024, 512  # characters


def accept(number: sqlite3.Row, payload: Any, strikes: list[Strike]) -> JSON:
    """Take one send and plan its statuses. Gives Meta's answer; raises GraphError for what Meta refuses at
    once."""
    payload = _object(payload, "body")
    if payload.get("messaging_product") != "whatsapp":
        raise required("messaging_product")
    if "status" in payload:
        return _mark_read(number, payload)
    if not number["registered"]:
        raise GraphError(133010)
    kind = payload.get("type", "text")
    if not isinstance(kind, str) or kind not in CHECKS:
        raise GraphError(100, f"Param type must be one of {{{', '.join(CHECKS)}}} - got {kind!r}.")
    digits, person = _recipient(number, payload)
    data = payload.get("biz_opaque_callback_data", "")
    if not isinstance(data, str) or len(data) > MAX_CALLBACK:
        raise GraphError(100, f"Param biz_opaque_callback_data must be at most {MAX_CALLBACK} characters long.")
    content = payload.get(kind)
    if content is None:
        raise GraphError(131008, f"Parameter '{kind}' is mandatory for type '{kind}'.")
    CHECKS[kind](content, number)
    if kind == "template":
        templates.check_send(content, number, by_id=not payload.get("to"))
    context = payload.get("context")
    quoted = str(_object(context, "context").get("message_id") or "") if context is not None else ""

    problem = _later_problem(number, person, kind, content, strikes)
    address = digits or (envelopes.digits(person["user_id"]) if person else "")
    wamid = envelopes.new_wamid(address, outgoing=True)
    _record(
        wamid,
        number,
        person["id"] if person else statuses.NOBODY + digits,
        kind,
        content,
        quoted,
        data,
        problem,
    )
    contact: JSON = {"input": payload.get("to") or payload.get("recipient")}
    if digits:
        contact["wa_id"] = digits
    if person:
        contact["user_id"] = directory.as_person(person, number["waba_id"]).user_id
    accepted: JSON = {"id": wamid}
    if kind == "template":
        held = any(each.kind == "held" for each in strikes)
        accepted["message_status"] = "held_for_quality_assessment" if held else "accepted"
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [accepted]}


def record_past(
    channel: str,
    person: sqlite3.Row,
    text: str,
    at: float,
    *,
    status: str = "read",
    reply_to: str = "",
) -> str:
    """Something that the business sent before the sandbox began to look: no call, no webhook. Gives its
    wamid."""
    if status not in statuses.RANK:
        raise ValueError(f"There is no status {status}.")
    account = accounts.find(channel)
    wamid = (
        events.new_mid(account["app"])
        if account
        else envelopes.new_wamid(person["wa_id"] or envelopes.digits(person["user_id"]), outgoing=True)
    )
    with world.write() as db:
        db.execute(
            "INSERT INTO messages (wamid, number, person, outgoing, type, content, context, at, status) "
            "VALUES (?, ?, ?, 1, 'text', ?, ?, ?, ?)",
            (
                wamid,
                channel,
                person["id"],
                json.dumps({"body": text}),
                reply_to,
                at,
                status,
            ),
        )
        _seen_up_to(db, channel, person["id"], at)
    return wamid


def required(name: str) -> GraphError:
    """Meta's words for a missing parameter."""
    return GraphError(100, f"The parameter {name} is required.", message=f"(#100) The parameter {name} is required.")


def _object(value: Any, name: str) -> JSON:
    if not isinstance(value, dict):
        raise GraphError(100, f"Param {name} must be a JSON object.")
    return value


def _recipient(number: sqlite3.Row, payload: JSON) -> tuple[str, sqlite3.Row | None]:
    """The digits written to and the person behind them, if any. `to` wins over `recipient`."""
    to, recipient = payload.get("to"), payload.get("recipient")
    if not to and not recipient:
        raise required("to")
    if to:
        digits = envelopes.digits(str(to))
        if not 6 <= len(digits) <= 15:
            raise GraphError(131009, "Recipient phone number is not a valid phone number.")
        if digits == directory.as_number(number).digits:
            raise GraphError(131021)
        return digits, world.row("SELECT * FROM people WHERE wa_id = ?", digits)
    for each in world.rows("SELECT * FROM people"):
        if directory.as_person(each, number["waba_id"]).user_id == recipient:
            return each["wa_id"] or "", each
    raise GraphError(131009, "The recipient is not a valid business-scoped user ID.")


def _text(content: Any, number: sqlite3.Row) -> None:
    body = _object(content, "text").get("body")
    if not isinstance(body, str) or not body.strip():
        raise GraphError(131008, "Parameter 'text.body' is mandatory.")
    if len(body) > MAX_TEXT:
        raise too_long("text['body']", MAX_TEXT)


def _media(kind: str) -> Callable[[Any, sqlite3.Row], None]:
    def check(content: Any, number: sqlite3.Row) -> None:
        given = _object(content, kind)
        if not given.get("id") and not given.get("link"):
            raise GraphError(131008, f"Parameter '{kind}.id' or '{kind}.link' is mandatory.")
        if len(str(given.get("caption") or "")) > MAX_CAPTION:
            raise too_long(f"{kind}['caption']", MAX_CAPTION)
        if not given.get("id"):
            return
        found = world.row("SELECT * FROM media WHERE id = ?", str(given["id"]))
        if not found or found["number"] != number["phone_number_id"]:
            message = f"Param {kind}['id'] is not a valid whatsapp business account media attachment ID"
            raise GraphError(100, message, message=f"(#100) {message}")

    return check


def _location(content: Any, number: sqlite3.Row) -> None:
    given = _object(content, "location")
    for name, limit in (("latitude", 90), ("longitude", 180)):
        if name not in given:
            raise GraphError(131008, f"Parameter 'location.{name}' is mandatory.")
        try:
            inside = abs(float(given[name])) <= limit
        except (TypeError, ValueError):
            inside = False
        if not inside:
            raise GraphError(131009, f"Parameter 'location.{name}' is not a valid coordinate.")


def _contacts(content: Any, number: sqlite3.Row) -> None:
    if not isinstance(content, list) or not content:
        raise GraphError(131008, "Parameter 'contacts' is mandatory.")
    for each in content:
        if not _object(_object(each, "contacts[0]").get("name", {}), "contacts[0].name").get("formatted_name"):
            raise GraphError(131008, "Parameter 'contacts[0].name.formatted_name' is mandatory.")


def _reaction(content: Any, number: sqlite3.Row) -> None:
    if not _object(content, "reaction").get("message_id"):
        raise GraphError(131008, "Parameter 'reaction.message_id' is mandatory.")


def _template(content: Any, number: sqlite3.Row) -> None:
    given = _object(content, "template")
    if not given.get("name") or not _object(given.get("language", {}), "template.language").get("code"):
        raise GraphError(131008, "Parameters 'template.name' and 'template.language.code' are mandatory.")


def _interactive(content: Any, number: sqlite3.Row) -> None:
    given = _object(content, "interactive")
    if not given.get("type") or "action" not in given:
        raise GraphError(131008, "Parameters 'interactive.type' and 'interactive.action' are mandatory.")
    action = _object(given["action"], "interactive.action")
    body = _object(given.get("body", {}), "interactive.body").get("text")
    if given["type"] in ("button", "list"):
        if not isinstance(body, str) or not body.strip():
            raise GraphError(131008, "Parameter 'interactive.body.text' is mandatory.")
        if len(body) > (1024 if given["type"] == "button" else 4096):
            raise too_long("interactive['body']['text']", 1024 if given["type"] == "button" else 4096)
        (_buttons if given["type"] == "button" else _rows)(action)


def _buttons(action: JSON) -> None:
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise GraphError(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    replies = [_object(_object(each, "button").get("reply"), "reply") for each in buttons]
    _sized([(each.get("title"), 20) for each in replies] + [(each.get("id"), 256) for each in replies])
    if len({each["id"] for each in replies}) < len(replies):
        raise GraphError(131009, "Duplicated button reply ids.")


def _rows(action: JSON) -> None:
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise GraphError(131009, "A list has 1 to 10 sections.")
    rows = [_object(row, "row") for part in sections for row in _object(part, "section").get("rows") or []]
    if not 1 <= len(rows) <= 10:
        raise GraphError(131009, "Total row count exceed max allowed count: 10")
    _sized(
        [(action.get("button"), 20), *((row.get("title"), 24) for row in rows), *((row.get("id"), 200) for row in rows)]
    )
    if any(len(str(row.get("description") or "")) > 72 for row in rows):
        raise too_long("row['description']", 72)
    if len(sections) > 1:
        _sized([(part.get("title"), 24) for part in sections])


def _sized(given: list[tuple[Any, int]]) -> None:
    for value, limit in given:
        if not isinstance(value, str) or not value.strip():
            raise GraphError(131008, "A title or an id of interactive.action is missing.")
        if len(value) > limit:
            raise too_long("interactive['action']", limit)


CHECKS: dict[str, Callable[[Any, sqlite3.Row], None]] = {
    "text": _text,
    **{kind: _media(kind) for kind in media.KINDS},
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "template": _template,
    "interactive": _interactive,
}


def too_long(name: str, limit: int) -> GraphError:
    """Meta's words for a text above its limit."""
    words = f"Param {name} must be at most {limit} characters long."
    return GraphError(100, words, message=f"(#100) {words}")


def _later_problem(
    number: sqlite3.Row, person: sqlite3.Row | None, kind: str, content: Any, strikes: list[Strike]
) -> JSON | None:
    """The error with which an accepted message fails a moment later, or None."""
    for each in strikes:
        if each.kind == "undeliverable":
            return in_status(int(each["code"]))
        if each.kind in LATER:
            return in_status(LATER[each.kind])
    if person is None:
        return in_status(131026)
    if kind != "template":
        last = chats.last_words(number["phone_number_id"], person["id"])
        if last is None or world.now() - last > WINDOW:
            return in_status(131047)
    if kind == "reaction":
        target = world.row("SELECT * FROM messages WHERE wamid = ?", str(content["message_id"]))
        if not target or target["type"] == "reaction" or world.now() - target["at"] > REACTION_AGE:
            return in_status(131009, "The message to react to is too old, gone or a reaction itself.")
    voice = kind == "audio" and content.get("voice") and content.get("id")
    if voice and media.plain(media.row(str(content["id"]))["mime"]) != "audio/ogg":
        return in_status(131053, "A voice message must be OGG with Opus, mono.")
    return None


def _record(
    wamid: str,
    number: sqlite3.Row,
    person: str,
    kind: str,
    content: Any,
    quoted: str,
    data: str,
    problem: JSON | None,
) -> None:
    with world.write() as db:
        made = db.execute(
            "INSERT INTO messages (wamid, number, person, outgoing, type, content, context, "
            "callback_data, at, status, error) "
            "VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, 'accepted', ?)",
            (
                wamid,
                number["phone_number_id"],
                person,
                kind,
                json.dumps(content),
                quoted,
                data,
                world.now(),
                json.dumps(problem) if problem else "",
            ),
        )
        if kind == "reaction" and not problem:
            db.execute("DELETE FROM reactions WHERE target = ? AND outgoing = 1", (content["message_id"],))
            if content.get("emoji"):
                db.execute("INSERT INTO reactions VALUES (?, 1, ?)", (content["message_id"], content["emoji"]))
        statuses.stop_typing(number["phone_number_id"], person)
        statuses.plan(int(made.lastrowid or 0), "failed" if problem else "sent")


def _mark_read(number: sqlite3.Row, payload: JSON) -> JSON:
    """`status: read`, with or without the typing indicator: that message and all before it count as read."""
    if payload["status"] != "read":
        raise GraphError(131009, "Parameter 'status' must be 'read'.")
    found = world.row(
        "SELECT * FROM messages WHERE wamid = ? AND number = ? AND outgoing = 0",
        str(payload.get("message_id")),
        number["phone_number_id"],
    )
    if not found:
        raise GraphError(131009, "Parameter 'message_id' names no received message.")
    with world.write() as db:
        _seen_up_to(db, found["number"], found["person"], found["at"])
        if isinstance(payload.get("typing_indicator"), dict):
            statuses.type_at(found["number"], found["person"])
    return {"success": True}


def _seen_up_to(db: sqlite3.Connection, number: str, person: str, at: float) -> None:
    db.execute(
        "UPDATE messages SET status = 'read' WHERE number = ? AND person = ? AND outgoing = 0 AND at <= ?",
        (number, person, at),
    )
