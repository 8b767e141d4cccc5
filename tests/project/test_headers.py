"""Every answer carries its headers: of every address, for every kind of caller, and of everything that goes wrong."""

import asyncio
import re

import pytest
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from channels_app.login_views import SIGN_IN_AT
from omnistra import asgi
from omnistra.settings import production
from tests.project.matrix import KEY, PARTS, TABLE
from tests.project.test_matrix import ADMIN, World, sign_in

pytestmark = pytest.mark.clause("12a")
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
INLINE = re.compile(r"<(script|style)\b([^>]*)>|\s(on[a-z]+|style)=\"", re.IGNORECASE)


@pytest.fixture
def world(workspace, other, owner) -> World:
    return World(workspace, other, owner)


def check(response: HttpResponse, place: object) -> None:
    """The headers, and that a page has nothing inline that its policy would refuse."""
    for name, value in ALWAYS.items():
        assert response.headers.get(name) == value, (place, name, response.headers.get(name))
    assert "camera=()" in response.headers["Permissions-Policy"], place
    assert "no-store" in response.headers["Cache-Control"], place
    policy = response.headers["Content-Security-Policy"]
    if "channels:sign_in" in str(place):  # its form ends at the platform's own sign-in, and nowhere else
        policy = policy.replace(" ".join(["form-action 'self'", *SIGN_IN_AT]), "form-action 'self'")
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy, place
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy, place
    if not response.streaming and response.headers.get("Content-Type", "").startswith("text/html"):
        _nothing_inline(response.content.decode(), policy, place)


def _nothing_inline(page: str, policy: str, place: object) -> None:
    nonce = re.search(r"'nonce-([^']+)'", policy)
    for tag, attributes, handler in INLINE.findall(page):
        assert tag and not handler, (place, handler)
        is_data = 'type="application/json"' in attributes
        assert is_data or "src=" in attributes or (nonce and f'nonce="{nonce[1]}"' in attributes), (place, attributes)


@pytest.mark.parametrize("who", ["anonymous", "owner", "foreigner", "operator"])
def test_every_page_has_its_headers_whatever_it_answers(world, who):
    client = Client(raise_request_exception=False)
    if user := world.people[who]:
        sign_in(client, user)
    seen = set()
    for name, rule in TABLE.items():
        for method in ("get", "post", "put"):
            if name in ("account_logout", "account_sign_out_everywhere") and method == "post":
                continue  # what comes after would be a stranger's
            response = getattr(client, method)(world.address(name, rule))
            check(response, (who, name, method))
            seen.add(response.status_code)
    assert seen >= {"anonymous": {200, 302, 401}, "foreigner": {200, 404}}.get(who, {200, 302, 404, 405})


def test_every_answer_of_the_api_has_them(world):
    client = Client(raise_request_exception=False)
    for secret in (world.keys["conversations.view"], world.revoked_key, world.foreign_key):
        for name, rule in TABLE.items():
            if rule.who == KEY:
                for method in ("get", "post", "delete"):
                    bearer = {"Authorization": f"Bearer {secret}"}
                    check(getattr(client, method)(world.address(name, rule), headers=bearer), (name, method))


def test_every_page_of_the_admin_has_them(world):
    client = Client(raise_request_exception=False)
    sign_in(client, world.people["operator"])
    operator = str(world.people["operator"].pk)
    for route in ADMIN:
        address = "/" + route.split("(?P<")[0].replace("^", "")
        for form in ("<path:object_id>", "<uuid:pk>", "<path:content_type_id>"):
            address = address.replace(form, operator)
        check(client.get(address), route)


def test_what_goes_wrong_has_them(world, client, monkeypatch, settings):
    client.raise_request_exception = False
    check(client.get("/nothing/here/"), 404)
    check(client.get("/api/v1/nothing/"), 404)
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/accounts/login/", {"login": "x", "password": "y"})
    assert answer.status_code == 403
    check(answer, "csrf")
    check(client.post("/webhooks/whatsapp/", b"{}", content_type="application/json"), "webhook without signature")

    def broken(*_args, **_more):
        raise RuntimeError("broken")

    monkeypatch.setattr("omnistra.pages.policies", None)
    answer = client.get("/privacy/")
    assert answer.status_code == 500
    check(answer, 500)
    monkeypatch.setattr("accounts.models.ApiKey.of_secret", broken)
    answer = client.get("/api/v1/channels/", headers={"Authorization": "Bearer omn_x"})
    assert answer.status_code == 500
    check(answer, "500 of the API")
    settings.ALLOWED_HOSTS = ["omnistra.example"]
    answer = client.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    check(answer, "foreign host")


def test_static_files_may_be_stored_and_have_the_rest(client, db):
    assert finders.find("css/base.css")
    answer = client.get("/static/css/base.css")
    assert answer.status_code == 200 and "no-store" not in answer.headers.get("Cache-Control", "")
    for name, value in ALWAYS.items():
        assert answer.headers.get(name) == value, name
    assert "Access-Control-Allow-Origin" not in answer.headers
    check(client.get("/static/nothing.css"), "a static file that is not there")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/webhooks/whatsapp/", [(b"content-length", b"99999999999")], 413),
        ("/w/northwind/inbox/", [(b"content-length", b"99999999999"), (b"accept", b"text/html")], 413),
        ("/w/northwind/inbox/", [(b"transfer-encoding", b"chunked")], 411),
    ],
)
def test_a_body_that_is_refused_before_it_is_read_is_answered_with_them(path, headers, status):
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    async def receive():
        raise AssertionError("the body is not read")

    scope = {"type": "http", "path": path, "method": "POST", "headers": headers}
    asyncio.run(asgi.application(scope, receive, send))
    assert sent[0]["status"] == status
    response = HttpResponse(
        sent[1]["body"], status=status, headers={k.decode(): v.decode() for k, v in sent[0]["headers"]}
    )
    check(response, path)
    assert response["Connection"] == "close"


def test_a_page_names_its_nonce_and_each_answer_has_another(client, db):
    policies = [client.get("/api/docs/")["Content-Security-Policy"] for _ in range(2)]
    assert all("script-src 'self'" in policy for policy in policies)


@pytest.mark.clause("12a")
def test_production_speaks_https_alone_and_says_so_on_every_answer(client, owner, settings):
    for name in ("SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD", "SECURE_SSL_REDIRECT"):
        setattr(settings, name, getattr(production, name))
    assert production.SESSION_COOKIE_SECURE and production.CSRF_COOKIE_SECURE
    assert production.SESSION_COOKIE_NAME.startswith("__Host-")
    fresh = Client(raise_request_exception=False)
    assert fresh.get("/accounts/login/")["Location"].startswith("https://")
    for address in ("/", "/accounts/login/", "/nothing/", "/api/v1/channels/", "/static/css/base.css", "/admin/"):
        said = fresh.get(address, secure=True)["Strict-Transport-Security"]
        assert said == "max-age=63072000; includeSubDomains; preload", address


def test_the_parts_that_the_table_leaves_out_have_them_too(client, owner):
    assert PARTS
    client.force_login(User.objects.get(pk=owner.pk))
    for address in ("/sandbox/", "/styleguide/", "/api/schema/", "/healthz/", "/readyz/"):
        check(client.get(address), address)
