"""What is held of a person goes along as a file: everything that the data map knows of them, nothing that is secret."""

import json

import pytest
from allauth.account.models import EmailAddress
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_otp_webauthn.models import WebAuthnCredential

from accounts.audit import Actor, record
from accounts.models import ApiKey, AuditEntry, AuthenticatorApp, Membership, OperatorAction, RecoveryCodes, User
from accounts.roles import Role
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import account_closure, account_export
from privacy.models import TermsAcceptance
from privacy.registry import HOLDINGS
from tests.conftest import join
from tests.factors import show_password, sign_in_with_factor
from tests.project.rows import make

# Controller rows that point to a membership and are not taken along by it.
NOT_TAKEN = {
    ("accounts.Invitation", "invited_by"): "holds somebody else's address",
    ("accounts.AccessGrant", "decided_by"): "the decision is in the audit log, and what the person did is taken along",
    ("channels_app.LoginAttempt", "member"): "a login that is under way, gone within two hours, with what it opens",
}


@pytest.fixture
def agent(workspace) -> User:
    return join(workspace, Role.AGENT)


@pytest.fixture
def client(agent) -> Client:
    client = Client()
    show_password(client, agent)
    return client


def take(client: Client, kind: str = "json"):
    return client.post("/accounts/data/export/", {"format": kind})


def text_of(answer) -> str:
    return b"".join(answer.streaming_content).decode()


@pytest.mark.clause("11a")
@pytest.mark.clause("1a")
def test_every_row_that_points_to_the_person_is_in_it_with_every_field_its_purpose_and_how_long_it_is_kept(
    workspace, agent
):
    with workspace_scope(workspace.pk), transaction.atomic():
        member = Membership.objects.get(user=agent)
        for model, name in account_closure.rows_of_people():
            if model not in (Membership, EmailAddress, OperatorAction):
                make(model, **{name: agent})
        with system_scope("test"):
            make(OperatorAction, operator=agent, target_user_id=agent.pk)
        make(TermsAcceptance, accepted_by=member, ip="192.0.2.9")
    held = json.loads("".join(account_export.export(agent, "json")))["held"]
    assert held["accounts.user"]["rows"][0]["email"] == agent.email
    assert held["privacy.termsacceptance"]["rows"][0]["ip"] == "192.0.2.9"
    for model, _ in account_closure.rows_of_people():
        part = held[model._meta.label_lower]
        assert part["kept"] == HOLDINGS[model].retention
        assert set(part["purposes"]) == set(HOLDINGS[model].personal)
        assert set(part["rows"][0]) == {field.name for field in model._meta.concrete_fields}


@pytest.mark.clause("11a")
def test_what_is_known_by_a_membership_is_taken_along_or_left_out_for_a_stated_reason():
    pointing = {
        (model._meta.label, field.name)
        for model, holding in HOLDINGS.items()
        for field in model._meta.concrete_fields
        if holding.role == "controller" and field.related_model is Membership
    }
    taken = {(model._meta.label, name) for model, name in account_export.BY_MEMBERSHIP.items()}
    assert pointing == taken | set(NOT_TAKEN), "missing or stale"


@pytest.mark.clause("12a")
@pytest.mark.parametrize("kind", ["json", "txt"])
def test_no_secret_and_nothing_of_anybody_else_is_in_it(workspace, agent, owner, kind):
    client = Client()
    app = sign_in_with_factor(client, agent)
    codes = RecoveryCodes.renew(agent)
    credential = WebAuthnCredential.objects.create(
        user=agent, name="Key", confirmed=True, credential_id=b"\x01secret-id", public_key=b"\x02its-other-half",
    )  # fmt: skip
    found = "".join(account_export.export(agent, kind))
    session = client.session
    hidden = [
        agent.password, "argon2", app.secret_letters(), app.secret.hex(), str(app.secret), session.session_key,
        str(credential.credential_id), "secret-id", "its-other-half", *codes, "ines@northwind.example", "Ines Prado",
    ]  # fmt: skip
    assert [each for each in hidden if each in found] == []
    assert agent.email in found and agent.name in found and workspace.name in found and account_export.WITHHELD in found


@pytest.mark.clause("11a")
def test_what_the_person_did_is_in_it_however_long_it_is_and_read_in_chunks(committed, workspace, agent, monkeypatch):
    monkeypatch.setattr(account_export, "CHUNK", 3)
    with workspace_scope(workspace.pk), transaction.atomic():
        member = Membership.objects.get(user=agent)
        boss = Membership.objects.exclude(pk=member.pk).get()
        for _ in range(7):
            record("conversation.closed", Actor.member(member), workspace.pk)
        record("workspace.renamed", Actor.member(boss), workspace.pk)
    done = json.loads("".join(account_export.export(agent, "json")))["done"]
    assert [each["action"] for each in done] == ["conversation.closed"] * 7 + ["account.exported"]
    assert "".join(account_export.export(agent, "txt")).count("conversation.closed") == 7


@pytest.mark.clause("12a")
def test_taking_along_is_recorded_stored_by_no_cache_and_asks_who_one_is(committed, workspace, agent, client):
    answer = take(client)
    assert answer.status_code == 200 and answer.streaming
    assert answer["Content-Disposition"].startswith('attachment; filename="omnistra-account-')
    assert "no-store" in answer["Cache-Control"]
    json.loads(text_of(answer))
    with workspace_scope(workspace.pk), transaction.atomic():
        entry = AuditEntry.objects.get(action="account.exported")
        assert entry.fields == ["json"] and agent.email not in str(entry.__dict__)
    session = client.session
    session["account_authentication_methods"][-1]["at"] -= 3600
    session.save()
    for answer in (take(client), client.get("/accounts/data/export/")):
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    with workspace_scope(workspace.pk), transaction.atomic():
        assert AuditEntry.objects.filter(action="account.exported").count() == 1


@pytest.mark.parametrize("kind", ["", "pdf", "../json"])
def test_an_unknown_form_of_the_file_gives_the_page_and_records_nothing(workspace, client, kind):
    answer = take(client, kind)
    assert answer.status_code == 422 and not answer.streaming
    with workspace_scope(workspace.pk):
        assert not AuditEntry.objects.filter(action="account.exported").exists()


def test_a_person_of_no_workspace_takes_their_data_along_too(db):
    user = User.objects.create_user("lone@people.example", "correct-horse-battery", name="Lone")
    assert "lone@people.example" in "".join(account_export.export(user, "txt"))


def test_however_many_rows_there_are_they_are_read_in_the_same_number_of_queries(workspace, agent):
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            "".join(account_export.export(agent, "json"))
        return len(found)

    with workspace_scope(workspace.pk):
        ApiKey.issue("first", ["conversations.view"], agent)
    AuthenticatorApp.objects.create(user=agent, name="App", secret=b"x" * 20)
    before = queries()
    with workspace_scope(workspace.pk):
        for number in range(5):
            ApiKey.issue(f"key {number}", ["conversations.view"], agent)
            AuthenticatorApp.objects.create(user=agent, name=f"App {number}", secret=b"x" * 20)
    assert queries() == before
