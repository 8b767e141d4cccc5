"""What people do on their phones: write, send files, react. Everything becomes a real webhook."""

import json
import random
import secrets
import sqlite3
from collections.abc import Sequence
from typing import Any

from . import blocks, directory, envelopes, media, outgoing, world
from .errors import in_status

JSON = dict[str, Any]
PLAIN = ("text", "location", "contacts", "interactive", "button", "order", "unsupported")


def send(
    number_id: str,
    person: str,
    kind: str,
    content: Any = None,
    *,
    reply_to: str = "",
    forwarded: bool = False,
    referral: JSON | None = None,
    at: float | None = None,
    origin: str = "",
) -> JSON:
    """A person writes to a business number. `content` is the object under the kind's key; for media it is
    `{"media": id}` with `caption`, `filename`, `voice`. `referral`: of the ad that led here. `at`: Unix seconds on Meta's
    clock; `origin`: the sandbox's own address, for the download link in the webhook. Gives `wamid`, `webhooks` (ids; none
    when nobody is subscribed)."""
    number, who = directory.number(number_id), directory.person(person)
    moment = world.now() if at is None else at
    seen = directory.as_person(who, number["waba_id"])
    wamid = envelopes.new_wamid(seen.wa_id or envelopes.digits(seen.user_id))
    on_wire, kept = wire(kind, content, origin)
    context: JSON = {}
    if reply_to:
        context = {"from": directory.as_number(number).digits, "id": reply_to}
    elif forwarded:
        context = {"forwarded": True}
    element = envelopes.message(seen, wamid, moment, kind, on_wire, context=context)
    if referral:
        element["referral"] = referral
    with world.write():
        _keep(wamid, number, who, kind, kept, moment, reply_to)
        webhooks = _post(number, who, [seen], [element], f"message {kind}")
        _link(wamid, webhooks)
    return {"wamid": wamid, "webhooks": webhooks}


def tap(number_id: str, person: str, target: str, choice: JSON) -> JSON:
    """A person taps a button or a row (an element of shown.card) of a message: an interactive reply, or (of a template)
    a button with its payload."""
    if choice["kind"] == "button":
        content: JSON = {"payload": choice["id"], "text": choice["title"]}
        return send(number_id, person, "button", content, reply_to=target)
    answer = {name: choice[name] for name in ("id", "title", "description") if choice.get(name)}
    return send(number_id, person, "interactive", {"type": choice["kind"], choice["kind"]: answer}, reply_to=target)


def react(number_id: str, person: str, target: str, emoji: str, *, at: float | None = None) -> JSON:
    """A person reacts to a message; an empty emoji takes the reaction back. Gives `wamid`, `webhooks`."""
    number, who = directory.number(number_id), directory.person(person)
    moment = world.now() if at is None else at
    seen = directory.as_person(who, number["waba_id"])
    wamid = envelopes.new_wamid(seen.wa_id or envelopes.digits(seen.user_id))
    content = {"message_id": target} | ({"emoji": emoji} if emoji else {})
    element = envelopes.message(seen, wamid, moment, "reaction", content)
    with world.write() as db:
        db.execute("DELETE FROM reactions WHERE target = ? AND outgoing = 0", (target,))
        if emoji:
            db.execute("INSERT INTO reactions VALUES (?, 0, ?)", (target, emoji))
        return {"wamid": wamid, "webhooks": _post(number, who, [seen], [element], "message reaction")}


def bulk(
    messages: Sequence[JSON], *, per_body: int = 1, times: int = 1, seed: int | None = None, number: str = ""
) -> JSON:
    """Many messages at once, as after an outage: each `times` times, all shuffled by `seed` (None: in
    order), `per_body` to a body. A message is `{"person", "text", "at"?, "number"?}` or with `type` and
    `content` instead of `text`. Gives `wamids` in the order given, and `webhooks`."""
    prepared: list[tuple[sqlite3.Row, envelopes.Person, JSON]] = []
    wamids: list[str] = []
    people: dict[str, sqlite3.Row] = {}
    numbers: dict[str, sqlite3.Row] = {}
    with world.write():
        for each in messages:
            at_number = numbers.setdefault(each.get("number", number), directory.number(each.get("number", number)))
            if each["person"] not in people:
                people[each["person"]] = directory.person(each["person"])
            who = people[each["person"]]
            seen = directory.as_person(who, at_number["waba_id"])
            moment = float(each.get("at") or world.now())
            kind = each.get("type", "text")
            content = each["content"] if "content" in each else {"body": each["text"]}
            on_wire, kept = wire(kind, content)
            wamid = envelopes.new_wamid(seen.wa_id or envelopes.digits(seen.user_id), unique=secrets.token_hex(10))
            _keep(wamid, at_number, who, kind, kept, moment, "")
            wamids.append(wamid)
            prepared.append((at_number, seen, envelopes.message(seen, wamid, moment, kind, on_wire)))
        deliveries = prepared * times
        if seed is not None:
            random.Random(seed).shuffle(deliveries)  # noqa: S311
        webhooks: list[int] = []
        for start in range(0, len(deliveries), per_body):
            part = deliveries[start : start + per_body]
            changes = []
            for at_number in {each[0]["phone_number_id"]: each[0] for each in part}.values():
                mine = [each for each in part if each[0]["phone_number_id"] == at_number["phone_number_id"]]
                value = envelopes.messages_value(
                    directory.as_number(at_number), [each[1] for each in mine], [each[2] for each in mine]
                )
                changes.append((at_number["waba_id"], value))
            summary = f"{len(part)} messages"
            webhooks += outgoing.enqueue(part[0][0], envelopes.body(changes), summary)
    return {"wamids": wamids, "webhooks": webhooks}


def wire(kind: str, content: Any, origin: str = "") -> tuple[Any, Any]:
    """The content as a webhook carries it, and as the sandbox keeps it."""
    if kind == "unsupported":
        whole = {"errors": [in_status(131051)], "unsupported": {"type": "poll"}}
        return {"": whole}, {}
    if kind in PLAIN:
        return content, content
    if kind not in media.KINDS:
        raise ValueError(f"A person can't send {kind}.")
    found = media.row(str(content["media"]))
    shown: JSON = {}
    if content.get("caption") and kind in ("image", "video", "document"):
        shown["caption"] = content["caption"]
    if kind == "document":
        shown["filename"] = content.get("filename") or found["name"]
    shown |= {"mime_type": found["mime"], "sha256": media.sha256_base64(found), "id": found["id"]}
    if origin:
        shown["url"] = media.link(found["id"], origin)
    if kind == "audio":
        shown["voice"] = bool(content.get("voice"))
    if kind == "sticker":
        shown["animated"] = False
    return shown, {name: value for name, value in shown.items() if name != "url"}


def _keep(wamid: str, number: sqlite3.Row, who: sqlite3.Row, kind: str, content: Any, at: float, reply_to: str) -> None:
    with world.write() as db:
        db.execute(
            "INSERT INTO messages (wamid, number, person, outgoing, type, content, context, at, status) "
            "VALUES (?, ?, ?, 0, ?, ?, ?, ?, 'sent')",
            (wamid, number["phone_number_id"], who["id"], kind, json.dumps(content), reply_to, at),
        )


def _post(
    number: sqlite3.Row, who: sqlite3.Row, people: list[envelopes.Person], elements: list[JSON], summary: str
) -> list[int]:
    if blocks.is_blocked(number["phone_number_id"], who["id"]):
        return []  # what a blocked person writes reaches nobody (facts 16)
    value = envelopes.messages_value(directory.as_number(number), people, elements)
    lane = f"{number['phone_number_id']} {who['id']}"
    return outgoing.enqueue(number, envelopes.body([(number["waba_id"], value)]), summary, lane=lane)


def _link(wamid: str, webhooks: list[int]) -> None:
    if webhooks:
        with world.write() as db:
            db.execute("UPDATE messages SET webhook = ? WHERE wamid = ?", (webhooks[0], wamid))
