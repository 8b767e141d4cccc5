"""Signing in at Facebook and Instagram: the dialogs, codes and tokens, and the Pages and accounts of the one person who
plays everybody here. Codes live 30 seconds and are good once (facts: whatsapp 3.1, messenger 2, instagram 2)."""

import json
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from . import accounts, nodes, world
from .calls import Call
from .errors import GraphError

CODE_SECONDS, SHORT_SECONDS, LONG_SECONDS = 30, 3600, 60 * 24 * 3600
PERSON = nodes.SIGNED_IN
SIGNUP_SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging", "business_management")
ACCOUNT, USERNAME = "17841400000004101", "northwind.tea"


def _issue(app: str, scopes: list[str], lives: int, opens: list[str] | None = None) -> str:
    """A token: Instagram's opens the person's account, a person's at Facebook what is named."""
    token = ("IGAA" if app == "instagram" else "EAAG") + secrets.token_hex(48)
    opens = [_own_account()] if app == "instagram" else (opens or [])
    now = int(world.now())
    with world.write() as db:
        db.execute(
            "INSERT INTO tokens (token, opens, scopes, expires, issued, kind) VALUES (?, ?, ?, ?, ?, ?)",
            (
                token, json.dumps(opens), json.dumps(scopes), now + lives if lives else 0, now,
                "instagram" if app == "instagram" else "user",
            ),
        )  # fmt: skip
    return token


def _own_account() -> str:
    """The Instagram account of the person, there from the first sign-in on."""
    if not accounts.find(ACCOUNT):
        accounts.create_instagram(ig_id=ACCOUNT, username=USERNAME, name="Northwind Tea")
    return ACCOUNT


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
    made = accounts.create_page(page_id=page_id, name=name, username=username, tasks=tasks)
    if account:
        accounts.create_instagram(ig_id=account, username=username, name=name, page_id=page_id)
    return str(made["token"])


def handler(method: str, parts: list[str]) -> Callable[[Call], HttpResponse] | None:
    """The call of a login that a path names, if it is one."""
    return _exchange if method == "GET" and parts == ["oauth", "access_token"] else None


def _exchange(call: Call) -> HttpResponse:
    query = call.request.GET
    if query.get("client_id") != settings.META_APP_ID or query.get("client_secret") != settings.META_APP_SECRET:
        raise GraphError(100, message="Error validating client secret.")
    if query.get("grant_type") == "fb_exchange_token":
        held = world.row("SELECT * FROM tokens WHERE token = ?", query.get("fb_exchange_token", ""))
        if not held:
            raise GraphError(190)
        token = _issue("meta", json.loads(held["scopes"]), LONG_SECONDS, json.loads(held["opens"]))
        return JsonResponse({"access_token": token, "token_type": "bearer", "expires_in": LONG_SECONDS})
    scopes = _spend(query.get("code", ""), "meta")
    if "whatsapp_business_management" in scopes:
        wabas = [row["waba_id"] for row in world.rows("SELECT waba_id FROM businesses ORDER BY rowid")]
        return JsonResponse({"access_token": _issue("meta", scopes, 0, wabas), "token_type": "bearer"})
    pages = [row["id"] for row in world.rows("SELECT id FROM accounts WHERE app = 'messenger' ORDER BY rowid")]
    token = _issue("meta", scopes, SHORT_SECONDS, pages)
    return JsonResponse({"access_token": token, "token_type": "bearer", "expires_in": SHORT_SECONDS})


def set_subscription(node: str, fields: list[str]) -> None:
    """What a Page or account sends from now on; an empty list: nothing, as after an hour of failures."""
    if node == ACCOUNT:
        _own_account()
    accounts.subscribe(node, fields)


def subscription(node: str) -> list[str]:
    """What it sends now."""
    fields: list[str] = json.loads(accounts.account(node)["fields"])
    return fields


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
    return JsonResponse({"access_token": token, "user_id": int(nodes.app_scoped_id(ACCOUNT)), "permissions": scopes})


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
