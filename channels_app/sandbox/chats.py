"""What the phone and the tests read: chats, people, numbers, what the business sent, webhooks, calls."""

import json
import sqlite3
from collections import Counter
from typing import Any

from . import accounts, directory, faults, shown, statuses, world

JSON = dict[str, Any]
SHOWN = 120  # messages of a chat on the phone
LOG = 40  # webhooks and calls in the log


def last_words(number: str, person: str) -> float | None:
    """When the person last wrote to the number (Unix seconds on Meta's clock): the 24 hours count from
    here."""
    found = world.row(
        "SELECT max(at) AS at FROM (SELECT at FROM messages WHERE number = ? AND person = ? AND outgoing = 0 AND type != "
        "'reaction' UNION ALL SELECT at FROM windows WHERE number = ? AND person = ?)",
        *(number, person, number, person),
    )
    return found["at"] if found else None


def numbers() -> list[JSON]:
    """Every channel: business numbers, Pages, Instagram accounts."""
    found = world.rows("SELECT phone_number_id FROM numbers ORDER BY rowid")
    listed = []
    for each in found:
        number = directory.number(each["phone_number_id"])
        listed.append(
            {
                "id": number["phone_number_id"],
                "app": "whatsapp",
                "on_phone": bool(number["on_phone"]),
                "waba_id": number["waba_id"],
                "name": number["verified_name"],
                "display": number["display"],
                "connected": bool(number["subscribed"]),
                "callback": directory.callback(number),
            }
        )
    for each in world.rows("SELECT * FROM accounts ORDER BY app DESC, rowid"):
        place = accounts.doors(each, "message")
        name = f"@{each['username']}" if each["username"] else ""
        listed.append(
            {
                "id": each["id"],
                "app": each["app"],
                "on_phone": False,
                "waba_id": "",
                "name": each["name"],
                "display": name or ("Facebook Page" if each["app"] == "messenger" else "Instagram"),
                "connected": bool(place),
                "callback": place[0][0] if place else "",
            }
        )
    return listed


def people(number: str) -> list[JSON]:
    """Everyone, those who wrote last first, with the last line of their chat with this channel."""
    account = accounts.find(number)
    found = world.rows(
        "SELECT p.*, m.number, m.type, m.content, m.outgoing, m.unsent, m.at, m.status, (SELECT count(*) FROM messages u "
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
            "address": _address(each, account["app"] if account else "whatsapp"),
            "wa_id": each["wa_id"] or "",
            "country": each["country"],
            "offline": bool(each["offline"]),
            "initials": "".join(word[0] for word in each["name"].split()[:2]).upper(),
            "hue": sum(each["id"].encode()) % 12,
            "last": shown.preview(each) if each["type"] else "",
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
    texts = {each["wamid"]: shown.preview(each) for each in found}
    sides = {each["wamid"]: bool(each["outgoing"]) for each in found}
    return [
        {
            "id": each["wamid"],
            "outgoing": bool(each["outgoing"]),
            "type": each["type"],
            "content": json.loads(each["content"]),
            "card": _card(each),
            "edited": bool(each["edits"]),
            "unsent": bool(each["unsent"]),
            "sent_from": each["sent_from"],
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
            "text": shown.preview(each) if each["type"] != "text" else json.loads(each["content"]).get("body", ""),
            "context": each["context"],
            "callback_data": each["callback_data"],
            "at": each["at"],
            "status": each["status"],
            "error": json.loads(each["error"]) if each["error"] else None,
            "sent_from": each["sent_from"],
            "edited": bool(each["edits"]),
            "unsent": bool(each["unsent"]),
            "choices": (shown.card(each) or {}).get("choices", []),
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


def screen(number_id: str, person_id: str, app: str = "") -> JSON:
    """Everything that the phone page shows at once; with `app` the channels of one app only can be chosen."""
    listed = numbers()
    choices = [each["id"] for each in listed if app in ("", each["app"])]
    number_id = number_id if number_id in choices else (choices[0] if choices else "")
    everyone = people(number_id)
    chosen = next((each for each in everyone if each["id"] == person_id), None)
    chat: JSON | None = None
    if number_id and chosen:
        last = last_words(number_id, chosen["id"])
        chat = {
            "messages": messages(number_id, chosen["id"]),
            "blocked": bool(world.row("SELECT 1 FROM blocks WHERE number = ? AND person = ?", number_id, chosen["id"])),
            "other_app": bool(
                world.row("SELECT 1 FROM owners WHERE number = ? AND person = ?", number_id, chosen["id"])
            ),
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
        "templates": templates_of(number_id),
        "review": world.setting("review"),
    }


def templates_of(number_id: str) -> list[JSON]:
    """The templates of a number's business, as they stand."""
    return [
        {name: each[name] for name in ("id", "name", "language", "category", "status", "quality", "reason")}
        for each in world.rows(
            "SELECT t.* FROM templates t JOIN numbers n USING (waba_id) WHERE n.phone_number_id = ? ORDER BY t.rowid",
            number_id,
        )
    ]


def _address(person: sqlite3.Row, app: str) -> str:
    """How an app shows who somebody is."""
    if app == "instagram":
        return f"@{person['instagram']}"
    if app == "messenger":
        return "Facebook"
    return f"+{person['wa_id']}" if person["wa_id"] else f"@{person['username'] or 'username'}"


def _card(message: sqlite3.Row) -> JSON | None:
    found = shown.card(message)
    if found and found.get("file"):
        found["file_kind"] = shown.file_kind(found["file"])
    return found


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
