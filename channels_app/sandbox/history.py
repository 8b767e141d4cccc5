"""What happened before anyone looked: puts a story's people and lines on the phones. Nothing is posted; what a person
said comes back as the body of the webhook that told of it."""

import json
from typing import Any

from . import directory, envelopes, phone, samples, sending, world


def add_business(phone_number_id: str, waba_id: str, display: str, name: str, token: str) -> None:
    """A business number that is connected already: webhooks flow."""
    directory.create_business(
        waba_id=waba_id,
        phone_number_id=phone_number_id,
        display_phone_number=display,
        verified_name=name,
        token=token,
        subscribed=True,
    )


def add_person(wa_id: str, name: str) -> None:
    """A person with a phone."""
    directory.create_person(name=name, wa_id=wa_id)


def say(phone_number_id: str, wa_id: str, kind: str, content: Any, *, at: float, quoted: str = "") -> tuple[str, bytes]:
    """A person's line that the business has read; `at` in Unix seconds, kind `sample` takes a ready-made file
    (`{"sample": name}`, `caption`). Gives its wamid and the webhook's body."""
    if kind == "sample":
        kind, content = samples.place(phone_number_id, content)
    number, who = directory.number(phone_number_id), directory.person(wa_id)
    seen = directory.as_person(who, number["waba_id"])
    wamid = envelopes.new_wamid(seen.wa_id)
    on_wire, kept = phone.wire(kind, content)
    context = {"from": directory.as_number(number).digits, "id": quoted} if quoted else {}
    with world.write() as db:
        db.execute(
            "INSERT INTO messages (wamid, number, person, outgoing, type, content, context, at, status) "
            "VALUES (?, ?, ?, 0, ?, ?, ?, ?, 'read')",
            (wamid, phone_number_id, who["id"], kind, json.dumps(kept), quoted, at),
        )
    return wamid, _body(number, seen, envelopes.message(seen, wamid, at, kind, on_wire, context=context))


def react(phone_number_id: str, wa_id: str, target: str, emoji: str, *, at: float) -> bytes:
    """A person's mark on a message; gives the webhook's body."""
    number, who = directory.number(phone_number_id), directory.person(wa_id)
    seen = directory.as_person(who, number["waba_id"])
    with world.write() as db:
        db.execute("INSERT OR REPLACE INTO reactions VALUES (?, 0, ?)", (target, emoji))
    mark = {"message_id": target, "emoji": emoji}
    return _body(number, seen, envelopes.message(seen, envelopes.new_wamid(seen.wa_id), at, "reaction", mark))


def answer(phone_number_id: str, wa_id: str, text: str, *, at: float, status: str, quoted: str = "") -> str:
    """A line of the business; gives its wamid."""
    number, who = directory.number(phone_number_id), directory.person(wa_id)
    return sending.record_past(number, who, text, at, status=status, reply_to=quoted)


def _body(number: Any, seen: envelopes.Person, element: dict[str, Any]) -> bytes:
    value = envelopes.messages_value(directory.as_number(number), [seen], [element])
    return envelopes.body([(number["waba_id"], value)])
