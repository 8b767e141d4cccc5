"""What people do in Messenger and Instagram: write, send files, answer stories, tap, react, edit, unsend. Everything
becomes a real webhook."""

import json
import sqlite3
from typing import Any

from . import accounts, directory, events, media, nodes, receipts, world

JSON = dict[str, Any]
KINDS = (
    "text", "image", "video", "audio", "document", "sticker", "like", "link", "post", "story_mention", "story_reply",
    "ephemeral", "unsupported",
)  # fmt: skip
ONLY_INSTAGRAM = frozenset({"like", "story_mention", "story_reply", "ephemeral"})
MAX_EDITS = 5  # of one message (facts of Messenger 5)
STORY = "18000000000000777"


def send(
    account_id: str, person: str, kind: str, content: Any = None, *, reply_to: str = "", at: float | None = None,
    origin: str = "",
) -> JSON:  # fmt: skip
    """A person writes to a Page or an Instagram account. `content`: `{"body"}` of a text, `{"media": id}` of a file and of
    a story (`story_mention`; `story_reply` with `body` too), `{"url", "title"}` of a link or a shared post; a text may hold
    the `referral` of an ad. Gives `wamid` (the mid) and `webhooks`."""
    account, who = accounts.account(account_id), directory.person(person)
    if kind not in KINDS or (kind in ONLY_INSTAGRAM and account["app"] != "instagram"):
        raise ValueError(f"A person can't send {kind} there.")
    kept, url = kept_and_address(kind, dict(content or {}), origin)
    mid, moment = events.new_mid(account["app"]), world.now() if at is None else at
    shown = events.message(account["app"], mid, kind, kept, url=url, reply_to=reply_to)
    element = events.element(account_id, accounts.scoped_id(account_id, who["id"]), moment, "message", shown)
    return _say(account, who, mid, kind, kept, moment, reply_to, "message", element)


def kept_and_address(kind: str, content: JSON, origin: str) -> tuple[JSON, str]:
    """The content as the sandbox keeps it, and the address of its file ("": it has none)."""
    if kind == "text" and not str(content.get("body", "")).strip():
        raise ValueError("There is nothing to send.")
    if "media" not in content:
        if kind in media.KINDS or kind.startswith("story"):
            raise ValueError(f"{kind} needs a file.")
        return content, ""
    found = media.row(str(content.pop("media")))
    kept = {"id": found["id"], "mime_type": found["mime"], "filename": found["name"], **content}
    if kind == "story_reply":
        kept["story"] = STORY
    return kept, media.cdn_link(found["id"], origin)


def _say(
    account: sqlite3.Row, who: sqlite3.Row, mid: str, kind: str, content: JSON, at: float, reply_to: str, event: str,
    element: JSON,
) -> JSON:  # fmt: skip
    with world.write() as db:
        made = db.execute(
            "INSERT INTO messages (wamid, number, person, outgoing, type, content, context, at, status) "
            "VALUES (?, ?, ?, 0, ?, ?, ?, ?, 'sent')",
            (mid, account["id"], who["id"], kind, json.dumps(content), reply_to, at),
        )
        webhooks = receipts.post(account, event, element, f"{event} {kind}", who["id"])
        if webhooks:
            db.execute("UPDATE messages SET webhook = ? WHERE seq = ?", (webhooks[0], made.lastrowid))
    return {"wamid": mid, "webhooks": webhooks}


def tap(account_id: str, person: str, target: str, choice: JSON) -> JSON:
    """A person taps a quick reply or a button (an element of shown.choices) of a message: a text with its payload, or a
    postback."""
    account, who = accounts.account(account_id), directory.person(person)
    mid, moment = events.new_mid(account["app"]), world.now()
    scoped = accounts.scoped_id(account_id, who["id"])
    if choice["kind"] == "quick_reply":
        content = {"body": choice["title"], "payload": choice["id"]}
        shown = events.message(account["app"], mid, "text", content)
        element = events.element(account_id, scoped, moment, "message", shown)
        return _say(account, who, mid, "text", content, moment, "", "message", element)
    return postback(account_id, person, choice["title"], choice["id"])


def postback(account_id: str, person: str, title: str, payload: str, referral: JSON | None = None) -> JSON:
    """A person taps Get started, an ice breaker, the menu or a button of a template."""
    account, who = accounts.account(account_id), directory.person(person)
    mid, moment = events.new_mid(account["app"]), world.now()
    content: JSON = {"mid": mid, "title": title, "payload": payload} | ({"referral": referral} if referral else {})
    if world.row("SELECT 1 FROM owners WHERE number = ? AND person = ?", account_id, who["id"]):
        del content["payload"]  # in standby it is left out
    element = events.element(account_id, accounts.scoped_id(account_id, who["id"]), moment, "postback", content)
    kept = {"body": title, "payload": payload}
    return _say(account, who, mid, "text", kept, moment, "", "postback", element)


def refer(account_id: str, person: str, ref: str) -> JSON:
    """A person opens the thread by a link (m.me, ig.me) without a word: no message. At Messenger it opens the window."""
    account, who = accounts.account(account_id), directory.person(person)
    source = "SHORTLINK" if account["app"] == "messenger" else "IGME-SOURCE-LINK"
    content = {"ref": ref, "source": source, "type": "OPEN_THREAD"}
    return _event(account, who, "referral", content, opens=account["app"] == "messenger")


def react(account_id: str, person: str, target: str, emoji: str, *, at: float | None = None) -> JSON:
    """A person marks a message; an empty emoji takes it back. At Messenger it opens the window (8)."""
    account, who = accounts.account(account_id), directory.person(person)
    with world.write() as db:
        db.execute("DELETE FROM reactions WHERE target = ? AND outgoing = 0", (target,))
        if emoji:
            db.execute("INSERT INTO reactions VALUES (?, 0, ?)", (target, emoji))
        mark = events.reaction(account["app"], target, emoji)
        opens = account["app"] == "messenger" and bool(emoji)
        return _event(account, who, "reaction", mark, opens=opens, at=at) | {"wamid": ""}


def edit(account_id: str, person: str, target: str, text: str, *, at: float | None = None) -> JSON:
    """A person changes a text of theirs, up to five times. ValueError for what they may not change."""
    account, who = accounts.account(account_id), directory.person(person)
    found = own(account_id, who["id"], target)
    if found["type"] != "text" or found["edits"] >= MAX_EDITS:
        raise ValueError(f"Only a text can be changed, and {MAX_EDITS} times at most.")
    content = json.loads(found["content"]) | {"body": text}
    with world.write() as db:
        db.execute(
            "UPDATE messages SET content = ?, edits = edits + 1 WHERE seq = ?", (json.dumps(content), found["seq"])
        )
        told = events.edited(account["app"], target, text, found["edits"] + 1)
        return _event(account, who, "message_edit", told, at=at)


def unsend(account_id: str, person: str, target: str, *, at: float | None = None) -> JSON:
    """A person takes a message of theirs back. Instagram tells of it; for Messenger no event is documented (5, 13), so
    nobody hears of it."""
    account, who = accounts.account(account_id), directory.person(person)
    found = own(account_id, who["id"], target)
    with world.write() as db:
        db.execute("UPDATE messages SET unsent = 1, content = '{}' WHERE seq = ?", (found["seq"],))
        db.execute("DELETE FROM reactions WHERE target = ?", (target,))
        content = json.loads(found["content"])
        if content.get("id"):
            media.delete(content["id"])  # its address is dead from now on
        if account["app"] == "messenger":
            return {"webhooks": []}
        return _event(account, who, "message", {"mid": target, "is_deleted": True}, at=at)


def own(channel: str, person_id: str, target: str) -> sqlite3.Row:
    """A message that the person sent to this channel and did not take back. Raises directory.Unknown."""
    sql = "SELECT * FROM messages WHERE wamid = ? AND number = ? AND person = ? AND outgoing = 0 AND unsent = 0"
    if found := world.row(sql, target, channel, person_id):
        return found
    raise directory.Unknown("This person sent no such message.")


def hand_over(account_id: str, person: str, app: str) -> JSON:
    """Another app takes the thread from ours; with an empty `app` it is passed to ours."""
    account, who = accounts.account(account_id), directory.person(person)
    ours = nodes.app_id()
    held = world.row("SELECT app FROM owners WHERE number = ? AND person = ?", account_id, who["id"])
    with world.write() as db:
        db.execute("DELETE FROM owners WHERE number = ? AND person = ?", (account_id, who["id"]))
        if app:
            db.execute("INSERT INTO owners VALUES (?, ?, ?)", (account_id, who["id"], app))
            content: JSON = {"previous_owner_app_id": ours, "new_owner_app_id": app, "metadata": ""}
            return _event(account, who, "take_thread_control", content)
        content = {"previous_owner_app_id": held["app"] if held else None, "new_owner_app_id": ours, "metadata": ""}
        return _event(account, who, "pass_thread_control", content)


def write_elsewhere(account_id: str, person: str, text: str, *, at: float | None = None) -> JSON:
    """Somebody of the business answers in Meta's inbox: an echo, and nothing that was sent by the API."""
    account, who = accounts.account(account_id), directory.person(person)
    mid = events.new_mid(account["app"])
    with world.write() as db:
        made = db.execute(
            "INSERT INTO messages (wamid, number, person, outgoing, type, content, at, status, sent_from) "
            "VALUES (?, ?, ?, 1, 'text', ?, ?, 'delivered', 'inbox')",
            (mid, account_id, who["id"], json.dumps({"body": text}), world.now() if at is None else at),
        )
        receipts.echo(account, world.rows("SELECT * FROM messages WHERE seq = ?", made.lastrowid)[0])
    return {"wamid": mid}


def _event(
    account: sqlite3.Row, who: sqlite3.Row, part: str, content: JSON, *, opens: bool = False, at: float | None = None
) -> JSON:
    """Tell of something that is no message of its own."""
    moment = world.now() if at is None else at
    element = events.element(account["id"], accounts.scoped_id(account["id"], who["id"]), moment, part, content)
    kind = "control" if part.endswith("thread_control") else part
    with world.write() as db:
        if opens:
            db.execute("INSERT OR REPLACE INTO windows VALUES (?, ?, ?)", (account["id"], who["id"], moment))
        return {"webhooks": receipts.post(account, kind, element, part.replace("_", " "), who["id"])}
