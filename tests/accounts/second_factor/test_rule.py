"""Who must have a second factor: members of a workspace that says so, and operators always; no page is a way around it."""

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, AuthenticatorApp, OperatorAction, RecoveryCodes, User
from accounts.roles import Role
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.conftest import join
from tests.factors import PASSWORD, add_app, sign_in_with_factor
from tests.project.matrix import MEMBER, TABLE
from tests.project.test_matrix import METHODS, ROUTES

SET_UP = "/accounts/second-factor/set-up/"
RULE = "/w/northwind/settings/security/"


def require(workspace) -> None:
    workspace.require_second_factor(True)


@pytest.fixture
def agent(workspace) -> Client:
    client = Client()
    client.force_login(join(workspace, Role.AGENT))
    return client


@pytest.mark.clause("12b")
def test_in_the_middle_of_a_session_the_next_request_leads_to_the_set_up(workspace, agent):
    assert agent.get("/w/northwind/inbox/").status_code == 200
    require(workspace)
    answer = agent.get("/w/northwind/inbox/")
    assert answer.status_code == 302 and answer["Location"].startswith(SET_UP)
    fragment = agent.get("/w/northwind/inbox/?part=list", headers={"HX-Request": "true"})
    assert fragment.status_code == 401 and not fragment.content
    assert agent.get("/w/northwind/events/").status_code in (302, 401)


@pytest.mark.clause("12b")
def test_required_means_that_no_page_of_a_workspace_opens_without_one(workspace, agent):
    require(workspace)
    for name, rule in TABLE.items():
        if rule.who != MEMBER:
            continue
        address = "/" + ROUTES[name].replace("<slug:slug>", workspace.slug)
        for converter in rule.args:
            address = address.replace(f"<uuid:{converter}>", "01890000-0000-7000-8000-000000000000")
            address = address.replace(f"<slug:{converter}>", "whatsapp")
        for method in METHODS:
            answer = getattr(agent, method.lower())(address)
            assert answer.status_code == 302 and answer["Location"].startswith(SET_UP), (method, name)


@pytest.mark.clause("12b")
def test_operators_open_no_page_of_the_admin_without_one(db):
    client, operator = Client(), User.objects.create_superuser("op@omnistra.example", PASSWORD, name="Op")
    client.force_login(operator)
    for name in ("index", "accounts_workspace_changelist", "accounts_accessgrant_add", "accounts_user_changelist"):
        answer = client.get(reverse(f"admin:{name}"))
        assert answer.status_code == 302 and answer["Location"].startswith(SET_UP), name
    sign_in_with_factor(client, operator)
    assert client.get(reverse("admin:index")).status_code == 200


def test_the_set_up_leads_on_to_where_one_was_going(workspace, agent):
    require(workspace)
    answer = agent.get("/w/northwind/inbox/")
    assert "next=%2Fw%2Fnorthwind%2Finbox%2F" in answer["Location"]
    agent.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert "Northwind Tea" in agent.get(answer["Location"]).content.decode(), "it says who asks for it"


@pytest.mark.clause("12b")
def test_who_has_none_cannot_demand_one_and_who_may_not_cannot_at_all(workspace, owner, agent):
    boss = Client()
    boss.force_login(owner)
    boss.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert boss.post(RULE, {"required": "on"}).status_code == 422
    assert agent.post(RULE, {"required": "on"}).status_code == 403
    workspace.refresh_from_db()
    assert not workspace.requires_second_factor
    sign_in_with_factor(boss, owner)
    boss.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = boss.get(RULE).content.decode()
    assert "Some Agent" in page, "it names who lacks one"
    assert boss.post(RULE, {"required": "on"}).status_code == 302
    workspace.refresh_from_db()
    assert workspace.requires_second_factor
    with workspace_scope(workspace.pk):
        assert AuditEntry.objects.filter(action="workspace.second_factor_rule").count() == 1


@pytest.mark.clause("12b")
def test_an_operator_resets_a_lost_factor_in_two_steps_with_a_reason(committed, workspace, owner):
    app = add_app(owner)
    RecoveryCodes.renew(owner)
    desk = Client()
    sign_in_with_factor(desk, User.objects.create_superuser("op@omnistra.example", None, name="Op"))
    address = reverse("admin:accounts_user_reset_factor", args=[owner.pk])
    assert "second factor" in desk.get(address).content.decode()
    for wrong in ({"reason": "", "confirm": owner.email}, {"reason": "Lost the phone, called back", "confirm": "x"}):
        assert desk.post(address, wrong).status_code == 422
    assert AuthenticatorApp.objects.filter(pk=app.pk).exists()
    answer = desk.post(address, {"reason": "Lost the phone, called back", "confirm": owner.email})
    assert answer.status_code == 302
    assert not AuthenticatorApp.objects.filter(user=owner).exists() and not RecoveryCodes.objects.filter(user=owner)
    assert [each.to for each in mail.outbox] == [[owner.email]]
    with system_scope("test"), transaction.atomic():
        assert OperatorAction.objects.get().action == "person.second_factor_reset"
    with workspace_scope(workspace.pk), transaction.atomic():
        assert AuditEntry.objects.filter(action="person.second_factor_reset", actor_kind="operator").count() == 1


def test_a_foreign_factor_is_not_found_and_stays(workspace, owner, other):
    app = add_app(User.objects.get(email="max@elsewhere.example"))
    client = Client()
    sign_in_with_factor(client, owner)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    for verb in ("rename", "remove"):
        for identity in (app.pk, "nothing", "1"):
            answer = client.post(f"/accounts/second-factor/app/{identity}/{verb}/", {"name": "mine"})
            assert answer.status_code == 404
    app.refresh_from_db()
    assert app.name == "Phone"


@pytest.mark.clause("12b")
def test_changes_ask_for_the_password_or_a_factor_again_and_are_mailed(committed, workspace, owner):
    client = Client()
    app = sign_in_with_factor(client, owner)
    address = f"/accounts/second-factor/app/{app.pk}/remove/"
    answer = client.post(address)
    assert answer.status_code == 302 and "/accounts/reauthenticate/" in answer["Location"]
    assert AuthenticatorApp.objects.filter(pk=app.pk).exists()
    assert client.post("/accounts/reauthenticate/", {"password": "wrong"}).status_code == 422
    assert client.post(address).status_code == 302 and AuthenticatorApp.objects.filter(pk=app.pk).exists()
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.post(address).status_code == 302
    assert not AuthenticatorApp.objects.filter(pk=app.pk).exists()
    assert "removed" in mail.outbox[-1].subject and mail.outbox[-1].to == [owner.email]
