"""The address of an account: a new one replaces it once it is confirmed, and the old one is told."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import AuditEntry, User
from omnistra.core.tenancy import workspace_scope
from tests.accounts.sign_in.conftest import PASSWORD, is_in, link_in, sign_in

pytestmark = pytest.mark.clause("12b")
NEW = "ines.new@northwind.example"
PAGE = "/accounts/email/"


@pytest.fixture
def client(owner) -> Client:
    made = Client()
    sign_in(made, owner.email)
    mail.outbox.clear()
    return made


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def _ask(client: Client, commits, address: str = NEW) -> str:
    with commits():
        assert client.post(PAGE, {"email": address, "action_add": ""}).status_code == 302
    return mail.outbox[-1].body


def test_a_new_address_holds_once_its_link_is_opened_and_the_old_one_is_told(client, owner, workspace, commits):
    old = owner.email
    link = link_in(_ask(client, commits))
    assert [message.to for message in mail.outbox] == [[NEW]]
    assert User.objects.get(pk=owner.pk).email == old, "nothing changes before the link was opened"
    assert not is_in(_signed_in(NEW))
    mail.outbox.clear()
    with commits():
        assert client.get(link).status_code == 200
        assert User.objects.get(pk=owner.pk).email == old, "looking at the link changes nothing: mail programs look too"
        client.post(link)
    assert User.objects.get(pk=owner.pk).email == NEW
    assert [(each.email, each.verified, each.primary) for each in EmailAddress.objects.filter(user=owner)] == [
        (NEW, True, True)
    ]
    assert is_in(_signed_in(NEW)) and not is_in(_signed_in(old))
    assert [old] in [message.to for message in mail.outbox]
    with workspace_scope(workspace.pk):
        assert AuditEntry.objects.get(action="email.changed").fields == ["email"]


def _signed_in(email: str) -> Client:
    client = Client(REMOTE_ADDR="10.5.0.1")
    sign_in(client, email)
    return client


def test_an_address_that_somebody_else_has_looks_the_same_and_stays_theirs(client, owner, other, commits):
    theirs = "max@elsewhere.example"
    with commits():
        free = client.post(PAGE, {"email": NEW, "action_add": ""})
        taken = client.post(PAGE, {"email": theirs, "action_add": ""})
    assert (free.status_code, free["Location"]) == (taken.status_code, taken["Location"])
    assert User.objects.get(email=theirs).pk != owner.pk and User.objects.get(pk=owner.pk).email == owner.email
    link = link_in(next(message.body for message in mail.outbox if message.to == [theirs]))
    page = Client().post(link, follow=True)
    assert page.status_code == 200 and "another account has it" in page.content.decode()
    assert User.objects.get(email=theirs).pk != owner.pk and User.objects.get(pk=owner.pk).email == owner.email
    assert not EmailAddress.objects.filter(user=owner, email=theirs, verified=True).exists()


def test_it_asks_for_the_password_first_where_it_was_given_too_long_ago(owner, workspace):
    client = Client()
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    for answer in (client.get(PAGE), client.post(PAGE, {"email": NEW, "action_add": ""})):
        assert answer["Location"].startswith("/accounts/reauthenticate/?next=")
    assert mail.outbox == [] and not EmailAddress.objects.filter(email=NEW).exists()
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.get(PAGE).status_code == 200


def test_a_person_asks_for_five_changes_in_an_hour_and_no_more(client, owner, commits):
    with commits():
        answers = [client.post(PAGE, {"email": f"n{number}@x.example", "action_add": ""}) for number in range(7)]
    assert [each.status_code for each in answers] == [302] * 5 + [429] * 2
    assert len(mail.outbox) <= 10


@pytest.mark.parametrize(
    "address", ["", "none", "x" * 250 + "@x.example", "a\0@x.example", "a@b.example\nBcc: c@d.example"]
)
def test_what_is_no_address_is_answered_in_words(client, owner, address):
    answer = client.post(PAGE, {"email": address, "action_add": ""})
    assert answer.status_code == 200 and 'id="id_email_error"' in answer.content.decode()
    assert mail.outbox == [] and EmailAddress.objects.filter(user=owner).count() <= 1


def test_a_change_can_be_cancelled(client, owner, commits):
    link = link_in(_ask(client, commits))
    client.post(PAGE, {"email": NEW, "action_remove": ""})
    client.post(link)
    assert User.objects.get(pk=owner.pk).email == owner.email
