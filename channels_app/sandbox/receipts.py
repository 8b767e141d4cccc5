"""How far a message of the business came, as Messenger and Instagram tell it: echoes, watermarks, seen marks (facts of
Messenger 5, of Instagram 5), and the weather of all receipts."""

import json
import sqlite3
from typing import Any

from . import accounts, events, faults, nodes, outgoing, world

JSON = dict[str, Any]


def weather(message: sqlite3.Row, name: str) -> tuple[float, str]:
    """For how many seconds the webhook of a status is held up, and its lane ("": out of order)."""
    delay, lane = 0.0, f"{message['number']} {message['person']}"
    for struck in faults.strike(("status",), message["number"]):
        lane = ""
        waits = {"sent": 2.0, "delivered": 1.0} if struck.kind == "shuffled_statuses" else {}
        delay += struck["seconds"] * (waits.get(name, 0.0) if waits else 1.0)
    return delay, lane


def report(account: sqlite3.Row, message: sqlite3.Row, name: str) -> None:
    """Queue what is told when a message of a Page or an Instagram account takes a step."""
    delay, lane = weather(message, name)
    if name == "sent":
        echo(account, message, delay=delay, lane=lane)
    elif name == "delivered" and account["app"] == "messenger":  # Instagram tells of none
        mark = {"mids": [message["wamid"]], "watermark": events.milliseconds(message["at"])}
        _tell(account, message, "delivery", mark, delay, lane)
    elif name == "read" and not _is_overtaken(message):
        mark = {"watermark": events.milliseconds(message["at"])}
        _tell(
            account, message, "read", mark if account["app"] == "messenger" else {"mid": message["wamid"]}, delay, lane
        )


def _is_overtaken(message: sqlite3.Row) -> bool:
    """A later message of the same chat is about to be read: its mark holds for this one too."""
    sql = "SELECT 1 FROM messages WHERE number = ? AND person = ? AND outgoing = 1 AND next_status = 'read' AND seq > ?"
    return bool(world.row(sql, message["number"], message["person"], message["seq"]))


def echo(account: sqlite3.Row, message: sqlite3.Row, *, delay: float = 0.0, lane: str = "") -> None:
    """Tell of a message that the Page or the account sent. Messenger names the app; Instagram does not (5)."""
    content = json.loads(message["content"])
    shown = events.sent(
        account["app"],
        message["wamid"],
        message["type"],
        content,
        url=content.get("url", ""),
        reply_to=message["context"],
    )
    if account["app"] == "messenger":
        shown["app_id"] = events.META_INBOX if message["sent_from"] else int(nodes.app_id())
        shown |= {"metadata": message["callback_data"]} if message["callback_data"] else {}
    scoped = accounts.scoped_id(account["id"], message["person"])
    element = events.echo(account["id"], scoped, message["at"], shown)
    post(account, "echo", element, f"echo {message['type']}", message["person"], delay=delay, lane=lane)


def _tell(account: sqlite3.Row, message: sqlite3.Row, kind: str, content: JSON, delay: float, lane: str) -> None:
    scoped = accounts.scoped_id(account["id"], message["person"])
    element = events.element(account["id"], scoped, world.now(), kind, content)
    post(account, kind, element, f"status {kind}", message["person"], delay=delay, lane=lane)


def post(
    account: sqlite3.Row, kind: str, element: JSON, summary: str, person: str, *, delay: float = 0.0,
    lane: str | None = None,
) -> list[int]:  # fmt: skip
    """Queue one element for everyone who wants to hear of `kind`: in standby, while another app holds the thread. Gives
    the webhooks' ids."""
    other = world.row("SELECT app FROM owners WHERE number = ? AND person = ?", account["id"], person)
    standby = bool(other) and kind != "control"
    body = events.body(account["app"], account["id"], [element], world.now(), standby=standby)
    lane = f"{account['id']} {person}" if lane is None else lane
    ids: list[int] = []
    for url, signer in accounts.doors(account, "standby" if standby else kind):
        ids += outgoing.queue(url, body, summary, scope=account["id"], lane=lane, delay=delay, signer=signer)
    return ids
