"""What becomes of a message that Meta accepted from the business: sent, delivered, read, or failed; each
with its webhook. The next step and its time stand with the message, so a restart goes on where a killed
process stopped."""

import json
import random
import sqlite3
import time
from typing import Any

from . import accounts, directory, envelopes, outgoing, receipts, world

RANK = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "played": 4, "failed": 5}
# Seconds, least and most, before a step; times the world's pace.
DELAYS = {"sent": (0.2, 0.5), "failed": (0.4, 0.9), "delivered": (0.4, 1.1), "read": (0.7, 1.6)}
LOOKING = 12.0  # seconds for which one look at a chat counts
NOBODY = "nobody "  # before the digits of an address that no person of the sandbox has
TYPING = 25.0  # seconds that a typing indicator lasts


def plan(seq: int, name: str) -> None:
    """Let a message take its next step after its natural delay."""
    least, most = DELAYS[name]
    delay = random.uniform(least, most) * world.setting("pace")  # noqa: S311
    with world.write() as db:
        db.execute("UPDATE messages SET next_status = ?, next_at = ? WHERE seq = ?", (name, time.time() + delay, seq))


def step() -> bool:
    """Take one step that is due; False when none is."""
    if not world.row("SELECT 1 FROM messages WHERE next_at <= ? LIMIT 1", time.time()):
        return False
    with world.write() as db:
        due: sqlite3.Row | None = db.execute(
            "SELECT * FROM messages WHERE next_at <= ? ORDER BY next_at, seq LIMIT 1", (time.time(),)
        ).fetchone()
        if not due:
            return False
        name = due["next_status"]
        db.execute(
            "UPDATE messages SET next_status = '', next_at = NULL, status = ? WHERE seq = ?",
            (name, due["seq"]),
        )
        report(due, name)
        if name == "sent" and not _offline(due["person"]):
            plan(due["seq"], "delivered")
        elif name == "delivered" and looking(due["number"], due["person"]):
            plan(due["seq"], "read")
    return True


def next_step() -> float | None:
    """When the earliest planned step is due, in Unix seconds."""
    found = world.row("SELECT min(next_at) AS at FROM messages WHERE next_at IS NOT NULL")
    return float(found["at"]) if found and found["at"] is not None else None


def report(message: sqlite3.Row, name: str) -> None:
    """Queue the webhook of one status."""
    if account := accounts.find(message["number"]):
        receipts.report(account, message, name)
        return
    number = directory.number(message["number"])
    person = _recipient(message["person"], number["waba_id"])
    errors: list[dict[str, Any]] = [json.loads(message["error"])] if name == "failed" and message["error"] else []
    element = envelopes.status(
        person, message["wamid"], name, world.now(), callback_data=message["callback_data"], errors=errors
    )
    body = envelopes.body(
        [(number["waba_id"], envelopes.statuses_value(directory.as_number(number), [person], [element]))]
    )
    delay, lane = receipts.weather(message, name)
    outgoing.enqueue(number, body, f"status {name}", lane=lane, delay=delay)


def look(number: str, person: str) -> None:
    """The person has this chat open: what was delivered becomes read."""
    with world.write() as db:
        _remember(db, number, person, "looking", LOOKING)
        unread = db.execute(
            "SELECT seq FROM messages WHERE number = ? AND person = ? AND outgoing = 1 AND status = "
            "'delivered' "
            "AND next_at IS NULL AND type != 'reaction'",
            (number, person),
        ).fetchall()
        for each in unread:
            plan(each["seq"], "read")


def look_away(number: str, person: str) -> None:
    """The person has put the chat away: what arrives now is delivered and waits to be read."""
    with world.write() as db:
        db.execute("DELETE FROM presence WHERE number = ? AND person = ? AND kind = 'looking'", (number, person))


def come_online(person: str) -> None:
    """The phone is back: what waited at `sent` is delivered, oldest first."""
    directory.set_offline(person, False)
    for each in world.rows(
        "SELECT seq FROM messages WHERE person = ? AND outgoing = 1 AND status = 'sent' AND next_at IS "
        "NULL ORDER BY seq",
        person,
    ):
        plan(each["seq"], "delivered")


def play(wamid: str) -> None:
    """The person listens to a voice message for the first time."""
    with world.write() as db:
        found = db.execute(
            "SELECT * FROM messages WHERE wamid = ? AND outgoing = 1 AND type = 'audio' AND status IN "
            "('delivered', 'read')",
            (wamid,),
        ).fetchone()
        if found:
            db.execute("UPDATE messages SET status = 'played', next_at = NULL WHERE seq = ?", (found["seq"],))
            report(found, "played")


def looking(number: str, person: str) -> bool:
    """Whether the person has this chat open now."""
    sql = "SELECT 1 FROM presence WHERE number = ? AND person = ? AND kind = 'looking' AND until > ?"
    return bool(world.row(sql, number, person, time.time()))


def type_at(number: str, person: str) -> None:
    """The business shows that it is typing."""
    with world.write() as db:
        _remember(db, number, person, "typing", TYPING)


def typing(number: str, person: str) -> float:
    """For how many more seconds the business's typing indicator shows (0: it doesn't)."""
    found = world.row("SELECT until FROM presence WHERE number = ? AND person = ? AND kind = 'typing'", number, person)
    return max(0.0, float(found["until"]) - time.time()) if found else 0.0


def stop_typing(number: str, person: str) -> None:
    """A message of the business ends its typing."""
    with world.write() as db:
        db.execute("DELETE FROM presence WHERE number = ? AND person = ? AND kind = 'typing'", (number, person))


def _remember(db: sqlite3.Connection, number: str, person: str, kind: str, seconds: float) -> None:
    db.execute("INSERT OR REPLACE INTO presence VALUES (?, ?, ?, ?)", (number, person, kind, time.time() + seconds))


def _offline(person: str) -> bool:
    return bool(directory.person(person)["offline"])


def _recipient(person: str, waba_id: str) -> envelopes.Person:
    """The person, or only the address where nobody with a phone is behind it."""
    if person.startswith(NOBODY):
        return envelopes.Person(wa_id=envelopes.digits(person))
    return directory.as_person(directory.person(person), waba_id)
