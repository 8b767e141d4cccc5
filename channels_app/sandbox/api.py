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

from . import (
    accounts,
    changes,
    chats,
    courier,
    directory,
    faults,
    media,
    outgoing,
    page_phone,
    phone,
    samples,
    sending,
    shown,
    statuses,
    templates,
    world,
)  # fmt: skip
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
    return JsonResponse(chats.screen(*(request.GET.get(name, "") for name in ("number", "person", "app"))))


def _upload(request: HttpRequest) -> JSON:
    """Multipart `number`, `file`: keeps a file that a person is about to send."""
    file = request.FILES.get("file")
    if file is None:
        raise ValueError("file is missing.")
    channel = directory.channel(request.POST.get("number", ""))
    mime = request.POST.get("type") or file.content_type or "application/octet-stream"
    found = media.store(channel, file.chunks(), mime, file.name or "file", uploaded=False)
    return {"media": found["id"], "kind": media.kind_of(mime), "mime": mime, "name": found["name"]}


def _business(given: JSON, origin: str) -> JSON:
    return directory.create_business(**given)


def _person(given: JSON, origin: str) -> JSON:
    made = directory.create_person(**given)
    names = ("id", "wa_id", "user_id", "username", "name", "country", "instagram")
    return {name: made[name] for name in names}


def _send(given: JSON, origin: str) -> JSON:
    """`{number, person, type, content, reply_to?, forwarded?, referral?, at?}`; `number` is any channel. A content
    `{"sample": name}` takes a ready-made file, under the kind `sample` as what it is."""
    number, kind, content = given["number"], given.get("type", "text"), given.get("content")
    if isinstance(content, dict) and "sample" in content:
        sampled, content = samples.place(number, content)
        kind = sampled if kind == "sample" else kind
    person, reply_to, at = _person_id(given), given.get("reply_to") or "", given.get("at")
    if accounts.find(number):
        return page_phone.send(number, person, kind, content, reply_to=reply_to, at=at, origin=origin)
    return phone.send(
        number,
        person,
        kind,
        content,
        reply_to=reply_to,
        forwarded=bool(given.get("forwarded")),
        referral=given.get("referral"),
        at=at,
        origin=origin,
    )


def _react(given: JSON, origin: str) -> JSON:
    app = page_phone if accounts.find(given["number"]) else phone
    return app.react(given["number"], _person_id(given), given["target"], given.get("emoji") or "", at=given.get("at"))


def _tap(given: JSON, origin: str) -> JSON:
    """`{number, person, target, choice}`: a button, row or quick reply of a message is tapped, by its id."""
    found = world.row("SELECT * FROM messages WHERE wamid = ? AND outgoing = 1", given["target"])
    if not found:
        raise directory.Unknown("There is no such message.")
    choice = shown.choice(found, given["choice"])
    app = page_phone if accounts.find(given["number"]) else phone
    return app.tap(given["number"], _person_id(given), given["target"], choice)


def _edit(given: JSON, origin: str) -> JSON:
    """`{number, person, target, text, at?}`."""
    app = page_phone if accounts.find(given["number"]) else changes
    return app.edit(given["number"], _person_id(given), given["target"], given["text"], at=given.get("at"))


def _unsend(given: JSON, origin: str) -> JSON:
    """`{number, person, target, at?}`."""
    app = page_phone if accounts.find(given["number"]) else changes
    return app.unsend(given["number"], _person_id(given), given["target"], at=given.get("at"))


def _elsewhere(given: JSON, origin: str) -> JSON:
    """`{number, person, text, at?}`: the business answers on its phone or in Meta's inbox; `{number, target}`: it deletes
    for everyone what it wrote on its phone."""
    if given.get("target"):
        return changes.unsend_elsewhere(given["number"], given["target"])
    app = page_phone if accounts.find(given["number"]) else changes
    return app.write_elsewhere(given["number"], _person_id(given), given["text"], at=given.get("at"))


def _page(given: JSON, origin: str) -> JSON:
    return accounts.create_page(**given)


def _instagram(given: JSON, origin: str) -> JSON:
    return accounts.create_instagram(**given)


def _postback(given: JSON, origin: str) -> JSON:
    """`{number, person, title, payload}`: Get started, the menu or an ice breaker."""
    return page_phone.postback(given["number"], _person_id(given), given["title"], given["payload"])


def _refer(given: JSON, origin: str) -> JSON:
    """`{number, person, ref}`: the thread is opened by a link, without a word."""
    return page_phone.refer(given["number"], _person_id(given), given["ref"])


def _hand_over(given: JSON, origin: str) -> JSON:
    """`{number, person, app}`: another app takes the thread; with an empty `app` ours gets it."""
    return page_phone.hand_over(given["number"], _person_id(given), given.get("app", ""))


def _access(given: JSON, origin: str) -> JSON:
    """`{number, allowed}`: "Allow access to messages" in the Instagram app."""
    accounts.allow_access(directory.channel(given["number"]), bool(given["allowed"]))
    return {}


def _change_number(given: JSON, origin: str) -> JSON:
    """`{person, wa_id}`."""
    return changes.change_number(_person_id(given), given["wa_id"])


def _prefer(given: JSON, origin: str) -> JSON:
    """`{number, person, value}`: marketing `stop` or `resume`."""
    return changes.prefer(given["number"], _person_id(given), given["value"])


def _on_phone(given: JSON, origin: str) -> JSON:
    """`{number, on_phone}`."""
    changes.use_on_phone(given["number"], bool(given["on_phone"]))
    return {}


def _template(given: JSON, origin: str) -> JSON:
    """`{waba_id, name, language, category, components, status?, parameter_format?}` places one; `{id, status, reason?}`
    and `{id, quality}` change one."""
    if "id" not in given:
        return {"id": templates.place(**given)}
    if "quality" in given:
        templates.rate(given["id"], given["quality"])
    else:
        templates.decide(given["id"], given["status"], reason=given.get("reason", "NONE"))
    return {}


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
    person = directory.person(given["person"])
    wamid = sending.record_past(
        directory.channel(given["number"]),
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
    "page": _page,
    "instagram": _instagram,
    "tap": _tap,
    "edit": _edit,
    "unsend": _unsend,
    "elsewhere": _elsewhere,
    "postback": _postback,
    "refer": _refer,
    "hand-over": _hand_over,
    "access": _access,
    "change-number": _change_number,
    "prefer": _prefer,
    "on-phone": _on_phone,
    "template": _template,
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
