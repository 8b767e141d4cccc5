"""Webhook bodies of Messenger and Instagram (facts of Messenger 3 to 6, of Instagram 4 to 6). Pure functions; the bytes
and their signature are made as envelopes.py makes WhatsApp's."""

import base64
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from . import envelopes

JSON = dict[str, Any]
OBJECTS = {"messenger": "page", "instagram": "instagram"}
META_INBOX = 26390203743090  # the app id of the Page inbox at Meta
FILES = {"image": "image", "video": "video", "audio": "audio", "document": "file"}
MARKS = {"❤️": "love", "😆": "smile", "😮": "wow", "😢": "sad", "😠": "angry", "👍": "like", "👎": "dislike"}
THUMBS_UP = 369239263222822
_PREFIX = "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlE"


def new_mid(app: str) -> str:
    """A message id of each one's look."""
    if app == "instagram":
        return _PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(72)).decode()
    return "m_" + secrets.token_urlsafe(37)


def milliseconds(at: float) -> int:
    """Unix seconds as webhooks carry them."""
    return int(at * 1000)


def body(
    app: str, account_id: str, elements: Iterable[Mapping[str, Any]], at: float, *, standby: bool = False
) -> bytes:
    """A whole body for one Page or account; in `standby` another app holds the thread."""
    entry = {
        "id": account_id, "time": milliseconds(at), "standby" if standby else "messaging": [dict(x) for x in elements]
    }  # fmt: skip
    return envelopes.dump({"object": OBJECTS[app], "entry": [entry]})


def element(account_id: str, scoped_id: str, at: float, part: str, content: Mapping[str, Any]) -> JSON:
    """What a person did: an element of `messaging`."""
    return {
        "sender": {"id": scoped_id}, "recipient": {"id": account_id}, "timestamp": milliseconds(at), part: dict(content)
    }  # fmt: skip


def echo(account_id: str, scoped_id: str, at: float, message: Mapping[str, Any]) -> JSON:
    """What the Page or account sent: both sides are swapped."""
    return {
        "sender": {"id": account_id}, "recipient": {"id": scoped_id}, "timestamp": milliseconds(at),
        "message": {**message, "is_echo": True},
    }  # fmt: skip


def reaction(app: str, mid: str, emoji: str) -> JSON:
    """A mark, or (no emoji) that it was taken back."""
    if not emoji:
        return {"mid": mid, "action": "unreact"}
    return {"reaction": MARKS.get(emoji, "other"), "emoji": emoji, "action": "react", "mid": mid}


def edited(app: str, mid: str, text: str, number: int) -> JSON:
    """An edit; Instagram counts in text."""
    return {"mid": mid, "text": text, "num_edit": str(number) if app == "instagram" else number}


def message(app: str, mid: str, kind: str, content: Mapping[str, Any], *, url: str = "", reply_to: str = "") -> JSON:
    """The `message` of what a person sent. `content` is as page_phone.py keeps it; `url` is where its file lies."""
    made: JSON = {"mid": mid}
    if content.get("body"):
        made["text"] = content["body"]
    if attachment := _attachment(app, kind, content, url):
        made["attachments"] = [attachment]
    if kind == "unsupported" and app == "instagram":
        made["is_unsupported"] = True
    if "payload" in content:
        made["quick_reply"] = {"payload": content["payload"]}
    if "story" in content:
        made["reply_to"] = {"story": {"id": content["story"], "url": url}}
    elif reply_to:
        made["reply_to"] = {"mid": reply_to} | ({"is_self_reply": False} if app == "messenger" else {})
    if "referral" in content:
        made["referral"] = content["referral"]
    return made


def _attachment(app: str, kind: str, content: Mapping[str, Any], url: str) -> JSON | None:
    if kind in FILES:
        return {"type": FILES[kind], "payload": {"url": url}}
    if kind == "sticker":
        if app == "instagram":
            return {"type": "image", "payload": {"url": url}}
        return {"type": "sticker", "payload": {"url": url, "sticker_id": content.get("sticker_id", THUMBS_UP)}}
    if kind == "like":
        return {"type": "like_heart"}
    if kind == "story_mention":
        return {"type": "story_mention", "payload": {"url": url}}
    if kind == "ephemeral":
        return {"type": "ephemeral"}
    if kind == "post":
        names = {name: content[name] for name in ("url", "title", "id") if content.get(name)}
        return {"type": "ig_post" if app == "instagram" else "post", "payload": names}
    if kind == "link":
        return {"type": "fallback", "payload": {"url": content.get("url", ""), "title": content.get("title", "")}}
    if kind == "unsupported" and app == "messenger":
        return {"type": "fallback"}
    return None


def sent(app: str, mid: str, kind: str, content: Mapping[str, Any], *, url: str = "", reply_to: str = "") -> JSON:
    """The `message` of an echo."""
    made: JSON = {"mid": mid}
    if content.get("body"):
        made["text"] = content["body"]
    if kind == "template":
        names = {name: value for name, value in content.items() if name != "body"}
        made["attachments"] = [{"type": "template", "payload": names}]
    elif attachment := _attachment(app, kind, content, url):
        made["attachments"] = [attachment]
    if reply_to:
        made["reply_to"] = {"mid": reply_to}
    return made
