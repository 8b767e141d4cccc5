"""The control API, for the phone page, tests and the demo: POST a JSON object to `/sandbox/api/<call>`.

Identifiers of people travel in bodies, never in addresses, because servers log addresses. A POST is JSON or carries
the header X-Sandbox: a foreign web page can send neither without being asked first, so none can play with it."""

import json
import time
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from . import chats, courier, directory, faults, media, outgoing, phone, samples, sending, statuses, world
from .errors import GraphError

JSON = dict[str, Any]
HEADER = "X-Sandbox"
# Shown in the page; the rest is downloaded.
INLINE = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
LONGEST_WAIT = 60.0  # seconds


@csrf_exempt
@never_cache
@transaction.non_atomic_requests
def api(request: HttpRequest, name: str) -> HttpResponse:
    """One call: 200 with JSON, 204 for a screen that hasn't changed, 400 or 404 with `{"error": words}`."""
    if request.method == "GET" and name == "screen":
        return _screen(request)
    if request.method != "POST":
        return _refused("This call is a POST.", 405)
    if HEADER not in request.headers and request.content_type != "application/json":
        return _refused(f"Neither the header {HEADER} nor a JSON body: a foreign page could have sent this.", 403)
    try:
        if name == "upload":
            return JsonResponse(_upload(request))
        if name not in CALLS:
            return _refused(f"There is no call {name}.", 404)
        given = json.loads(request.body or b"{}")
        if not isinstance(given, dict):
            return _refused("The body must be a JSON object.", 400)
        answer = CALLS[name](given, f"{request.scheme}://{request.get_host()}")
    except directory.Unknown as error:
        return _refused(str(error), 404)
    except GraphError as error:
        return _refused(error.message, 400)
    except KeyError as error:
        return _refused(f"{error.args[0]} is missing or unknown.", 400)
    except (TypeError, ValueError) as error:
        return _refused(str(error), 400)
    courier.wake()
    return JsonResponse(answer)


@transaction.non_atomic_requests
def show_media(request: HttpRequest, media_id: str) -> FileResponse:
    """A file as the phone shows it; pictures and sound inline, everything else as a download."""
    found = world.row("SELECT * FROM media WHERE id = ?", media_id)
    if not found or not media.path(media_id).exists():
        raise Http404
    mime = media.plain(found["mime"])
    inline = mime in INLINE or mime.startswith(("audio/", "video/"))
    response = FileResponse(
        media.path(media_id).open("rb"), content_type=mime, as_attachment=not inline, filename=found["name"]
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=3600"
    return response


def _screen(request: HttpRequest) -> HttpResponse:
    revision = world.revision()
    if request.GET.get("seen") == str(revision):
        return HttpResponse(status=204)
    return JsonResponse(chats.screen(request.GET.get("number", ""), request.GET.get("person", "")))


def _upload(request: HttpRequest) -> JSON:
    """Multipart `number`, `file`: keeps a file that a person is about to send."""
    file = request.FILES.get("file")
    if file is None:
        raise ValueError("file is missing.")
    number = directory.number(request.POST.get("number", ""))
    mime = request.POST.get("type") or file.content_type or "application/octet-stream"
    found = media.store(number["phone_number_id"], file.chunks(), mime, file.name or "file", uploaded=False)
    return {"media": found["id"], "kind": media.kind_of(mime), "mime": mime, "name": found["name"]}


def _business(given: JSON, origin: str) -> JSON:
    return directory.create_business(**given)


def _person(given: JSON, origin: str) -> JSON:
    made = directory.create_person(**given)
    return {name: made[name] for name in ("id", "wa_id", "user_id", "username", "name", "country")}


def _send(given: JSON, origin: str) -> JSON:
    """`{number, person, type, content, reply_to?, forwarded?, at?}`; content `{"sample": name}` takes a
    ready-made file."""
    number, kind, content = given["number"], given.get("type", "text"), given.get("content")
    if isinstance(content, dict) and "sample" in content:
        kind, content = samples.place(number, content)
    return phone.send(
        number,
        _person_id(given),
        kind,
        content,
        reply_to=given.get("reply_to") or "",
        forwarded=bool(given.get("forwarded")),
        at=given.get("at"),
        origin=origin,
    )


def _react(given: JSON, origin: str) -> JSON:
    return phone.react(
        given["number"], _person_id(given), given["target"], given.get("emoji") or "", at=given.get("at")
    )


def _bulk(given: JSON, origin: str) -> JSON:
    return phone.bulk(
        given["messages"],
        per_body=int(given.get("per_body", 1)),
        times=int(given.get("times", 1)),
        seed=given.get("seed"),
        number=given.get("number", ""),
    )


def _past(given: JSON, origin: str) -> JSON:
    """`{number, person, text, at, status?, reply_to?}`: what the business said before the sandbox was
    there."""
    number, person = directory.number(given["number"]), directory.person(given["person"])
    wamid = sending.record_past(
        number,
        person,
        given["text"],
        float(given["at"]),
        status=given.get("status", "read"),
        reply_to=given.get("reply_to") or "",
    )
    return {"wamid": wamid}


def _sent(given: JSON, origin: str) -> JSON:
    person = _person_id(given) if given.get("person") else None
    return chats.sent(person, given.get("number"))


def _write(given: JSON, origin: str) -> JSON:
    """The short form for a text: `{phone_id, wa_id, text}`. Gives its wamid as `result`."""
    short = {"number": given["phone_id"], "person": given["wa_id"], "content": {"body": given["text"]}}
    return {"result": _send(short, origin)["wamid"]}


def _look(given: JSON, origin: str) -> JSON:
    """`{number, person, away?}`, or as `{phone_id, wa_id}`; `away`: the chat is no longer on the screen."""
    person = str(directory.person(str(given.get("person") or given["wa_id"]))["id"])
    (statuses.look_away if given.get("away") else statuses.look)(given.get("number") or given["phone_id"], person)
    return {}


def _play(given: JSON, origin: str) -> JSON:
    statuses.play(given["wamid"])
    return {}


def _presence(given: JSON, origin: str) -> JSON:
    """`{person, offline}`."""
    if given["offline"]:
        directory.set_offline(_person_id(given), True)
    else:
        statuses.come_online(_person_id(given))
    return {}


def _fault(given: JSON, origin: str) -> JSON:
    """`{kind, scope?, times?, probability?, seed?, …its parameters}`; times null lasts until cleared."""
    return {"id": faults.add(given.pop("kind"), **given)}


def _clear_faults(given: JSON, origin: str) -> JSON:
    faults.remove(given.get("id"))
    return {}


def _settings(given: JSON, origin: str) -> JSON:
    """Any of world.DEFAULTS: pace, retry_first, retry_cap, clock, callback. Gives them all."""
    for name, value in given.items():
        world.change_setting(name, value)
    return {name: world.setting(name) for name in world.DEFAULTS}


def _token(given: JSON, origin: str) -> JSON:
    """`{token, revoked}`."""
    directory.revoke(given["token"], bool(given["revoked"]))
    return {}


def _log(given: JSON, origin: str) -> JSON:
    """The webhooks and the Graph calls of late, newest first."""
    limit = int(given.get("limit", chats.LOG))
    return {"webhooks": chats.webhooks(limit), "calls": chats.calls(limit), "waiting": outgoing.waiting()}


def _settle(given: JSON, origin: str) -> JSON:
    """Wait until every webhook is answered with 200 and no status is on its way."""
    began = time.monotonic()
    settled = courier.settled(min(float(given.get("timeout", 10)), LONGEST_WAIT))
    return {"settled": settled, "waiting": outgoing.waiting(), "seconds": time.monotonic() - began}


def _reset(given: JSON, origin: str) -> JSON:
    world.reset()
    return {}


def _person_id(given: JSON) -> str:
    return str(directory.person(str(given["person"]))["id"])


def _refused(words: str, status: int) -> HttpResponse:
    return JsonResponse({"error": words}, status=status)


CALLS: dict[str, Callable[[JSON, str], JSON]] = {
    "business": _business,
    "person": _person,
    "send": _send,
    "write": _write,
    "react": _react,
    "bulk": _bulk,
    "past": _past,
    "sent": _sent,
    "look": _look,
    "play": _play,
    "presence": _presence,
    "fault": _fault,
    "clear-faults": _clear_faults,
    "settings": _settings,
    "token": _token,
    "log": _log,
    "settle": _settle,
    "reset": _reset,
}

for _view in (api, show_media):
    setattr(_view, "access", "public")  # noqa: B010 - local and test only: the visitor plays everyone
