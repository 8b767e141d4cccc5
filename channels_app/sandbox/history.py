"""What happened before anyone looked: puts a story's people and lines on the phones. Nothing is posted; what a person
said comes back as the body of the webhook that told of it."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from . import accounts, directory, envelopes, events, page_phone, phone, samples, sending, templates, world


def add_business(
    phone_number_id: str, waba_id: str, display: str, name: str, token: str, *, on_phone: bool = True
) -> None:
    """A business number that is connected already: webhooks flow; used in the WhatsApp Business app as well."""
    directory.create_business(
        waba_id=waba_id,
        phone_number_id=phone_number_id,
        display_phone_number=display,
        verified_name=name,
        token=token,
        subscribed=True,
        on_phone=on_phone,
    )


def add_page(page_id: str, name: str, username: str, token: str) -> None:
    """A Facebook Page that is connected already."""
    accounts.create_page(page_id=page_id, name=name, username=username, token=token, subscribed=True)


def add_instagram(ig_id: str, username: str, name: str, token: str) -> None:
    """An Instagram account that is connected already, by Instagram Login."""
    accounts.create_instagram(ig_id=ig_id, username=username, name=name, token=token, subscribed=True)


def add_template(waba_id: str, name: str, language: str, category: str, components: Sequence[dict[str, Any]]) -> str:
    """A template that was approved long ago; gives its id."""
    return templates.place(waba_id, name, language, category, components)


def scoped_id(channel: str, wa_id: str) -> str:
    """A person's PSID or IGSID for a Page or an Instagram account."""
    return accounts.scoped_id(channel, str(directory.person(wa_id)["id"]))


def add_person(wa_id: str, name: str) -> None:
    """A person with a phone."""
    directory.create_person(name=name, wa_id=wa_id)


def say(channel: str, wa_id: str, kind: str, content: Any, *, at: float, quoted: str = "") -> tuple[str, bytes]:
    """A person's line that the business has read, to a number, a Page or an Instagram account; `at` in Unix seconds, kind
    `sample` takes a ready-made file (`{"sample": name}`, `caption`). Gives its id and the webhook's body."""
    if isinstance(content, dict) and "sample" in content:
        sampled, content = samples.place(channel, content)
        kind = sampled if kind == "sample" else kind
    who = directory.person(wa_id)
    if account := accounts.find(channel):
        kept, url = page_phone.kept_and_address(kind, dict(content), _origin())
        message_id = events.new_mid(account["app"])
        shown = events.message(account["app"], message_id, kind, kept, url=url, reply_to=quoted)
        body = _element(account, who["id"], "message", shown, at)
    else:
        number = directory.number(channel)
        seen = directory.as_person(who, number["waba_id"])
        message_id = envelopes.new_wamid(seen.wa_id)
        on_wire, kept = phone.wire(kind, content)
        context = {"from": directory.as_number(number).digits, "id": quoted} if quoted else {}
        body = _body(number, seen, envelopes.message(seen, message_id, at, kind, on_wire, context=context))
    with world.write() as db:
        db.execute(
            "INSERT INTO messages (wamid, number, person, outgoing, type, content, context, at, status) "
            "VALUES (?, ?, ?, 0, ?, ?, ?, ?, 'read')",
            (message_id, channel, who["id"], kind, json.dumps(kept), quoted, at),
        )
    return message_id, body


def react(channel: str, wa_id: str, target: str, emoji: str, *, at: float) -> bytes:
    """A person's mark on a message; gives the webhook's body."""
    who = directory.person(wa_id)
    with world.write() as db:
        db.execute("INSERT OR REPLACE INTO reactions VALUES (?, 0, ?)", (target, emoji))
    if account := accounts.find(channel):
        return _element(account, who["id"], "reaction", events.reaction(account["app"], target, emoji), at)
    number = directory.number(channel)
    seen = directory.as_person(who, number["waba_id"])
    mark = {"message_id": target, "emoji": emoji}
    return _body(number, seen, envelopes.message(seen, envelopes.new_wamid(seen.wa_id), at, "reaction", mark))


def answer(channel: str, wa_id: str, text: str, *, at: float, status: str, quoted: str = "") -> str:
    """A line of the business; gives its wamid."""
    return sending.record_past(
        directory.channel(channel), directory.person(wa_id), text, at, status=status, reply_to=quoted
    )


def _body(number: Any, seen: envelopes.Person, element: dict[str, Any]) -> bytes:
    value = envelopes.messages_value(directory.as_number(number), [seen], [element])
    return envelopes.body([(number["waba_id"], value)])


def _element(account: sqlite3.Row, person: str, part: str, content: dict[str, Any], at: float) -> bytes:
    element = events.element(account["id"], accounts.scoped_id(account["id"], person), at, part, content)
    return events.body(account["app"], account["id"], [element], at)


def _origin() -> str:
    """The sandbox's own address, where files are fetched."""
    return str(settings.META_GRAPH_URL).removesuffix("/sandbox/graph")
