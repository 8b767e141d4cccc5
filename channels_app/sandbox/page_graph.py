"""What graph.facebook.com and graph.instagram.com answer for Pages, Instagram accounts and the people who wrote to them
(facts of Messenger 2, 7 and 9, of Instagram 2, 8 and 10)."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse, JsonResponse

from . import accounts, calls, courier, directory, media, nodes, page_sending, statuses, world
from .calls import Call
from .errors import GraphError

JSON = dict[str, Any]
PAGE_DEFAULTS, INSTAGRAM_DEFAULTS = ("id", "name"), ("id", "username")
CONVERSATIONS, OF_EACH = 50, 20  # threads at once; of each, its newest messages


def handler(method: str, node: str, edge: str) -> Callable[[Call], HttpResponse] | None:
    """What answers, if the path names a Page, an Instagram account, `me`, or a person who wrote to one."""
    if node == "me" and (method, edge) == ("GET", "accounts"):
        return _pages
    if node == "me" or accounts.find(node):
        return {
            ("GET", ""): _node, ("POST", "messages"): _messages, ("POST", "message_attachments"): _upload,
            ("GET", "subscribed_apps"): _subscriptions, ("POST", "subscribed_apps"): _subscribe,
            ("DELETE", "subscribed_apps"): _unsubscribe, ("GET", "conversations"): _conversations,
        }.get((method, edge))  # fmt: skip
    if (method, edge) == ("GET", "") and world.row("SELECT 1 FROM scoped WHERE id = ?", node):
        return _profile
    return None


def _node(call: Call) -> HttpResponse:
    token = call.authorize()
    if call.parts[0] == "me" and token["kind"] not in ("page", "instagram"):
        call.strike("call")
        return JsonResponse({"id": nodes.SIGNED_IN, "name": "Ines Prado"})
    account, fields = call.account(), call.request.GET.get("fields", "")
    if account["app"] == "messenger":
        return JsonResponse(nodes.select(nodes.page(account), fields, PAGE_DEFAULTS))
    return JsonResponse(nodes.select(nodes.instagram(account), fields, INSTAGRAM_DEFAULTS))


def _pages(call: Call) -> HttpResponse:
    """The Pages that a person's token opens, each with a token of its own."""
    token = call.authorize()
    call.strike("call")
    fields = call.request.GET.get("fields", "id,name,access_token,tasks")
    found = [row for each in json.loads(token["opens"]) if (row := accounts.find(each)) and row["app"] == "messenger"]
    listed = [nodes.select(nodes.page(row), fields, PAGE_DEFAULTS) for row in found]
    return JsonResponse({"data": listed, "paging": {"cursors": {"before": "QVFIUbefore", "after": "QVFIUafter"}}})


def _subscriptions(call: Call) -> HttpResponse:
    fields = json.loads(call.account()["fields"])
    name, app = "Omnistra", str(nodes.app_id())
    return JsonResponse({"data": [{"id": app, "name": name, "subscribed_fields": fields}] if fields else []})


def _subscribe(call: Call) -> HttpResponse:
    account = call.account()
    given = call.request.GET.get("subscribed_fields") or calls.parameters(call.request).get("subscribed_fields") or ""
    fields = [each.strip() for each in (given if isinstance(given, list) else str(given).split(",")) if each.strip()]
    known = accounts.PAGE_FIELDS if account["app"] == "messenger" else accounts.INSTAGRAM_FIELDS
    if not fields or set(fields) - set(known):
        wrong = ", ".join(sorted(set(fields) - set(known))) or "nothing"
        raise GraphError(100, message=f"(#100) Param subscribed_fields must be fields of this object - got {wrong}.")
    accounts.subscribe(account["id"], fields)
    return JsonResponse({"success": True})


def _unsubscribe(call: Call) -> HttpResponse:
    accounts.subscribe(call.account()["id"], ())
    return JsonResponse({"success": True})


def _sender(call: Call, payload: JSON) -> sqlite3.Row:
    """Who sends: the account of the path, or the Instagram account that is linked to the Page of the path, when the
    recipient is one of its people."""
    account = call.account()
    recipient = payload.get("recipient")
    given = str(recipient.get("id") or "") if isinstance(recipient, dict) else ""
    linked = accounts.linked(account["id"]) if account["app"] == "messenger" else None
    return linked if linked and accounts.person_of(linked["id"], given) else account


def _messages(call: Call) -> HttpResponse:
    payload = _payload(call)
    account = _sender(call, payload)
    call.strike("send", number=account["id"])
    if call.struck("cut_before_read"):
        return calls.cut(call)
    answer = page_sending.accept(account, payload, call.strikes, call.origin)
    courier.wake()
    return calls.cut(call) if call.struck("cut_after_accept") else JsonResponse(answer)


def _payload(call: Call) -> JSON:
    """The body of a send. A form carries JSON in its fields, and perhaps a file that is sent at once."""
    payload = calls.parameters(call.request)
    if not isinstance(payload.get("recipient"), str):
        return payload
    try:
        payload |= {name: json.loads(payload[name]) for name in ("recipient", "message") if name in payload}
    except ValueError:
        raise page_sending.bad("Param recipient must be a JSON object.") from None
    if call.request.FILES.get("filedata"):
        account = call.account()
        kind, _ = _attachment(payload.get("message"))
        held = _store(call, account, kind)
        payload["message"]["attachment"]["payload"] = {"attachment_id": held["id"]}
    return payload


def _attachment(message: Any) -> tuple[str, JSON]:
    """Type and payload of the attachment that a message names. Raises GraphError 100."""
    try:
        attachment = (json.loads(message) if isinstance(message, str) else message)["attachment"]
        kind, payload = attachment["type"], attachment.get("payload") or {}
    except (TypeError, KeyError, ValueError, AttributeError):
        raise page_sending.bad("The parameter message[attachment][type] is required") from None
    if kind not in page_sending.KIND_OF:
        raise page_sending.bad("Param message[attachment][type] must be one of image, video, audio, file.")
    return kind, payload


def _store(call: Call, account: sqlite3.Row, kind: str) -> sqlite3.Row:
    """Keep the file that came with a form. Raises GraphError for one that is not taken."""
    file = call.request.FILES.get("filedata")
    if file is None:
        raise page_sending.bad("The parameter filedata is required")
    mime = file.content_type or "application/octet-stream"
    page_sending.check_file(mime, file.size or 0, kind)
    return media.store(account["id"], file.chunks(), mime, file.name or "file", uploaded=True)


def _upload(call: Call) -> HttpResponse:
    """A file for later sends, by its bytes or by its address."""
    account = call.account()
    kind, payload = _attachment(calls.parameters(call.request).get("message"))
    if call.request.FILES.get("filedata"):
        found = _store(call, account, kind)
    elif payload.get("url"):
        found = page_sending.fetch(account, str(payload["url"]), kind)
    else:
        raise page_sending.bad("Either filedata or message[attachment][payload][url] is required")
    return JsonResponse({"attachment_id": found["id"]})


def _profile(call: Call) -> HttpResponse:
    """A person who wrote to the account of the token."""
    token = call.authorize()
    held = world.row("SELECT * FROM scoped WHERE id = ?", call.parts[0])
    account = accounts.account(held["account"]) if held else None
    if not held or not account or not {account["id"], account["page_id"]} & set(json.loads(token["opens"])):
        raise media.missing(call.parts[0])
    call.strike("call", number=account["id"])
    person = directory.person(held["person"])
    node = nodes.profile(account["app"], person, held["id"])
    return JsonResponse(nodes.select(node, call.request.GET.get("fields", ""), ("id", "name")))


def _conversations(call: Call) -> HttpResponse:
    """The threads of late with their newest messages, for those who missed webhooks."""
    account = call.account()
    if account["app"] == "messenger" and call.request.GET.get("platform") == "instagram":
        linked = accounts.linked(account["id"])
        if not linked:
            return JsonResponse({"data": []})
        account = linked
    threads = world.rows(
        "SELECT person, max(at) AS at FROM messages WHERE number = ? AND status != 'accepted' GROUP BY person "
        "ORDER BY at DESC LIMIT ?",
        *(account["id"], CONVERSATIONS),
    )
    return JsonResponse({"data": [_thread(call, account, each) for each in threads if not _nobody(each)]})


def _nobody(thread: sqlite3.Row) -> bool:
    return str(thread["person"]).startswith(statuses.NOBODY)


def _thread(call: Call, account: sqlite3.Row, thread: sqlite3.Row) -> JSON:
    scoped = accounts.scoped_id(account["id"], thread["person"])
    newest = world.rows(
        "SELECT * FROM messages WHERE number = ? AND person = ? AND unsent = 0 AND status != 'accepted' "
        "ORDER BY at DESC, seq DESC LIMIT ?",
        *(account["id"], thread["person"], OF_EACH),
    )
    sides = [{"id": account["id"]}, {"id": scoped}]
    listed = []
    for each in newest:
        content = json.loads(each["content"])
        shown: JSON = {
            "id": each["wamid"], "created_time": _time(each["at"]), "message": content.get("body", ""),
            "from": sides[0] if each["outgoing"] else sides[1],
            "to": {"data": [sides[1] if each["outgoing"] else sides[0]]},
        }  # fmt: skip
        if content.get("id") and "mime_type" in content:
            url = media.cdn_link(content["id"], call.origin)
            key = {"image": "image_data", "video": "video_data"}.get(each["type"])
            part: JSON = {key: {"url": url}} if key else {"file_url": url}
            part |= {"mime_type": content["mime_type"], "name": content.get("filename", "")}
            shown["attachments"] = {"data": [part]}
        listed.append(shown)
    return {"id": f"t_{scoped}", "updated_time": _time(thread["at"]), "messages": {"data": listed}}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
