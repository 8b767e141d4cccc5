"""What befalls WhatsApp's messages and people later: edits, messages taken back, another number, marketing switched off,
and what the owner writes on the shop's own phone (facts 6, 9 and 10)."""

import json
import secrets
import sqlite3
from typing import Any

from . import directory, envelopes, media, outgoing, world
from .page_phone import own

JSON = dict[str, Any]
EDIT_WITHIN, REVOKE_WITHIN = 15 * 60.0, 2 * 24 * 3600.0  # seconds


def edit(number_id: str, person: str, target: str, text: str, *, at: float | None = None) -> JSON:
    """A person changes a text within 15 minutes. Meta tells of it only where the number is used on a phone as well."""
    number, who, found, moment = _own(number_id, person, target, at)
    if found["type"] != "text":
        raise ValueError("Only a text can be changed.")
    if moment - found["at"] > EDIT_WITHIN:
        raise ValueError("WhatsApp lets one change a message for 15 minutes.")
    content = {"body": text}
    with world.write() as db:
        db.execute(
            "UPDATE messages SET content = ?, edits = edits + 1 WHERE seq = ?", (json.dumps(content), found["seq"])
        )
        change = {"original_message_id": target, "message": {"type": "text", "text": content}}
        return {"webhooks": _tell(number, who, "edit", change, moment)}


def unsend(number_id: str, person: str, target: str, *, at: float | None = None) -> JSON:
    """A person deletes a message for everyone, within two days. Told as an edit is."""
    number, who, found, moment = _own(number_id, person, target, at)
    if moment - found["at"] > REVOKE_WITHIN:
        raise ValueError("WhatsApp lets one delete a message for everyone for two days.")
    with world.write() as db:
        db.execute("UPDATE messages SET unsent = 1, content = '{}' WHERE seq = ?", (found["seq"],))
        db.execute("DELETE FROM reactions WHERE target = ?", (target,))
        content = json.loads(found["content"])
        if isinstance(content, dict) and content.get("id"):
            media.delete(content["id"])
        return {"webhooks": _tell(number, who, "revoke", {"original_message_id": target}, moment)}


def change_number(person: str, wa_id: str) -> JSON:
    """A person moves to another number: every number that they wrote to is told, by a system message without contacts.
    Their business-scoped id becomes another one."""
    who, digits = directory.person(person), envelopes.digits(wa_id)
    if not 6 <= len(digits) <= 15 or world.row("SELECT 1 FROM people WHERE wa_id = ?", digits):
        raise ValueError("A number has 6 to 15 digits and belongs to nobody else.")
    former = who["wa_id"] or ""
    country = who["user_id"].partition(".")[0]
    fresh = f"{country}.{secrets.randbelow(9 * 10**15) + 10**15}"
    ids: list[int] = []
    told = world.rows("SELECT DISTINCT number FROM messages WHERE person = ?", who["id"])
    with world.write() as db:
        for each in told:
            if not world.row("SELECT 1 FROM numbers WHERE phone_number_id = ?", each["number"]):
                continue
            number = directory.number(each["number"])
            seen = directory.as_person(who, number["waba_id"])
            system = {
                "body": f"{who['name']} changed from {former} to {digits}", "wa_id": digits, "user_id": fresh,
                "previous_user_id": seen.user_id, "type": "user_changed_number",
            }  # fmt: skip
            element = envelopes.message(seen, envelopes.new_wamid(former), world.now(), "system", system)
            element.pop("from_user_id", None)
            value = envelopes.messages_value(directory.as_number(number), [], [element])
            del value["contacts"]
            ids += _post(number, who, value, "messages", "message system")
        db.execute("UPDATE people SET wa_id = ?, user_id = ?, user_ids = '{}' WHERE id = ?", (digits, fresh, who["id"]))
    return {"wa_id": digits, "user_id": fresh, "webhooks": ids}


def prefer(number_id: str, person: str, value: str) -> JSON:
    """A person stops (`stop`) or wants again (`resume`) marketing of this business, in WhatsApp's own menu."""
    if value not in ("stop", "resume"):
        raise ValueError("value is stop or resume.")
    number, who = directory.number(number_id), directory.person(person)
    seen = directory.as_person(who, number["waba_id"])
    words = f"User requested to {value} marketing messages"
    told: JSON = {
        "user_id": seen.user_id, "detail": words, "category": "marketing_messages", "value": value,
        "timestamp": int(world.now()),
    } | ({"wa_id": seen.wa_id} if seen.wa_id else {})  # fmt: skip
    body = envelopes.messages_value(directory.as_number(number), [seen], [])
    del body["messages"]
    return {
        "webhooks": _post(number, who, {**body, "user_preferences": [told]}, "user_preferences", f"marketing {value}")
    }


def write_elsewhere(number_id: str, person: str, text: str, *, at: float | None = None) -> JSON:
    """The owner answers in the WhatsApp Business app: an echo, and nothing that was sent by the API."""
    number, who = directory.number(number_id), directory.person(person)
    if not number["on_phone"]:
        raise ValueError("This number is not used in the WhatsApp Business app.")
    moment = world.now() if at is None else at
    seen = directory.as_person(who, number["waba_id"])
    wamid = envelopes.new_wamid(seen.wa_id or envelopes.digits(seen.user_id), outgoing=True)
    with world.write() as db:
        db.execute(
            "INSERT INTO messages (wamid, number, person, outgoing, type, content, at, status, sent_from) "
            "VALUES (?, ?, ?, 1, 'text', ?, ?, 'delivered', 'phone')",
            (wamid, number_id, who["id"], json.dumps({"body": text}), moment),
        )
        _echo(number, who, {"id": wamid, "timestamp": str(int(moment)), "type": "text", "text": {"body": text}})
    return {"wamid": wamid}


def unsend_elsewhere(number_id: str, target: str) -> JSON:
    """The owner deletes for everyone what they wrote in the WhatsApp Business app."""
    number = directory.number(number_id)
    sql = "SELECT * FROM messages WHERE wamid = ? AND number = ? AND sent_from = 'phone' AND unsent = 0"
    found = world.row(sql, target, number_id)
    if not found:
        raise directory.Unknown("Nothing like that was written on the shop's phone.")
    who = directory.person(found["person"])
    with world.write() as db:
        db.execute("UPDATE messages SET unsent = 1, content = '{}' WHERE seq = ?", (found["seq"],))
        wamid = envelopes.new_wamid(who["wa_id"] or "", outgoing=True)
        moment = str(int(world.now()))
        _echo(number, who, {
            "id": wamid, "timestamp": moment, "type": "revoke", "revoke": {"original_message_id": target},
        })  # fmt: skip
    return {"wamid": wamid}


def use_on_phone(number_id: str, on_phone: bool) -> None:
    """Whether the number is used in the WhatsApp Business app as well (coexistence)."""
    directory.number(number_id)
    with world.write() as db:
        db.execute("UPDATE numbers SET on_phone = ? WHERE phone_number_id = ?", (int(on_phone), number_id))


def _own(
    number_id: str, person: str, target: str, at: float | None
) -> tuple[sqlite3.Row, sqlite3.Row, sqlite3.Row, float]:
    number, who = directory.number(number_id), directory.person(person)
    return number, who, own(number_id, who["id"], target), world.now() if at is None else at


def _tell(number: sqlite3.Row, who: sqlite3.Row, kind: str, content: JSON, at: float) -> list[int]:
    if not number["on_phone"]:
        return []  # a number of the plain Cloud API: Meta tells nobody (6)
    seen = directory.as_person(who, number["waba_id"])
    wamid = envelopes.new_wamid(seen.wa_id or envelopes.digits(seen.user_id))
    element = envelopes.message(seen, wamid, at, kind, content)
    value = envelopes.messages_value(directory.as_number(number), [seen], [element])
    return _post(number, who, value, "messages", f"message {kind}")


def _echo(number: sqlite3.Row, who: sqlite3.Row, element: JSON) -> None:
    seen = directory.as_person(who, number["waba_id"])
    shop = directory.as_number(number)
    sides = {"from": shop.digits} | ({"to": seen.wa_id} if seen.wa_id else {}) | {"to_user_id": seen.user_id}
    value = envelopes.messages_value(shop, [], [])
    del value["messages"], value["contacts"]
    _post(number, who, {**value, "message_echoes": [sides | element]}, "smb_message_echoes", f"echo {element['type']}")


def _post(number: sqlite3.Row, who: sqlite3.Row, value: JSON, field: str, summary: str) -> list[int]:
    lane = f"{number['phone_number_id']} {who['id']}"
    return outgoing.enqueue(number, envelopes.body([(number["waba_id"], value)], field), summary, lane=lane)
