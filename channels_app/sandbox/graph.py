"""The stand-in for graph.facebook.com: it answers as Meta's documentation says, errors included.

Every call names its token in `Authorization`; appsecret_proof is checked where it is given. What the
weather panel asks for strikes here."""

import json
import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import requests
from django.conf import settings
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from . import blocks, calls, courier, directory, login, media, nodes, page_graph, sending, templates, world
from .calls import Call
from .errors import GraphError

OLDEST, NEWEST = 21, 26  # live versions; an older one is silently served by the oldest
VERSION = re.compile(r"v(\d{1,3})\.\d$")
HANDSHAKE_SECONDS = 10.0


@csrf_exempt
@transaction.non_atomic_requests
def graph(request: HttpRequest, version: str, path: str) -> HttpResponse:
    """One call: dispatch, Meta's headers, and a line in the log of calls."""
    parts = [part for part in path.split("/") if part]
    try:
        asked = VERSION.match(version)
        if not asked or not parts:
            raise GraphError(100, message=f"Unknown path components: /{path}")
        response = _handler(request.method or "GET", parts)(Call(request, parts))
        response["facebook-api-version"] = f"v{max(OLDEST, min(NEWEST, int(asked[1])))}.0"
    except GraphError as error:
        response = error.response()
    response["x-app-usage"] = json.dumps({"call_count": 1, "total_cputime": 0, "total_time": 1})
    cut = bool(getattr(response, "cut_off", False))
    calls.log(request.method or "GET", path, 0 if cut else response.status_code, "cut off" if cut else "")
    return response


def _handler(method: str, parts: list[str]) -> Callable[[Call], HttpResponse]:
    if found := login.handler(method, parts):
        return found
    edge = parts[1] if len(parts) == 2 else ""
    if handler := page_graph.handler(method, parts[0], edge):
        return handler
    known: dict[tuple[str, str], Callable[[Call], HttpResponse]] = {
        ("POST", "messages"): _messages,
        ("POST", "media"): _upload,
        ("POST", "register"): _register,
        ("POST", "deregister"): _deregister,
        ("GET", "phone_numbers"): _phone_numbers,
        ("GET", "subscribed_apps"): _subscriptions,
        ("POST", "subscribed_apps"): _subscribe,
        ("DELETE", "subscribed_apps"): _unsubscribe,
        ("GET", "message_templates"): templates.listing,
        ("POST", "message_templates"): templates.create,
        ("DELETE", "message_templates"): templates.delete,
        ("POST", "unpause"): templates.unpause,
        ("GET", "block_users"): blocks.listing,
        ("POST", "block_users"): blocks.add,
        ("DELETE", "block_users"): blocks.remove,
    }
    if edge:
        if (method, edge) in known:
            return known[method, edge]
    elif len(parts) == 1:
        if parts[0] == "debug_token":
            return _debug_token
        if method == "GET":
            return _node
        if method == "POST":
            return templates.edit if templates.find(parts[0]) else _change_number
        if method == "DELETE":
            return _delete_media
    raise GraphError(
        100, message=f"Unsupported {method.lower()} request. Unknown path components: /{'/'.join(parts[1:])}"
    )


def _node(call: Call) -> HttpResponse:
    if world.row("SELECT 1 FROM numbers WHERE phone_number_id = ?", call.parts[0]):
        found = call.number()
        return JsonResponse(
            nodes.select(nodes.number(found), call.request.GET.get("fields", ""), nodes.NUMBER_DEFAULTS)
        )
    if world.row("SELECT 1 FROM businesses WHERE waba_id = ?", call.parts[0]):
        business = call.business()
        fields = call.request.GET.get("fields", "")
        return JsonResponse(nodes.select(nodes.business(business), fields, nodes.BUSINESS_DEFAULTS))
    return templates.show(call) if templates.find(call.parts[0]) else _media(call)


def _phone_numbers(call: Call) -> HttpResponse:
    business = call.business()
    fields = call.request.GET.get("fields", "")
    found = world.rows("SELECT phone_number_id FROM numbers WHERE waba_id = ? ORDER BY rowid", business["waba_id"])
    listed = [
        nodes.select(nodes.number(directory.number(each["phone_number_id"])), fields, nodes.NUMBER_DEFAULTS)
        for each in found
    ]
    return JsonResponse({"data": listed, "paging": {"cursors": {"before": "QVFIUbefore", "after": "QVFIUafter"}}})


def _debug_token(call: Call) -> HttpResponse:
    inspected = call.request.GET.get("input_token", "")
    app = f"{settings.META_APP_ID}|{settings.META_APP_SECRET}"
    if call.token not in (inspected, app):
        call.authorize()
    call.strike("call")
    if not inspected:
        raise sending.required("input_token")
    return JsonResponse({"data": nodes.token(inspected)})


def _subscriptions(call: Call) -> HttpResponse:
    business = call.business("whatsapp_business_management")
    app: dict[str, Any] = {"whatsapp_business_api_data": {"id": str(settings.META_APP_ID), "name": "Omnistra"}}
    if business["callback"]:
        app["override_callback_uri"] = business["callback"]
    return JsonResponse({"data": [app] if business["subscribed"] else []})


def _subscribe(call: Call) -> HttpResponse:
    """With an override the callback must answer Meta's handshake first."""
    business = call.business("whatsapp_business_management")
    given = calls.parameters(call.request)
    callback = given.get("override_callback_uri") or ""
    if callback:
        _handshake(str(callback), str(given.get("verify_token") or ""))
    with world.write() as db:
        db.execute(
            "UPDATE businesses SET subscribed = 1, callback = ? WHERE waba_id = ?",
            (callback, business["waba_id"]),
        )
    return JsonResponse({"success": True})


def _unsubscribe(call: Call) -> HttpResponse:
    business = call.business("whatsapp_business_management")
    with world.write() as db:
        db.execute("UPDATE businesses SET subscribed = 0, callback = '' WHERE waba_id = ?", (business["waba_id"],))
    return JsonResponse({"success": True})


def _change_number(call: Call) -> HttpResponse:
    """The number's own callback (`webhook_configuration`) or its PIN."""
    number = call.number("whatsapp_business_management")
    given = calls.parameters(call.request)
    hook, pin = given.get("webhook_configuration"), given.get("pin")
    callback = str(hook.get("override_callback_uri") or "") if isinstance(hook, dict) else ""
    if isinstance(hook, dict) and callback:
        _handshake(callback, str(hook.get("verify_token") or ""))
    with world.write() as db:
        if isinstance(hook, dict):
            db.execute(
                "UPDATE numbers SET callback = ? WHERE phone_number_id = ?",
                (callback, number["phone_number_id"]),
            )
        if pin:
            db.execute("UPDATE numbers SET pin = ? WHERE phone_number_id = ?", (_pin(pin), number["phone_number_id"]))
    return JsonResponse({"success": True})


def _register(call: Call) -> HttpResponse:
    number = call.number("whatsapp_business_management")
    given = calls.parameters(call.request)
    if given.get("messaging_product") != "whatsapp":
        raise sending.required("messaging_product")
    pin = _pin(given.get("pin"))
    if number["pin"] and number["pin"] != pin:
        raise GraphError(133005)
    with world.write() as db:
        db.execute(
            "UPDATE numbers SET registered = 1, pin = ? WHERE phone_number_id = ?",
            (pin, number["phone_number_id"]),
        )
    return JsonResponse({"success": True})


def _deregister(call: Call) -> HttpResponse:
    number = call.number("whatsapp_business_management")
    with world.write() as db:
        db.execute("UPDATE numbers SET registered = 0 WHERE phone_number_id = ?", (number["phone_number_id"],))
    return JsonResponse({"success": True})


def _messages(call: Call) -> HttpResponse:
    number = call.number("whatsapp_business_messaging")
    payload = calls.parameters(call.request)
    if "status" not in payload:  # marking as read is no send
        kinds = ("send", "template") if payload.get("type") == "template" else ("send",)
        call.strike(*kinds, number=number["phone_number_id"])
    if call.struck("cut_before_read"):
        return calls.cut(call)
    answer = sending.accept(number, payload, call.strikes)
    courier.wake()
    return calls.cut(call) if call.struck("cut_after_accept") else JsonResponse(answer)


def _upload(call: Call) -> HttpResponse:
    number = call.number("whatsapp_business_messaging")
    request = call.request
    if request.POST.get("messaging_product") != "whatsapp":
        raise sending.required("messaging_product")
    file = request.FILES.get("file")
    if file is None:
        raise sending.required("file")
    mime = request.POST.get("type") or file.content_type or ""
    media.check_upload(mime, file.size or 0)
    found = media.store(number["phone_number_id"], file.chunks(), mime, file.name or "file", uploaded=True)
    return JsonResponse({"id": found["id"]})


def _media(call: Call) -> HttpResponse:
    found = _visible_media(call)
    return JsonResponse(
        {
            "messaging_product": "whatsapp",
            "url": media.link(found["id"], call.origin),
            "mime_type": found["mime"],
            "sha256": found["sha256"],
            "file_size": found["size"],
            "id": found["id"],
        }
    )


def _delete_media(call: Call) -> HttpResponse:
    media.delete(_visible_media(call)["id"])
    return JsonResponse({"success": True})


def _visible_media(call: Call) -> sqlite3.Row:
    """The file that the path names, if the token opens the number that it belongs to."""
    token = call.authorize()
    found = media.row(call.parts[0])
    number = directory.number(found["number"])
    asked = call.request.GET.get("phone_number_id", number["phone_number_id"])
    if number["waba_id"] not in json.loads(token["opens"]) or asked != number["phone_number_id"]:
        raise media.missing(call.parts[0])
    call.strike("call", number=number["phone_number_id"])
    return found


@csrf_exempt
@transaction.non_atomic_requests
def download(request: HttpRequest) -> HttpResponseBase:
    """The stand-in for lookaside.fbsbx.com: a file, for the bearer of the token, while its address is
    valid."""
    call = Call(request, [request.GET.get("mid", "")])
    response = _download(call)
    calls.log("GET", "media download", response.status_code, "")
    return response


def _download(call: Call) -> HttpResponseBase:
    query = call.request.GET
    if not media.linked(call.parts[0], query.get("ext", ""), query.get("hash", "")):
        return HttpResponse("URL signature expired or not valid", status=404, content_type="text/plain")
    try:
        found = _visible_media(call)
        call.strike("media", number=found["number"])
    except GraphError as error:
        status = 401 if error.code == 190 else 404
        return HttpResponse(error.message, status=status, content_type="text/plain")
    if slow := call.struck("media_slow"):
        time.sleep(slow["seconds"])
    if call.struck("media_404"):
        return HttpResponse("Not found", status=404, content_type="text/plain")
    if call.struck("media_wrong_hash"):
        damaged = bytearray(media.path(found["id"]).read_bytes())
        if damaged:
            damaged[-1] ^= 0xFF
        return HttpResponse(bytes(damaged), content_type=found["mime"])
    return FileResponse(media.path(found["id"]).open("rb"), content_type=found["mime"])


@transaction.non_atomic_requests
def cdn(request: HttpRequest, media_id: str, name: str) -> HttpResponseBase:
    """The stand-in for fbcdn.net: a file of Messenger or Instagram, for anyone, while its address is valid."""
    response = _cdn(request, media_id)
    calls.log("GET", "file download", response.status_code, "")
    return response


def _cdn(request: HttpRequest, media_id: str) -> HttpResponseBase:
    gone = HttpResponse("URL signature expired", status=403, content_type="text/plain")
    found = world.row("SELECT * FROM media WHERE id = ?", media_id)
    if not found or not media.cdn_linked(media_id, request.GET.get("oe", ""), request.GET.get("oh", "")):
        return gone
    call = Call(request, [media_id])
    call.strike("media", number=found["number"])
    if slow := call.struck("media_slow"):
        time.sleep(slow["seconds"])
    if call.struck("media_404"):
        return gone
    return FileResponse(media.path(media_id).open("rb"), content_type=found["mime"])


def _handshake(callback: str, verify_token: str) -> None:
    """Ask the callback to prove that it knows the verify token. Raises GraphError 100 when it doesn't."""
    if not callback.startswith(("http://", "https://")) or len(callback) > 200:
        raise GraphError(100, "Param override_callback_uri must be a URI of at most 200 characters.")
    challenge = str(time.time_ns())[-10:]
    query = urlencode({"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token})
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{callback}?{query}", timeout=HANDSHAKE_SECONDS, allow_redirects=False)
        fits = answer.status_code == 200 and answer.text == challenge
        got = f"HTTP Status Code = {answer.status_code}"
    except requests.RequestException as error:
        fits, got = False, type(error).__name__
    if not fits:
        raise GraphError(
            100,
            f"Callback verification failed: {got}.",
            message=f"(#2200) Callback verification failed with the following errors: {got}",
        )


def _pin(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\d{6}", value):
        raise GraphError(100, "Param pin must be a string of 6 digits.")
    return value


for _view in (graph, download, cdn):
    setattr(_view, "access", "public")  # noqa: B010 - it asks for Meta's tokens, not for the product's sign-in
