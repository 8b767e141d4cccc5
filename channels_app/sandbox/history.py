"""What happened before anyone looked: puts a story's people, files and messages on the phones, without webhooks."""

import json
from typing import Any

from . import directory, envelopes, media, statuses, world


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


def new_wamid(number: str, inbound: bool) -> str:
    """An id for a message of or to the person with this number."""
    return envelopes.new_wamid(number, outgoing=not inbound)


def add_media(phone_number_id: str, mime: str, name: str, body: bytes) -> str:
    """A file that a person sent; gives its id."""
    return str(media.store(phone_number_id, [body], mime, name, uploaded=False)["id"])


def add_message(
    phone_number_id: str,
    wa_id: str,
    side: str,
    kind: str,
    *,
    at: float,
    wamid: str,
    text: str = "",
    quoted: str = "",
    media_id: str | None = None,
    extra: dict[str, Any] | None = None,
    status: str = "read",
) -> None:
    """One line of a chat; `side` is `person` or `business`, `at` in Unix seconds, `status` counts for the business."""
    person = directory.person(wa_id)
    outgoing = side == "business"
    content: dict[str, Any] = dict(extra or {})
    if kind == "text":
        content = {"body": text}
    elif media_id:
        found = media.row(media_id)
        content = {"id": media_id, "mime_type": found["mime"], "filename": found["name"]}
        content |= {"caption": text} if text else {}
    kept = status if outgoing and status in statuses.RANK else "read"
    error = '{"title": "Message undeliverable"}' if kept == "failed" else ""
    with world.write() as db:
        db.execute(
            "INSERT OR IGNORE INTO messages (wamid, number, person, outgoing, type, content, context, at, status, error) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (wamid, phone_number_id, person["id"], int(outgoing), kind, json.dumps(content), quoted, at, kept, error),
        )
