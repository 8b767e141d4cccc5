"""Sign-up asks for the declaration of being 16 or older; where it is declined, nothing is kept of who was there."""

import logging

import pytest
import structlog
from django.core import mail
from django.db import connection
from django.test import Client

from accounts import invitations
from accounts.members import Place
from accounts.models import Membership, User
from accounts.roles import Role
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.accounts.test_signup import FORM
from tests.project.test_matrix import fingerprint

pytestmark = pytest.mark.clause("13")
PERSONAL = ("lea@harbour.example", "Lea Brandt", "Harbour Books", "203.0.113.77")


def declined(form: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in form.items() if name != "of_age"}


def test_the_form_asks_for_it_and_it_is_not_ticked_beforehand(client, db):
    page = client.get("/accounts/signup/").content.decode()
    box = page[page.index('name="of_age"') - 80 :][:200]
    assert "I am 16 or older." in page and "checked" not in box and "required" in box


@pytest.mark.parametrize("more", [{}, {"of_age": ""}, {"of_age": "false"}, {"of_age": "off", "agreed": ""}])
def test_a_declined_declaration_leaves_no_row_no_cookie_no_mail_and_no_log_line(db, caplog, capfd, more):
    caplog.set_level(logging.DEBUG)
    client, before = Client(REMOTE_ADDR="203.0.113.77"), fingerprint()
    client.get("/accounts/signup/")
    with structlog.testing.capture_logs() as lines:
        answer = client.post("/accounts/signup/", {**declined(FORM), **({} if more.get("of_age") == "off" else more)})
    assert answer.status_code == 200 and "Omnistra is not for people under 16." in answer.content.decode()
    assert fingerprint() == before and mail.outbox == []
    assert set(client.cookies) <= {"omnistra_csrf"}
    said = "\n".join([*map(str, lines), caplog.text, *capfd.readouterr()])
    assert not [word for word in PERSONAL if word in said]


def test_it_is_asked_before_anything_else_is_judged(db, hashes):
    """A known address, a weak password: who declines is told of the age, and nothing is looked up or hashed for good."""
    before = fingerprint()
    answer = Client().post("/accounts/signup/", declined({**FORM, "password1": "short"}))
    assert "Omnistra is not for people under 16." in answer.content.decode()
    assert fingerprint() == before and hashes == []


def test_an_invitation_asks_too_and_keeps_nothing_of_who_declines(workspace, owner, mailoutbox):
    with workspace_scope(workspace.pk):
        boss = Membership.objects.select_related("user", "custom_role").get(user=owner)
        invitations.invite(boss, "lea@harbour.example", Place(Role.AGENT))
    invitations.send_due()
    token = mailoutbox[-1].body.split("/accounts/invitations/")[1].split("/")[0]
    client, before = Client(), fingerprint()
    form = {"name": "Lea Brandt", "password1": "correct-horse-battery", "agreed": "on"}
    answer = client.post(f"/accounts/invitations/{token}/join/", form)
    assert "Omnistra is not for people under 16." in answer.content.decode()
    assert fingerprint() == before and set(client.cookies) <= {"omnistra_csrf"}
    client.post(f"/accounts/invitations/{token}/join/", {**form, "of_age": "on"})
    assert User.objects.get(email="lea@harbour.example").declared_of_age_at


def test_nobody_is_kept_without_the_time_of_the_declaration(db):
    Client().post("/accounts/signup/", FORM)
    assert User.objects.get().declared_of_age_at


@pytest.mark.clause("2a")
def test_of_a_person_exactly_the_declared_fields_are_kept_and_the_password_only_as_a_hash(db):
    Client(REMOTE_ADDR="203.0.113.77").post("/accounts/signup/", FORM)
    columns = {field.column for field in User._meta.concrete_fields}
    assert columns == {
        "id", "email", "name", "password", "is_active", "is_staff", "is_superuser", "last_login", "created_at",
        "declared_of_age_at", "closing_at",
    }  # fmt: skip
    assert User.objects.get().password.startswith("argon2$argon2id$")
    rows = []
    with system_scope("test"), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows += [row[0] for row in cursor.fetchall()]
    assert any(FORM["email"] in row for row in rows)
    assert not [row for row in rows if FORM["password1"] in row]
