"""What a key may: what endpoints ask for, what its maker may, and nothing beyond its channels."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from accounts.access import access_of
from accounts.models import ApiKey, Membership
from accounts.roles import Permission, Role
from accounts.scopes import SCOPES
from channels_app.models import Channel
from omnistra.core.tenancy import workspace_scope
from tests.accounts.api_keys.keys import LIST, PAGE, entries, issue, status
from tests.conftest import join
from tests.project.rows import make
from tests.project.test_doors import ROUTES


def test_the_scopes_that_are_offered_are_those_that_endpoints_ask_for():
    asked = {
        scope for _, view in ROUTES if access_of(view) == "api" for scope in view.cls.required_scopes.values()
    }  # fmt: skip
    assert set(SCOPES) == asked


@pytest.mark.clause("12a")
@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_a_key_of_one_scope_enters_only_what_that_scope_opens(committed, client, workspace, scope):
    _, secret = issue(workspace, [scope])
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    unknown = "00000000-0000-7000-8000-000000000000"
    for route, view in ROUTES:
        if access_of(view) != "api":
            continue
        address = "/" + route.replace("<uuid:id>", unknown)
        for method, wanted in view.cls.required_scopes.items():
            answer = client.generic(method, address, "{}", content_type="application/json")
            assert (answer.status_code == 403) == (wanted != scope), (method, address, answer.status_code)


def _form(**more):
    return {"name": "Shop", "scopes": ["conversations.view"], "reach": "all", "lifetime": "30", **more}


@pytest.mark.clause("12a")
def test_a_member_gives_a_key_no_scope_that_the_member_lacks(client, workspace, monkeypatch):
    """The custom role of this test manages keys and may else only look."""
    user = join(workspace, Role.VIEWER)
    monkeypatch.setattr(
        Membership, "may", lambda self, permission: permission in ("api_keys.manage", "conversations.view")
    )
    client.force_login(user)
    page = client.get(PAGE).content.decode()
    assert 'value="conversations.view"' in page and 'value="conversations.reply"' not in page
    for forged in ("conversations.reply", "workspace.close", "nonsense"):
        assert client.post(PAGE, _form(scopes=["conversations.view", forged])).status_code == 422
    with workspace_scope(workspace.pk):
        assert not ApiKey.objects.exists()
    assert client.post(PAGE, _form()).status_code == 200
    wider, _ = issue(workspace, ["conversations.reply"])
    before = bytes(wider.key_hash)
    assert client.post(f"{PAGE}{wider.pk}/rotate/").status_code == 302
    with workspace_scope(workspace.pk):
        wider.refresh_from_db()
    assert bytes(wider.key_hash) == before and not wider.is_rotating
    assert entries(workspace, "api_key.rotated") == []


@pytest.mark.parametrize("role", [Role.PRIVACY_OFFICER, Role.AGENT, Role.VIEWER])
def test_roles_without_the_permission_neither_see_nor_make_nor_change_keys(client, workspace, role):
    key, _ = issue(workspace)
    client.force_login(join(workspace, role))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, _form()).status_code == 403
    for verb in ("rotate", "end-old", "revoke"):
        assert client.post(f"{PAGE}{key.pk}/{verb}/").status_code == 403
    with workspace_scope(workspace.pk):
        assert [each.state for each in ApiKey.objects.all()] == ["active"]


def test_a_key_can_be_made_for_some_channels(client, owner, workspace, scope):
    make(Channel, name="Berlin")
    porto = make(Channel, name="Porto")
    client.force_login(owner)
    assert client.post(PAGE, _form(reach="some", channels=[str(porto.pk)])).status_code == 200
    key = ApiKey.objects.get()
    assert key.channel_ids == [porto.pk]
    page = client.get(PAGE).content.decode()
    assert page.count("Berlin") == 1 and page.count("Porto") == 2  # the form offers both, the key has one


@pytest.mark.parametrize(
    "wrong",
    [
        {"reach": "some"},
        {"reach": "all", "channels": "berlin"},
        {"reach": "some", "channels": "foreign"},
        {"reach": "some", "channels": "nonsense"},
        {"reach": "some", "channels": "berlin", "scopes": ["conversations.view", "channels.manage"]},
        {"reach": "elsewhere"},
        {"lifetime": "9999"},
        {"name": ""},
        {"name": "x" * 81},
        {"name": "a\x00b"},
        {"scopes": []},
    ],
    ids=str,
)
def test_a_form_that_is_not_right_makes_no_key(client, owner, workspace, other, scope, wrong):
    ids = {"berlin": make(Channel).pk, "nonsense": "x"}
    with workspace_scope(other.pk):
        ids["foreign"] = make(Channel).pk
    if "channels" in wrong:
        wrong = wrong | {"channels": [str(ids[wrong["channels"]])]}
    client.force_login(owner)
    assert client.post(PAGE, _form(**wrong)).status_code == 422
    assert not ApiKey.objects.exists()
    assert entries(workspace, "api_key.created") == []


def test_a_key_is_made_on_the_command_line_with_every_scope_that_there_is(committed, workspace):
    out = StringIO()
    call_command("api_key", "--workspace", "northwind", "--days", "30", stdout=out)
    secret = out.getvalue().splitlines()[-1]
    assert status(secret, LIST) == 200
    with workspace_scope(workspace.pk), transaction.atomic():
        key = ApiKey.objects.get()
    assert set(key.scopes) == set(map(str, SCOPES)) and key.expires_at is not None


@pytest.mark.parametrize(
    "options",
    [
        ["--workspace", "nowhere"],
        ["--workspace", "northwind", "--scopes", "workspace.close"],
        ["--workspace", "northwind", "--days", "0"],
    ],
)
def test_the_command_line_refuses_nonsense(workspace, options):
    with pytest.raises(CommandError):
        call_command("api_key", *options)
    with workspace_scope(workspace.pk):
        assert not ApiKey.objects.exists()


def test_every_permission_that_is_no_scope_opens_nothing(committed, workspace):
    _, secret = issue(workspace, [each for each in Permission if each not in SCOPES])
    assert status(secret) == 403
