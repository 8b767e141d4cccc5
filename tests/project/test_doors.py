"""Every address has an access rule, and what is another workspace's does not exist."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.access import access_of
from accounts.models import ApiKey
from accounts.roles import Permission
from omnistra.core.tenancy import workspace_scope
from tests.project.rows import WORKSPACE_MODELS, make

# Views of libraries, by the start of their address, and whose rules hold there.
LIBRARIES = {
    "accounts/": "allauth: sign-up, sign-in and passwords are for people who are not signed in yet",
    "admin/": "Django's admin: operators only (tests/project/test_admin.py)",
    "api/": "drf-spectacular: the published description of the API",
}


def _walk(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for each in resolver.url_patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLPattern):
            yield route, each.callback
        else:
            yield from _walk(each, route)


ROUTES = sorted(_walk(get_resolver()), key=lambda pair: pair[0])
STREAM = "w/<slug:slug>/events/"  # asynchronous: it looks rows up in a thread of its own, so it has its own test
MARKS = {"public", "signed_in", "operator", "api", *map(str, Permission)}


@pytest.mark.clause("12a")
def test_every_address_has_an_access_rule():
    unmarked = [route for route, view in ROUTES if access_of(view) is None]
    assert unmarked == []
    used = set()
    for route, view in ROUTES:
        mark = access_of(view)
        if mark == "library":
            home = next((start for start in LIBRARIES if route.startswith(start)), None)
            assert home, f"{route} is a library's view without a listed reason"
            used.add(home)
        else:
            assert mark in MARKS, (route, mark)
    assert used <= set(LIBRARIES)


@pytest.mark.clause("12a")
def test_every_address_of_a_workspace_asks_for_a_permission():
    for route, view in ROUTES:
        if route.startswith("w/<slug:slug>/"):
            assert access_of(view) in set(map(str, Permission)), route


def _addresses(slug: str, identity: Any) -> list[str]:
    found = []
    for route, _ in ROUTES:
        if route.startswith("w/<slug:slug>/") and route != STREAM:
            address = "/" + route.replace("<slug:slug>", slug).replace("<slug:flow>", "whatsapp")
            for start in (
                "<uuid:identity>",
                "<uuid:pk>",
                "<uuid:id>",
                "<uuid:channel_id>",
                "<uuid:template_id>",
                "<uuid:campaign_id>",
                "<uuid:key_id>",
                "<uuid:grant_id>",
            ):
                address = address.replace(start, str(identity))
            assert "<" not in address, f"teach this test the converter in {route}"
            found.append(address)
    return found


@pytest.fixture
def foreign_rows(other) -> dict[str, Any]:
    with workspace_scope(other.pk), transaction.atomic():
        return {model._meta.label: make(model) for model in WORKSPACE_MODELS}


@pytest.mark.clause("12a")
def test_another_workspaces_addresses_answer_404_to_a_member_and_lead_a_stranger_to_the_sign_in(
    workspace, other, owner, foreign_rows
):
    member, stranger = Client(), Client()
    member.force_login(owner)
    for address in _addresses(other.slug, foreign_rows["conversations.Conversation"].pk):
        statuses = {member.get(address).status_code, member.post(address).status_code}
        assert 404 in statuses and statuses <= {404, 405}, (address, statuses)
        answer = stranger.get(address)
        answer = stranger.post(address) if answer.status_code == 405 else answer
        assert answer.status_code == 302 and "/accounts/login/" in answer["Location"], address


@pytest.mark.clause("12a")
def test_another_workspaces_rows_answer_404_under_ones_own_address(workspace, owner, foreign_rows):
    client = Client()
    client.force_login(owner)
    for label in (
        "conversations.Conversation", "conversations.Message", "conversations.Attachment", "channels_app.Channel",
        "accounts.ApiKey", "accounts.Membership", "accounts.AccessGrant",
    ):  # fmt: skip
        identity = foreign_rows[label].pk
        for address in _addresses(workspace.slug, identity):
            if str(identity) in address:
                for answer in (client.get(address), client.post(address)):
                    assert answer.status_code in (404, 405), (address, answer.status_code)


@pytest.mark.clause("12a")
def test_another_workspaces_rows_answer_404_to_an_api_key(committed, workspace, owner, foreign_rows):
    with workspace_scope(workspace.pk), transaction.atomic():
        _, secret = ApiKey.issue("all", [str(each) for each in Permission], owner)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    for route, view in ROUTES:
        if access_of(view) != "api" or "<uuid:" not in route:
            continue
        for label in ("conversations.Conversation", "conversations.Message", "channels_app.Channel"):
            start, _, rest = route.partition("<uuid:")
            address = f"/{start}{foreign_rows[label].pk}{rest.partition('>')[2]}"
            body = {"data": '{"text": "hello"}', "content_type": "application/json"}
            answers = {"GET": client.get(address), "POST": client.post(address, **body)}
            for method, answer in answers.items():
                expected = (404,) if method in view.cls.required_scopes else (403, 405)  # no such method at all
                assert answer.status_code in expected, (method, address, answer.status_code)


@pytest.mark.clause("12a")
def test_another_workspaces_event_stream_answers_404(committed, workspace, other, owner):
    client = Client()
    client.force_login(owner)
    assert client.get(f"/w/{other.slug}/events/").status_code == 404
