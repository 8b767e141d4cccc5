"""Signing in at Facebook and Instagram: the dialogs, codes and tokens, and the Pages and accounts of the one person who
plays everybody here. Codes live 30 seconds and are good once (facts: whatsapp 3.1, messenger 2, instagram 2)."""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from . import world
from .errors import GraphError

CODE_SECONDS, SHORT_SECONDS, LONG_SECONDS = 30, 3600, 60 * 24 * 3600
PERSON = "700000000000042"
SIGNUP_SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging", "business_management")
ACCOUNT, USERNAME = "17841400000004101", "northwind.tea"


class Call(Protocol):
    """As graph.Call."""

    request: HttpRequest
    parts: list[str]
    token: str

    def authorize(self) -> Any: ...


def _issue(app: str, scopes: list[str], lives: int, wabas: list[str] | None = None) -> str:
    token = ("IGAA" if app == "instagram" else "EAAG") + secrets.token_hex(48)
    now = int(world.now())
    with world.write() as db:
        db.execute(
            "INSERT INTO tokens (token, waba_ids, scopes, expires, issued) VALUES (?, ?, ?, ?, ?)",
            (token, json.dumps(wabas or []), json.dumps(scopes), now + lives if lives else 0, now),
        )
    return token


def issue_code(app: str, scopes: list[str]) -> str:
    """What the dialog gives when the person agrees to these scopes."""
    code = secrets.token_urlsafe(24)
    with world.write() as db:
        db.execute(
            "INSERT INTO codes (code, app, scopes, until) VALUES (?, ?, ?, ?)",
            (code, app, json.dumps(scopes), world.now() + CODE_SECONDS),
        )
    return code


def _spend(code: str, app: str) -> list[str]:
    """The scopes of a code, once. Raises GraphError 100."""
    with world.write() as db:
        found = db.execute("SELECT * FROM codes WHERE code = ?", (code,)).fetchone()
        db.execute("DELETE FROM codes WHERE code = ?", (code,))
    if not found or found["app"] != app or found["until"] < world.now():
        raise GraphError(100, message="This authorization code has expired or has been used.")
    scopes: list[str] = json.loads(found["scopes"])
    return scopes


def create_page(
    *,
    page_id: str,
    name: str,
    tasks: tuple[str, ...] = ("MESSAGING", "MODERATE"),
    account: str = "",
    username: str = "",
) -> str:
    """A Page of the person, perhaps with an Instagram account linked to it; gives its token."""
    token = "EAAG" + secrets.token_hex(48)
    with world.write() as db:
        db.execute(
            "INSERT OR REPLACE INTO pages (page_id, name, tasks, token, account, username) VALUES (?, ?, ?, ?, ?, ?)",
            (page_id, name, json.dumps(tasks), token, account, username),
        )
        db.execute(
            "INSERT INTO tokens (token, waba_ids, scopes, issued) VALUES (?, '[]', ?, ?)",
            (token, json.dumps(["pages_messaging", "pages_manage_metadata"]), int(time.time())),
        )
    return token


def handler(method: str, parts: list[str]) -> Callable[[Any], HttpResponse] | None:
    """The call of a login or of a Page that a path names, if it is one."""
    fixed: dict[tuple[str, str], Callable[[Any], HttpResponse]] = {
        ("GET", "oauth/access_token"): _exchange,
        ("GET", "me/accounts"): _accounts,
        ("GET", "me"): _me,
    }
    if found := fixed.get((method, "/".join(parts))):
        return found
    if len(parts) == 2 and parts[1] == "subscribed_apps" and (parts[0] == ACCOUNT or _page(parts[0])):
        return {"GET": _subscribed, "POST": _subscribe, "DELETE": _unsubscribe}.get(method)
    if len(parts) == 1 and method == "GET" and _page(parts[0]):
        return _show_page
    return None


def _page(page_id: str) -> Any:
    return world.row("SELECT * FROM pages WHERE page_id = ?", page_id)


def _own_page(call: Call) -> Any:
    """The Page whose token asks; its own calls need that one. Raises GraphError."""
    call.authorize()
    found = world.row("SELECT * FROM pages WHERE token = ?", call.token)
    if found and call.parts[0] not in (found["page_id"], "me"):
        raise GraphError(100, message="Unsupported request: this token is another Page's.")
    return found


def _exchange(call: Call) -> HttpResponse:
    query = call.request.GET
    if query.get("client_id") != settings.META_APP_ID or query.get("client_secret") != settings.META_APP_SECRET:
        raise GraphError(100, message="Error validating client secret.")
    if query.get("grant_type") == "fb_exchange_token":
        held = world.row("SELECT * FROM tokens WHERE token = ?", query.get("fb_exchange_token", ""))
        if not held:
            raise GraphError(190)
        token = _issue("meta", json.loads(held["scopes"]), LONG_SECONDS)
        return JsonResponse({"access_token": token, "token_type": "bearer", "expires_in": LONG_SECONDS})
    scopes = _spend(query.get("code", ""), "meta")
    if "whatsapp_business_management" in scopes:
        wabas = [row["waba_id"] for row in world.rows("SELECT waba_id FROM businesses ORDER BY rowid")]
        return JsonResponse({"access_token": _issue("meta", scopes, 0, wabas), "token_type": "bearer"})
    token = _issue("meta", scopes, SHORT_SECONDS)
    return JsonResponse({"access_token": token, "token_type": "bearer", "expires_in": SHORT_SECONDS})


def _accounts(call: Call) -> HttpResponse:
    call.authorize()
    return JsonResponse({"data": [_as_page(row, call) for row in world.rows("SELECT * FROM pages ORDER BY rowid")]})


def _as_page(row: Any, call: Call) -> dict[str, Any]:
    fields = call.request.GET.get("fields", "")
    shown = {"id": row["page_id"], "name": row["name"]}
    if "access_token" in fields:
        shown |= {"access_token": row["token"], "tasks": json.loads(row["tasks"])}
    if "instagram_business_account" in fields and row["account"]:
        shown["instagram_business_account"] = {
            "id": row["account"], "username": row["username"], "name": row["name"],
        }  # fmt: skip
    return shown


def _me(call: Call) -> HttpResponse:
    call.authorize()
    if call.token.startswith("IGAA"):
        names = {"username": USERNAME, "name": "Northwind Tea", "account_type": "BUSINESS"}
        return HttpResponse(  # the id as a number, as Instagram may write it
            json.dumps({"id": "27000000000042", "user_id": int(ACCOUNT), **names}), content_type="application/json"
        )
    page = _own_page(call)
    return JsonResponse(_as_page(page, call) if page else {"id": PERSON})


def _show_page(call: Call) -> HttpResponse:
    return JsonResponse(_as_page(_own_page(call) or _page(call.parts[0]), call))


def _fields(node: str) -> list[str]:
    row = world.row("SELECT fields FROM subscriptions WHERE node = ?", node)
    return json.loads(row["fields"]) if row else []


def _subscribed(call: Call) -> HttpResponse:
    _own_page(call)
    held = _fields(call.parts[0])
    app = {"id": settings.META_APP_ID, "name": "Omnistra", "subscribed_fields": held}
    return JsonResponse({"data": [app] if held else []})


def _subscribe(call: Call) -> HttpResponse:
    _own_page(call)
    request = call.request
    given = request.GET.get("subscribed_fields") or request.POST.get("subscribed_fields") or ""
    if not given:
        raise GraphError(100, message="(#100) Param subscribed_fields must be non-empty.")
    set_subscription(call.parts[0], given.split(","))
    return JsonResponse({"success": True})


def set_subscription(node: str, fields: list[str]) -> None:
    """What a Page or account sends from now on; an empty list: nothing, as after an hour of failures."""
    with world.write() as db:
        db.execute("INSERT OR REPLACE INTO subscriptions (node, fields) VALUES (?, ?)", (node, json.dumps(fields)))


def _unsubscribe(call: Call) -> HttpResponse:
    _own_page(call)
    set_subscription(call.parts[0], [])
    return JsonResponse({"success": True})


@csrf_exempt
@transaction.non_atomic_requests
def dialog(request: HttpRequest, version: str = "") -> HttpResponse:
    """Where the person agrees: every scope can be unticked, as at Meta."""
    query = request.GET
    app = "meta" if version else "instagram"
    wanted = query.get("scope", "").split(",") if query.get("scope") else list(SIGNUP_SCOPES)
    back = f"{settings.BASE_URL}/channels/login/"
    if query.get("redirect_uri") != back:
        return HttpResponse("The redirect_uri is not in the app's settings.", status=400, content_type="text/plain")
    if request.method != "POST":
        context = {"scopes": wanted, "platform": "Facebook" if version else "Instagram"}
        return render(request, "sandbox/login.html", context)
    answer: Mapping[str, str] = {"error": "access_denied", "error_reason": "user_denied"}
    if request.POST.get("answer") == "allow":
        answer = {"code": issue_code(app, [scope for scope in wanted if scope in request.POST.getlist("scope")])}
    tail = "#_" if app == "instagram" else ""
    return HttpResponseRedirect(f"{back}?{urlencode({**answer, 'state': query.get('state', '')})}{tail}")


@csrf_exempt
@require_POST
@transaction.non_atomic_requests
def instagram_exchange(request: HttpRequest) -> HttpResponse:
    """The stand-in for api.instagram.com/oauth/access_token."""
    form = request.POST
    if form.get("client_id") != settings.INSTAGRAM_APP_ID or form.get("client_secret") != settings.INSTAGRAM_APP_SECRET:
        return JsonResponse({"error_type": "OAuthException", "code": 400, "error_message": "Wrong secret"}, status=400)
    try:
        scopes = _spend(form.get("code", ""), "instagram")
    except GraphError as error:
        return JsonResponse({"error_type": "OAuthException", "code": 400, "error_message": error.message}, status=400)
    token = _issue("instagram", scopes, SHORT_SECONDS)
    return JsonResponse({"access_token": token, "user_id": 27000000000042, "permissions": scopes})


@transaction.non_atomic_requests
def instagram_token(request: HttpRequest) -> HttpResponse:
    """graph.instagram.com/access_token and /refresh_access_token: another sixty days for a token that lives."""
    held = world.row("SELECT * FROM tokens WHERE token = ? AND revoked = 0", request.GET.get("access_token", ""))
    renews = request.GET.get("grant_type") == "ig_refresh_token"
    if not held or held["expires"] < world.now() or (renews and world.now() - held["issued"] < 86400):
        return GraphError(190, message="Session has expired or is too young.", status=400).response()
    if not renews and request.GET.get("client_secret") != settings.INSTAGRAM_APP_SECRET:
        return GraphError(100, message="Error validating client secret.").response()
    token = _issue("instagram", json.loads(held["scopes"]), LONG_SECONDS)
    return JsonResponse({"access_token": token, "token_type": "bearer", "expires_in": LONG_SECONDS})


for _view in (dialog, instagram_exchange, instagram_token):
    setattr(_view, "access", "public")  # noqa: B010 - local and test only
