"""Which passwords are taken, and what a new one ends."""

import pytest
from django.core import mail
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.passwords import LONGEST
from omnistra.core.tenancy import workspace_scope
from tests.accounts.sign_in.conftest import PASSWORD, is_in, link_in, sign_in
from tests.accounts.test_signup import FORM

NEW = "another-horse-battery"
REFUSED = {
    "common": "password123",
    "common, typed in wide letters": "ｐａｓｓｗｏｒｄ１２３",
    "common, with capitals": "Password123",
    "short": "kq8-Zt1",
    "digits alone": "31415926535",
    "the address": FORM["email"],
    "too long": "k" * (LONGEST + 1),
    "a megabyte": "k" * 1024 * 1024,
    "with a NUL": "correct-horse\0battery",
}


@pytest.mark.clause("12b")
@pytest.mark.parametrize("password", REFUSED.values(), ids=REFUSED)
def test_a_weak_or_impossible_password_is_refused_with_a_reason_and_nothing_is_kept(client, db, hashes, password):
    answer = client.post("/accounts/signup/", {**FORM, "password1": password})
    assert (
        answer.status_code == 200 and 'class="field-error"' in answer.content.decode()
    ) or "error" in answer.content.decode()
    assert not User.objects.exists() and mail.outbox == [] and hashes == []


@pytest.mark.clause("12b")
@pytest.mark.parametrize(
    "password",
    ["x" * (LONGEST + 1), "x" * 1024 * 1024, "a\0b", "", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")],
)
def test_sign_in_with_what_no_password_can_be_is_an_answer_not_an_error(client, owner, hashes, password):
    answer = sign_in(client, owner.email, password)
    assert answer.status_code == 200 and not is_in(client)
    assert all(len(each) <= LONGEST for each in hashes)


@pytest.mark.parametrize("email", ["a\0b@x.example", "x" * 5000 + "@x.example", "", "no address"])
def test_sign_in_with_what_no_address_can_be_is_an_answer_not_an_error(client, owner, email):
    assert sign_in(client, email, "wrong").status_code == 200
    assert client.post("/accounts/password/reset/", {"email": email}).status_code in (200, 302)
    assert client.post("/accounts/signup/", {**FORM, "email": email}).status_code == 200


def test_the_longest_password_works_and_every_way_of_typing_it(client, owner):
    owner.set_password("é" * LONGEST)  # one character each
    owner.save()
    sign_in(client, owner.email.upper(), "é" * LONGEST)
    assert is_in(client)
    short = Client()
    owner.set_password("crème-brûlée-3")
    owner.save()
    sign_in(short, owner.email, "crème-brûlée-3")  # letters and accents apart
    assert is_in(short)


@pytest.mark.clause("12b")
def test_a_changed_password_ends_every_other_session_and_is_mailed(
    owner, workspace, django_capture_on_commit_callbacks
):
    here, there = Client(), Client()
    for each in (here, there):
        sign_in(each, owner.email)
    key = here.cookies["omnistra_session"].value
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
        assert here.post("/accounts/password/change/", form).status_code == 302
    assert is_in(here) and not is_in(there)
    assert here.cookies["omnistra_session"].value != key
    assert [message.to for message in mail.outbox] == [[owner.email]] and "password" in mail.outbox[0].body
    with workspace_scope(workspace.pk):
        assert AuditEntry.objects.filter(action="password.changed").count() == 1


@pytest.mark.clause("12b")
def test_a_reset_ends_every_session_works_once_and_signs_nobody_in(
    owner, workspace, django_capture_on_commit_callbacks
):
    there, here = Client(), Client()
    sign_in(there, owner.email)
    with django_capture_on_commit_callbacks(execute=True):
        here.post("/accounts/password/reset/", {"email": owner.email}, headers={"Host": "evil.example"})
    link = mail.outbox[-1].body
    assert "evil.example" not in link
    page = here.get(link_in(link), follow=True)
    with django_capture_on_commit_callbacks(execute=True):
        here.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert not is_in(there) and not is_in(here)
    again = Client().get(link_in(link), follow=True).content.decode()
    assert 'name="password1"' not in again
    with workspace_scope(workspace.pk):
        assert AuditEntry.objects.filter(action="password.reset").count() == 1
    assert "new password was set" in mail.outbox[-1].body


def test_a_wrong_present_password_changes_nothing(client, owner):
    sign_in(client, owner.email)
    mail.outbox.clear()
    answer = client.post("/accounts/password/change/", {"oldpassword": "wrong", "password1": NEW, "password2": NEW})
    assert "This is not your present password." in answer.content.decode()
    assert User.objects.get(pk=owner.pk).check_password(PASSWORD) and mail.outbox == []


def test_a_mail_server_that_is_away_costs_the_mail_and_not_the_page(
    client, owner, monkeypatch, django_capture_on_commit_callbacks
):
    def away(self, messages):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", away)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/accounts/password/reset/", {"email": owner.email}).status_code == 302
