"""`POST /{page or account}/messages`: what Meta checks, what it accepts, what it does then (facts of Messenger 7, 8 and
11, of Instagram 8, 9 and 13)."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import requests

from . import accounts, chats, events, media, statuses, world
from .errors import GraphError
from .faults import Strike

JSON = dict[str, Any]
WINDOW, HUMAN_WINDOW = 24 * 3600.0, 7 * 24 * 3600.0  # seconds after the person's last message
ENDED_TAGS = ("CONFIRMED_EVENT_UPDATE", "ACCOUNT_UPDATE", "POST_PURCHASE_UPDATE")
MAX_TEXT = {"messenger": 2000, "instagram": 1000}  # characters; bytes
MAX_CHOICES, MAX_TITLE, MAX_PAYLOAD, MAX_BUTTONS, MAX_ELEMENTS = 13, 20, 1000, 3, 10
FETCH_SECONDS = 10.0
KIND_OF = {"image": "image", "video": "video", "audio": "audio", "file": "document"}
MB = 1024 * 1024
ACTIONS = ("typing_on", "typing_off", "mark_seen", "react", "unreact")


def accept(account: sqlite3.Row, payload: JSON, strikes: Sequence[Strike], origin: str) -> JSON:
    """Take one send and plan what is told of it. Gives Meta's answer; raises GraphError for what Meta refuses."""
    recipient = payload.get("recipient")
    given = str(recipient.get("id") or "") if isinstance(recipient, dict) else ""
    if not given:
        raise bad("The parameter recipient is required")
    person = accounts.person_of(account["id"], given)
    if account["app"] == "instagram" and not account["access"]:
        raise GraphError(200, subcode=2534041, message="(#200) The owner has not allowed access to messages.")
    if not person:
        raise _by_app(account, (100, 2018001), (100, 2534014), "No matching user found")
    if any(each.kind == "undeliverable" for each in strikes):
        raise GraphError(551, subcode=1545041, message="(#551) This person isn't available right now.")
    answer = {"recipient_id": given}
    if action := payload.get("sender_action"):
        _act(account, person, str(action), payload.get("payload"))
        return answer
    _may_write(account, person, payload)
    message = payload.get("message")
    if not isinstance(message, dict):
        raise bad("The parameter message is required")
    kind, content = _content(account, message, origin)
    quoted = payload.get("reply_to")
    mid = events.new_mid(account["app"])
    with world.write() as db:
        made = db.execute(
            "INSERT INTO messages (wamid, number, person, outgoing, type, content, context, callback_data, at, status) "
            "VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, 'accepted')",
            (
                mid, account["id"], person["id"], kind, json.dumps(content),
                str(quoted.get("mid") or "") if isinstance(quoted, dict) else "",
                str(message.get("metadata") or ""), world.now(),
            ),
        )  # fmt: skip
        _seen(db, account["id"], person["id"])
        statuses.stop_typing(account["id"], person["id"])
        statuses.plan(int(made.lastrowid or 0), "sent")
    return answer | {"message_id": mid}


def bad(words: str, subcode: int = 0) -> GraphError:
    """Meta's answer to a parameter that makes no sense."""
    return GraphError(100, subcode=subcode, message=f"(#100) {words}")


def _by_app(account: sqlite3.Row, page: tuple[int, int], instagram: tuple[int, int], words: str) -> GraphError:
    code, subcode = page if account["app"] == "messenger" else instagram
    return GraphError(code, subcode=subcode, message=f"(#{code}) {words}")


def _may_write(account: sqlite3.Row, person: sqlite3.Row, payload: JSON) -> None:
    """Windows, tags, and whose thread it is. Raises GraphError."""
    owner = world.row("SELECT app FROM owners WHERE number = ? AND person = ?", account["id"], person["id"])
    if owner:
        raise _by_app(account, (100, 2018300), (100, 2534037), "Another app controls this thread.")
    tag = payload.get("tag") if payload.get("messaging_type") == "MESSAGE_TAG" else None
    if tag in ENDED_TAGS or (tag and tag != "HUMAN_AGENT"):
        raise bad(f"The tag {tag} is no longer supported.")
    last = chats.last_words(account["id"], person["id"])
    if last is None or world.now() - last > (HUMAN_WINDOW if tag else WINDOW):
        words = "This message is sent outside of allowed window."
        raise _by_app(account, (10, 2018278), (10, 2534022), words)


def _act(account: sqlite3.Row, person: sqlite3.Row, action: str, given: Any) -> None:
    if action not in ACTIONS:
        raise bad(f"Param sender_action must be one of {', '.join(ACTIONS)}.")
    if action == "typing_on":
        statuses.type_at(account["id"], person["id"])
    elif action == "typing_off":
        statuses.stop_typing(account["id"], person["id"])
    elif action == "mark_seen":
        with world.write() as db:
            _seen(db, account["id"], person["id"])
    else:
        _react(account, person, action, given if isinstance(given, dict) else {})


def _react(account: sqlite3.Row, person: sqlite3.Row, action: str, given: JSON) -> None:
    _may_write(account, person, {})
    target = world.row(
        "SELECT * FROM messages WHERE wamid = ? AND number = ? AND person = ? AND unsent = 0",
        *(str(given.get("message_id") or ""), account["id"], person["id"]),
    )
    if not target:
        raise GraphError(9000001, message="(#9000001) This message was deleted or is not there.")
    emoji = {name: mark for mark, name in events.MARKS.items()}.get(str(given.get("reaction") or ""), "")
    if action == "react" and (not emoji or (account["app"] == "instagram" and emoji != "❤️")):
        raise bad("Param payload[reaction] must be a known reaction.")
    with world.write() as db:
        db.execute("DELETE FROM reactions WHERE target = ? AND outgoing = 1", (target["wamid"],))
        if action == "react":
            db.execute("INSERT INTO reactions VALUES (?, 1, ?)", (target["wamid"], emoji))


def _seen(db: sqlite3.Connection, account_id: str, person_id: str) -> None:
    """What the person wrote is shown as seen: by mark_seen or by an answer."""
    db.execute(
        "UPDATE messages SET status = 'read' WHERE number = ? AND person = ? AND outgoing = 0", (account_id, person_id)
    )


def _content(account: sqlite3.Row, message: JSON, origin: str) -> tuple[str, JSON]:
    """The kind of a message and its content as the sandbox keeps it. Raises GraphError."""
    text, attachment = message.get("text"), message.get("attachment")
    several = message.get("attachments")
    if isinstance(several, list) and several:
        attachment = several[0]
    if (text is None) == (attachment is None):
        raise bad("Either text or attachment is required, and not both at once.")
    if text is not None:
        return "text", _text(account, text) | _quick_replies(message)
    if not isinstance(attachment, dict) or not isinstance(attachment.get("payload", {}), dict):
        raise bad("Param message[attachment] must be an object.")
    kind, payload = attachment.get("type"), attachment.get("payload", {})
    if kind == "template":
        return "template", _template(payload)
    if kind == "like_heart" and account["app"] == "instagram":
        return "like", {}
    if kind not in KIND_OF:
        raise bad("Param message[attachment][type] must be one of image, video, audio, file, template.")
    if held := payload.get("attachment_id"):
        found = world.row("SELECT * FROM media WHERE id = ? AND uploaded = 1", str(held))
        if not found or found["number"] not in (account["id"], account["page_id"]):
            raise bad("The attachment id is not valid or has expired.", 2018074)
    elif payload.get("url"):
        found = fetch(account, str(payload["url"]), str(kind))
    else:
        raise bad("Param message[attachment][payload] needs url or attachment_id.")
    names = {"id": found["id"], "mime_type": found["mime"], "filename": found["name"]}
    return KIND_OF[kind], names | {"url": media.cdn_link(found["id"], origin)} | _quick_replies(message)


def _text(account: sqlite3.Row, text: Any) -> JSON:
    limit = MAX_TEXT[account["app"]]
    if not isinstance(text, str) or not text.strip():
        raise bad("Param message[text] must be a non-empty UTF-8 encoded string")
    size = len(text) if account["app"] == "messenger" else len(text.encode())
    if size > limit:
        raise bad(f"Length of param message[text] must be less than or equal to {limit}")
    return {"body": text}


def _quick_replies(message: JSON) -> JSON:
    given = message.get("quick_replies")
    if given is None:
        return {}
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_CHOICES:
        raise bad(f"Param message[quick_replies] may have {MAX_CHOICES} elements.")
    for each in given:
        if not isinstance(each, dict) or each.get("content_type") not in ("text", "user_phone_number", "user_email"):
            raise bad("Param message[quick_replies][0][content_type] is not valid.")
        if each["content_type"] == "text":
            _sized(each, "title", MAX_TITLE)
            _sized(each, "payload", MAX_PAYLOAD)
    return {"quick_replies": given}


def _template(payload: JSON) -> JSON:
    kind = payload.get("template_type")
    if kind == "button":
        _sized(payload, "text", 640)
        _buttons(payload.get("buttons"))
        return {"template_type": kind, "body": payload["text"], "buttons": payload["buttons"]}
    if kind == "generic":
        elements = payload.get("elements")
        if not isinstance(elements, list) or not 1 <= len(elements) <= MAX_ELEMENTS:
            raise bad(f"A generic template has 1 to {MAX_ELEMENTS} elements.")
        for each in elements:
            if not isinstance(each, dict):
                raise bad("An element must be an object.")
            _sized(each, "title", 80)
            if each.get("buttons"):
                _buttons(each["buttons"])
        return {"template_type": kind, "elements": elements}
    raise bad("Param template_type must be one of button, generic.")


def _buttons(given: Any) -> None:
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_BUTTONS:
        raise bad(f"A template has 1 to {MAX_BUTTONS} buttons.")
    for each in given:
        if not isinstance(each, dict) or each.get("type") not in ("postback", "web_url"):
            raise bad("A button's type must be postback or web_url.")
        _sized(each, "title", MAX_TITLE)
        _sized(each, "payload" if each["type"] == "postback" else "url", MAX_PAYLOAD)


def _sized(given: JSON, name: str, limit: int) -> None:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > limit:
        raise bad(f"Param {name} must be a string of 1 to {limit} characters.")


def check_file(mime: str, size: int, kind: str) -> None:
    """Raises GraphError for a file that is not taken: 100/2018047 (HEIC, another kind), 100/2018109 (too large)."""
    plain = media.plain(mime)
    family = plain.split("/")[0]
    if plain in ("image/heic", "image/heif") or (kind != "file" and family != kind and plain != "video/mp4"):
        raise bad("Upload attachment failure.", 2018047)
    if size > (8 if kind == "image" else 25) * MB:
        raise bad("The attachment size exceeds the allowable limit.", 2018109)


def fetch(account: sqlite3.Row, url: str, kind: str) -> sqlite3.Row:
    """Get a file from the address that a send names, as Meta does, and keep it. Raises GraphError 100/2018008."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url, timeout=FETCH_SECONDS)
        answer.raise_for_status()
    except requests.RequestException:
        raise bad("Failed to fetch the file from the url.", 2018008) from None
    mime = answer.headers.get("Content-Type", "application/octet-stream")
    check_file(mime, len(answer.content), kind)
    name = url.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
    return media.store(account["id"], [answer.content], mime, name or "file", uploaded=True)
