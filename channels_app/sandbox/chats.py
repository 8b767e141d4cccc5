"""What the phone and the tests read: chats, people, numbers, what the business sent, webhooks, calls."""

import json
import sqlite3
from collections import Counter
from typing import Any

from . import directory, faults, media, statuses, world

JSON = dict[str, Any]
SHOWN = 120  # messages of a chat on the phone
LOG = 40  # webhooks and calls in the log


def last_words(number: str, person: str) -> float | None:
    """When the person last wrote to the number (Unix seconds on Meta's clock): the 24 hours count from
    here."""
    found = world.row(
        "SELECT max(at) AS at FROM messages WHERE number = ? AND person = ? AND outgoing = 0", number, person
    )
    return found["at"] if found else None


def numbers() -> list[JSON]:
    """Every business number."""
    found = world.rows("SELECT phone_number_id FROM numbers ORDER BY rowid")
    listed = []
    for each in found:
        number = directory.number(each["phone_number_id"])
        listed.append(
            {
                "id": number["phone_number_id"],
                "waba_id": number["waba_id"],
                "name": number["verified_name"],
                "display": number["display"],
                "connected": bool(number["subscribed"]),
                "callback": directory.callback(number),
            }
        )
    return listed


def people(number: str) -> list[JSON]:
    """Everyone, those who wrote last first, with the last line of their chat with this number."""
    found = world.rows(
        "SELECT p.*, m.type, m.content, m.outgoing, m.at, m.status, (SELECT count(*) FROM messages u "
        "WHERE u.number = ? "
        "AND u.person = p.id AND u.outgoing = 1 AND u.status IN ('sent', 'delivered') AND u.type != "
        "'reaction') AS unread "
        "FROM people p LEFT JOIN messages m ON m.seq = (SELECT seq FROM messages WHERE number = ? AND "
        "person = p.id "
        "AND type != 'reaction' ORDER BY at DESC, seq DESC LIMIT 1) ORDER BY m.at IS NULL, m.at DESC, "
        "p.rowid",
        number,
        number,
    )
    return [
        {
            "id": each["id"],
            "name": each["name"],
            "address": f"+{each['wa_id']}" if each["wa_id"] else f"@{each['username'] or 'username'}",
            "country": each["country"],
            "offline": bool(each["offline"]),
            "initials": "".join(word[0] for word in each["name"].split()[:2]).upper(),
            "hue": sum(each["id"].encode()) % 12,
            "last": _preview(each) if each["type"] else "",
            "at": each["at"],
            "unread": each["unread"],
        }
        for each in found
    ]


def messages(number: str, person: str, limit: int = SHOWN) -> list[JSON]:
    """The chat, oldest first, as the phone shows it."""
    found = world.rows(
        "SELECT m.*, w.state AS webhook_state, w.code AS webhook_code, w.attempts FROM messages m "
        "LEFT JOIN webhooks w ON w.id = m.webhook WHERE m.number = ? AND m.person = ? AND m.type != "
        "'reaction' "
        "ORDER BY m.at DESC, m.seq DESC LIMIT ?",
        number,
        person,
        limit,
    )
    reactions: dict[str, list[JSON]] = {}
    for mark in world.rows(
        "SELECT r.* FROM reactions r JOIN messages m ON m.wamid = r.target WHERE m.number = ?", number
    ):
        reactions.setdefault(mark["target"], []).append({"emoji": mark["emoji"], "business": bool(mark["outgoing"])})
    texts = {each["wamid"]: _preview(each) for each in found}
    sides = {each["wamid"]: bool(each["outgoing"]) for each in found}
    return [
        {
            "id": each["wamid"],
            "outgoing": bool(each["outgoing"]),
            "type": each["type"],
            "content": json.loads(each["content"]),
            "at": each["at"],
            "status": each["status"] if each["outgoing"] else _journey(each),
            "error": json.loads(each["error"])["title"] if each["error"] else "",
            "quoted": {"text": texts.get(each["context"], ""), "outgoing": sides.get(each["context"], True)}
            if each["context"]
            else None,
            "reactions": reactions.get(each["wamid"], []),
        }
        for each in reversed(found)
    ]


def sent(person: str | None, number: str | None) -> JSON:
    """What the business sent (to a person, from a number), in order, and how often each callback data came:
    a value above one was sent twice."""
    found = world.rows(
        "SELECT * FROM messages WHERE outgoing = 1 AND (? IS NULL OR person = ?) AND (? IS NULL OR "
        "number = ?) ORDER BY seq",
        person,
        person,
        number,
        number,
    )
    listed = [
        {
            "wamid": each["wamid"],
            "person": each["person"],
            "number": each["number"],
            "type": each["type"],
            "content": json.loads(each["content"]),
            "text": _preview(each) if each["type"] != "text" else json.loads(each["content"])["body"],
            "context": each["context"],
            "callback_data": each["callback_data"],
            "at": each["at"],
            "status": each["status"],
            "error": json.loads(each["error"]) if each["error"] else None,
        }
        for each in found
    ]
    counted = Counter(each["callback_data"] for each in found if each["callback_data"])
    return {"messages": listed, "by_callback_data": dict(counted)}


def webhooks(limit: int = LOG) -> list[JSON]:
    """The webhooks tried last, newest first, with the answer to the last try."""
    found = world.rows(
        "SELECT id, url, summary, attempts, state, code, error, ms, created, done, due, length(body) AS size "
        "FROM webhooks ORDER BY coalesce(done, created) DESC, id DESC LIMIT ?",
        limit,
    )
    return [dict(each) for each in found]


def calls(limit: int = LOG) -> list[JSON]:
    """The last calls of the product to the Graph stand-in, newest first."""
    return [dict(each) for each in world.rows("SELECT * FROM calls ORDER BY id DESC LIMIT ?", limit)]


def screen(number_id: str, person_id: str) -> JSON:
    """Everything that the phone page shows at once."""
    listed = numbers()
    number_id = number_id if any(each["id"] == number_id for each in listed) else (listed[0]["id"] if listed else "")
    everyone = people(number_id)
    chosen = next((each for each in everyone if each["id"] == person_id), None)
    chat: JSON | None = None
    if number_id and chosen:
        last = last_words(number_id, chosen["id"])
        chat = {
            "messages": messages(number_id, chosen["id"]),
            "typing_for": statuses.typing(number_id, chosen["id"]),
            "window_closes_at": last + 24 * 3600 if last is not None else None,
        }
    return {
        "revision": world.revision(),
        "now": world.now(),
        "number": number_id,
        "person": chosen["id"] if chosen else "",
        "numbers": listed,
        "people": everyone,
        "chat": chat,
        "webhooks": webhooks(),
        "calls": calls(),
        "faults": faults.listed(),
    }


def _journey(message: sqlite3.Row) -> str:
    """How far a person's message came: waiting, retrying, arrived at the product, read there, or nobody
    listens."""
    if message["status"] == "read":
        return "read"
    if message["webhook"] is None:
        return "unheard"
    if message["webhook_state"] in (None, "done"):  # answered; an old one may have left the log
        return "arrived"
    return "retrying" if message["attempts"] and message["webhook_code"] is not None else "waiting"


def _preview(message: sqlite3.Row) -> str:
    """One line for lists and quotes."""
    content = json.loads(message["content"])
    kind = message["type"]
    if kind == "text":
        return str(content.get("body", ""))[:140]
    if kind in media.KINDS:
        words = {
            "image": "Photo",
            "video": "Video",
            "audio": "Audio",
            "document": "Document",
            "sticker": "Sticker",
        }
        name = "Voice message" if kind == "audio" and content.get("voice") else words[kind]
        return str(content.get("caption") or content.get("filename") or name)[:140]
    if kind == "location":
        return str(content.get("name") or "Location")
    if kind == "contacts" and isinstance(content, list) and content:
        return str(content[0].get("name", {}).get("formatted_name") or "Contact")
    if kind == "template":
        return f"Template {content.get('name', '')}"
    if kind == "interactive":
        return str(content.get("body", {}).get("text") or "Interactive message")[:140]
    return "Unsupported message" if kind == "unsupported" else kind
