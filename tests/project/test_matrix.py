"""Every address x method x kind of caller, against one declared table (tests/project/matrix.py).

Whoever is refused changes nothing and sends nothing: the whole database has the same fingerprint before and after.
"""

import copy
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts import invitations, members
from accounts.members import Place
from accounts.models import AccessGrant, ApiKey, CustomRole, Membership, User, UserSession
from accounts.roles import CUSTOM, PERMISSIONS, Permission, Role
from channels_app.models import Channel, MessageTemplate
from conversations.models import Attachment, Campaign, Conversation, Message
from omnistra.core import http, keyring
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.conftest import join
from tests.conversations.webhooks import connect
from tests.factors import sign_in_with_factor
from tests.project.matrix import ANYONE, ELSEWHERE, KEY, MEMBER, PARTS, PERSON, TABLE, Rule
from tests.project.rows import make

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
DENIED = {302, 401, 403, 404, 405}


def _walk(resolver: URLResolver, prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    for each in resolver.url_patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLPattern):
            yield space + (each.name or route), route
        else:
            yield from _walk(each, route, space + (f"{each.namespace}:" if each.namespace else ""))


ROUTES = {
    name: route
    for name, route in _walk(get_resolver())
    if not route.startswith(tuple(PARTS)) and name not in ELSEWHERE
}  # fmt: skip
ADMIN = [route for _, route in _walk(get_resolver()) if route.startswith("admin/")]


@pytest.mark.clause("12a")
def test_every_address_stands_in_the_table_and_none_is_stale():
    assert set(ROUTES) - set(TABLE) == set(), "missing in tests/project/matrix.py"
    assert set(TABLE) - set(ROUTES) == set(), "stale in tests/project/matrix.py"


@pytest.mark.clause("12a")
def test_every_permission_is_asked_for_somewhere():
    assert {permission for rule in TABLE.values() for permission in rule.methods.values()} >= set(Permission)


class World:
    """Two workspaces with a row of everything that stands in an address, and somebody of every kind."""

    def __init__(self, workspace: Any, other: Any, owner: User) -> None:
        self.workspace = workspace
        with workspace_scope(workspace.pk):
            channel = connect(workspace)
            conversation = make(Conversation, channel=channel)
            message = make(Message, channel=channel, conversation=conversation, contact_id=conversation.contact_id)
            self.rows = {
                "channel": channel.pk, "contact": conversation.contact_id, "conversation": conversation.pk,
                "message": message.pk,
                "template": make(MessageTemplate, provider=channel.provider, account_id=channel.account_id).pk,
                "campaign": make(Campaign, channel=channel).pk,
                "attachment": make(Attachment, message=message, channel=channel).pk,
                "api_key": ApiKey.issue("in use", ["conversations.view"], owner)[0].pk,
                "grant": make(AccessGrant, conversation_id=conversation.pk).pk,
            }  # fmt: skip
            self.keys = {scope: ApiKey.issue(str(scope), [str(scope)], owner)[1] for scope in Permission}
            revoked, self.revoked_key = ApiKey.issue("revoked", [str(each) for each in Permission], owner)
            revoked.revoke()
        with workspace_scope(other.pk):
            self.foreign_key = ApiKey.issue("all", [str(each) for each in Permission], None)[1]
        self.people: dict[str, User | None] = {"anonymous": None, "owner": owner}
        for role in Role:
            if role != Role.OWNER:
                self.people[role.value] = join(workspace, role)
        with workspace_scope(workspace.pk):
            self.rows["viewer"] = Membership.objects.get(role=Role.VIEWER).pk
            boss = Membership.objects.select_related("user", "custom_role").get(user=owner)
            self.rows["invitation"] = invitations.invite(boss, "new@northwind.example", Place(Role.AGENT)).pk
        self.people["foreigner"] = User.objects.get(email="max@elsewhere.example")
        self.rows["session"] = UserSession.objects.create(
            id=uuid7(), user=self.people["foreigner"], expires_at=timezone.now() + timedelta(hours=1)
        ).pk
        self.people["former member"] = self._former()
        self.people["custom role"] = self._custom()
        self.people["operator"] = User.objects.create_superuser("op@omnistra.example", "x", name="Op")
        self.people["operator with a grant"] = self._granted()
        self.permissions: dict[str, frozenset[Permission]] = {role.value: PERMISSIONS[role] for role in Role}
        self.permissions["custom role"] = frozenset({Permission.WORKSPACE_VIEW, Permission.RETENTION_VIEW})

    def _former(self) -> User:
        user = User.objects.create_user("former@northwind.example", "correct-horse-battery", name="Former")
        with workspace_scope(self.workspace.pk):
            Membership.objects.create(user=user, role=Role.AGENT)
            members.leave(Membership.objects.get(user=user))
        return user

    def _custom(self) -> User:
        user = User.objects.create_user("custom@northwind.example", "correct-horse-battery", name="Custom")
        with workspace_scope(self.workspace.pk):
            role = CustomRole.objects.create(name="Overseer", permissions=["retention.view", "workspace.view"])
            Membership.objects.create(user=user, role=CUSTOM, custom_role=role)
            self.rows["role"] = CustomRole.objects.create(name="Spare", permissions=["workspace.view"]).pk
        return user

    def _granted(self) -> User:
        user = User.objects.create_superuser("granted@omnistra.example", "x", name="Granted")
        with workspace_scope(self.workspace.pk):
            grant = AccessGrant.objects.create(
                operator=user, conversation_id=self.rows["conversation"], reason="Ticket 4711, agreed by phone"
            )
            grant.approve(Membership.objects.filter(role=Role.OWNER).first(), 1)
        return user

    def address(self, name: str, rule: Rule) -> str:
        """The address of a route with this world's rows in it."""
        route = ROUTES[name].replace("<slug:slug>", self.workspace.slug)
        for converter, kind in rule.args.items():
            value = str(self.rows.get(kind, {"provider": "whatsapp"}.get(kind, "x-x")))
            for form in (f"<uuid:{converter}>", f"<slug:{converter}>", f"<str:{converter}>", f"<path:{converter}>"):
                route = route.replace(form, value)
        if "(?P<" in route:  # allauth's regular expressions: keys of mails, which lead nowhere here
            route = {"account_confirm_email": "accounts/confirm-email/nothing/"}.get(
                name, "accounts/password/reset/key/0-nothing/"
            )
        assert "<" not in route, f"say in the table what stands in {route}"
        return f"/{route}"


@pytest.fixture
def world(workspace, other, owner) -> World:
    return World(workspace, other, owner)


@pytest.fixture(autouse=True)
def sent(monkeypatch) -> list[str]:
    """Calls that would have left the product; each finds nobody there."""
    calls: list[str] = []

    def stream(self, method, url, **more):
        calls.append(url)
        raise http.NotSent("nobody is there")

    monkeypatch.setattr(http.Client, "stream", stream)
    return calls


def sign_in(client: Client, user: User) -> None:
    """As this person; operators come with the second factor that they always need."""
    if user.is_staff:
        sign_in_with_factor(client, user)
    else:
        client.force_login(user)


def fingerprint() -> dict[str, str]:
    """A hash of each table's rows."""
    found = {}
    with system_scope("test"), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            found[table] = hashlib.sha256("\n".join(row[0] for row in cursor.fetchall()).encode()).hexdigest()
    return found


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside is taken back."""

    class Back(Exception):
        pass

    blocks = [transaction.atomic(using) for using in ("default", "keys")]
    for block in blocks:
        block._from_testcase = True  # it stands for a request of its own, not for a transaction around a call
    try:
        with blocks[0], blocks[1]:
            yield
            raise Back
    except Back:
        pass
    finally:
        keyring.forget_opened_keys()


def call(client: Client, method: str, address: str) -> int:
    """The status; a body of JSON for the API, an empty form for pages."""
    body = {"data": "{}", "content_type": "application/json"} if address.startswith("/api/") and method != "GET" else {}
    return getattr(client, method.lower())(address, **body).status_code


def expected_of_member(rule: Rule, method: str, who: str, world: World) -> str:
    if who == "anonymous":
        return "login"
    if who not in world.permissions:
        return "absent"
    return "in" if rule.methods[method] in world.permissions[who] else "forbidden"


def check(status: int, wanted: str, place: Any) -> None:
    """A status against what the table says of this caller."""
    assert status < 500, place
    allowed = {
        "open": set(range(200, 500)),  # what else it asks for is its own business: a signature, a verify token
        "in": set(range(200, 500)) - {401, 403, 405},
        "login": {302, 401, 405},
        "forbidden": {403, 405},
        "absent": {404, 405},
        "absent for a key": {400, 404},  # a body without sense is refused before anything is looked up
        "no key": {401},
        "no scope": {403},
        "no method": {400, 401, 403, 404, 405, 302, 415},
    }[wanted]
    assert status in allowed, (*place, wanted, status)


@pytest.mark.clause("12a")
def test_pages_let_in_whom_the_table_names_and_nobody_else(world, sent):
    for who, user in world.people.items():
        client = Client(raise_request_exception=False)
        if user:
            sign_in(client, user)
        before, refused = fingerprint(), []
        for name, rule in TABLE.items():
            if rule.who == KEY:
                continue
            address = world.address(name, rule)
            for method in METHODS:
                wanted = _wanted_of_page(rule, method, who, world)
                place = (who, method, name)
                if wanted in ("login", "forbidden", "absent", "no method"):
                    check(call(client, method, address), wanted, place)
                    refused.append(place)
                else:
                    cookies = copy.deepcopy(client.cookies)
                    with undone():
                        check(call(client, method, address), wanted, place)
                    client.cookies = cookies  # signing out is one of the pages
                    sent.clear()
                    mail.outbox.clear()
                    cache.clear()
        _nothing_happened(before, sent, (who, len(refused)))


def _wanted_of_page(rule: Rule, method: str, who: str, world: World) -> str:
    if rule.who == ANYONE:
        return "open"
    if method not in rule.methods:
        return "no method" if rule.who == MEMBER else "open"
    if rule.who == MEMBER:
        return expected_of_member(rule, method, who, world)
    return "login" if rule.who == PERSON and who == "anonymous" else "in"


def _nothing_happened(before: dict[str, str], sent: list[str], place: Any) -> None:
    after = fingerprint()
    changed = {table for table in after if after[table] != before.get(table)}
    assert changed == set(), (*place, "changed", changed)
    assert sent == [] and mail.outbox == [], (*place, "sent")


@pytest.mark.clause("12a")
def test_the_api_lets_in_keys_with_the_scope_and_nobody_else(world, sent):
    callers = {**{str(scope): secret for scope, secret in world.keys.items()},
               "revoked": world.revoked_key, "foreign": world.foreign_key, "none": "", "session": "session"}  # fmt: skip
    for who, secret in callers.items():
        client = Client(raise_request_exception=False)
        if who == "session":
            client.force_login(world.people["owner"])
        elif secret:
            client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
        call(client, "GET", "/api/v1/channels/")  # the first use of a key is noted
        before = fingerprint()
        for name, rule in TABLE.items():
            if rule.who != KEY:
                continue
            address = world.address(name, rule)
            for method in METHODS:
                wanted = _wanted_of_key(rule, method, who)
                with undone():
                    check(call(client, method, address), wanted, (who, method, name))
                if wanted == "in":
                    sent.clear()
                else:
                    assert sent == [], (who, method, name)
            cache.clear()
        _nothing_happened(before, sent, (who,))


def _wanted_of_key(rule: Rule, method: str, who: str) -> str:
    if who in ("revoked", "none", "session"):
        return "no key"
    if method not in rule.methods:
        return "no method"
    if who == "foreign":
        return "absent for a key" if rule.args else "in"
    return "in" if str(rule.methods[method]) == who else "no scope"


@pytest.mark.clause("12a")
def test_the_admin_is_the_operators_alone(world, sent):
    with system_scope("test"):
        row = str(Channel.objects.first().pk)
    for who, user in world.people.items():
        client = Client(raise_request_exception=False)
        if user:
            sign_in(client, user)
        is_operator = who.startswith("operator")
        before = fingerprint()
        for route in ADMIN:
            address = "/" + route.split("(?P<")[0].replace("^", "") if "(?P<" in route else f"/{route}"
            for form in ("<path:object_id>", "<uuid:pk>", "<path:content_type_id>"):
                address = address.replace(form, row)
            for method in METHODS:
                if is_operator and method != "GET":
                    continue
                with undone():
                    status = call(client, method, address)
                assert status < 500, (who, method, address)
                if not is_operator:
                    assert status in DENIED, (who, method, address, status)
        _nothing_happened(before, sent, (who,))
