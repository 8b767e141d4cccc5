"""The second step of a sign-in: where it is asked for, what ends it, and that no door leads around it."""

import re

import pytest
from django.core import mail
from django.test import Client

from accounts.models import AuthenticatorApp, RecoveryCodes
from accounts.roles import Role
from tests.conftest import join
from tests.factors import BACKEND, PASSWORD, add_app, code_of, is_signed_in, show_password, sign_in_with_factor

STAGE = "/accounts/second-factor/"
INBOX = "/w/northwind/inbox/"


@pytest.fixture
def app(workspace, owner) -> AuthenticatorApp:
    return add_app(owner)


def test_without_a_factor_the_password_is_enough(client, workspace, owner):
    assert show_password(client, owner)["Location"] == "/w/northwind/"
    assert is_signed_in(client) and client.get(INBOX).status_code == 200


@pytest.mark.clause("12b")
def test_with_a_factor_the_session_is_nobodys_until_it_was_shown(client, owner, app):
    assert show_password(client, owner, then=INBOX + "?view=mine")["Location"] == STAGE
    assert not is_signed_in(client)
    assert client.get(INBOX)["Location"].startswith("/accounts/login/")
    half_done = client.session.session_key
    page = client.get(STAGE)
    assert page.status_code == 200 and "no-store" in page["Cache-Control"]
    answer = client.post(STAGE, {"code": code_of(app)})
    assert answer["Location"] == INBOX + "?view=mine"
    assert is_signed_in(client) and client.session.session_key != half_done
    assert client.get(INBOX).wsgi_request.user.is_verified()


def test_being_remembered_is_as_without_a_factor(client, owner, app):
    show_password(client, owner)
    answer = client.post(STAGE, {"code": code_of(app)})
    assert answer.cookies["omnistra_session"]["max-age"] == 14 * 24 * 3600


@pytest.mark.clause("12b")
@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ("wrong", 422, "This code is not right."),
        ("used", 422, "This code was used already."),
        ("waiting", 429, "Too many wrong codes. Wait 1 second, then try again."),
        ("0000-0000-0000", 422, "This is none of your recovery codes."),
        ("used recovery", 422, "This recovery code was used already: each works once."),
        ("", 422, "This field is required."),
        ("\x00123456", 422, "Null characters are not allowed."),
        ("9" * 5000, 422, "at most 64 characters"),
    ],
)
def test_what_is_refused_says_what_to_do_and_lets_nobody_in(client, owner, app, typed, status, words):
    codes = RecoveryCodes.renew(owner)
    shown = {code_of(app, steps) for steps in (-1, 0, 1)}
    wrong = next(f"{number:06d}" for number in range(9) if f"{number:06d}" not in shown)
    show_password(client, owner)
    if typed == "used":
        app.last_step = 2**40
        app.save()
    elif typed == "waiting":
        client.post(STAGE, {"code": wrong})
    elif typed == "used recovery":
        app.device_code = codes[0]
        RecoveryCodes.objects.get().codes.update(used_at="2026-01-01T00:00Z")
    given = {"wrong": wrong, "used": code_of(app), "waiting": code_of(app), "used recovery": codes[0]}.get(typed, typed)
    answer = client.post(STAGE, {"code": given})
    assert answer.status_code == status
    page = answer.content.decode()
    assert words in page
    assert len(given) < 6 or given not in page, "what was typed is not written into the page again"
    assert not is_signed_in(client)


def test_a_recovery_code_signs_in(client, owner, app):
    codes = RecoveryCodes.renew(owner)
    show_password(client, owner)
    assert client.post(STAGE, {"code": f" {codes[4].upper()} "}).status_code == 302
    assert client.get(INBOX).status_code == 200


def test_recovery_codes_alone_are_no_second_factor(client, workspace, owner):
    RecoveryCodes.renew(owner)
    show_password(client, owner)
    assert is_signed_in(client)


def test_the_second_step_without_the_first_leads_to_the_sign_in(client, owner, app):
    for answer in (
        client.get(STAGE),
        client.post(STAGE, {"code": code_of(app)}),
        client.post(STAGE, {"passkey": "{}"}),
    ):
        assert answer.status_code == 302 and answer["Location"] == "/accounts/login/"
    assert not is_signed_in(client)


def test_who_is_signed_in_has_nothing_to_do_there(client, owner, app):
    sign_in_with_factor(client, owner)
    assert client.get(STAGE)["Location"] == "/w/northwind/"


def _expire(client, user):
    session = client.session
    session["account_login"] = {
        **session["account_login"],
        "initiated_at": session["account_login"]["initiated_at"] - 301,
    }
    session.save()


def _new_password(client, user):
    user.set_password("another-horse-battery")
    user.save()


def _close(client, user):
    user.is_active = False
    user.save()


@pytest.mark.parametrize("what", [_expire, _new_password, _close])
def test_a_half_done_sign_in_ends_after_five_minutes_with_a_new_password_and_with_the_account(client, owner, app, what):
    show_password(client, owner)
    what(client, owner)
    assert client.post(STAGE, {"code": code_of(app)})["Location"] == "/accounts/login/"
    assert not is_signed_in(client)
    assert client.get(STAGE)["Location"] == "/accounts/login/"
    app.refresh_from_db()
    assert app.last_used_at is None


def test_one_can_give_up_and_sign_in_as_somebody_else(client, owner, app, workspace):
    agent = join(workspace, Role.AGENT)
    show_password(client, owner)
    assert client.get("/accounts/login/")["Location"] == STAGE
    assert client.post(STAGE, {"cancel": "1"})["Location"] == "/accounts/login/"
    show_password(client, agent)
    assert client.get(INBOX).wsgi_request.user == agent


def test_the_first_step_of_one_person_is_not_the_second_of_another(client, owner, app, workspace):
    agent = join(workspace, Role.AGENT)
    theirs = add_app(agent)
    show_password(client, owner)
    assert client.post(STAGE, {"code": code_of(theirs)}).status_code == 422
    assert not is_signed_in(client)


@pytest.mark.clause("12b")
@pytest.mark.parametrize("signs_in", [False, True])
def test_a_password_reset_does_not_lead_past_the_second_step(
    client, owner, app, settings, signs_in, django_capture_on_commit_callbacks
):
    settings.ACCOUNT_LOGIN_ON_PASSWORD_RESET = signs_in
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/password/reset/", {"email": owner.email})
    link = re.search(r"https?://[^/\s]+(/accounts/\S+)", mail.outbox[0].body)[1]
    address = client.get(link, follow=True).redirect_chain[-1][0]
    answer = client.post(address, {"password1": "another-horse-battery", "password2": "another-horse-battery"})
    assert not is_signed_in(client)
    if signs_in:
        assert answer["Location"] == STAGE
    else:
        assert show_password(client, owner, "another-horse-battery")["Location"] == STAGE
    assert client.get(INBOX)["Location"].startswith("/accounts/login/")


def test_a_link_to_confirm_an_address_signs_nobody_in(client, owner, app, django_capture_on_commit_callbacks):
    owner.emailaddress_set.update(verified=False)
    with django_capture_on_commit_callbacks(execute=True):
        show_password(client, owner)
    link = re.search(r"https?://[^/\s]+(/accounts/\S+)", mail.outbox[0].body)[1]
    client.get(link)
    client.post(link)
    assert owner.emailaddress_set.get().verified
    assert not is_signed_in(client)
    assert show_password(client, owner)["Location"] == STAGE


@pytest.mark.clause("12b")
def test_a_session_that_came_in_by_another_door_ends_at_its_first_request(client, owner, app):
    client.force_login(owner, BACKEND)
    answer = client.get(INBOX)
    assert answer["Location"] == f"/accounts/login/?next={INBOX.replace('/', '%2F')}"
    assert not is_signed_in(client)


def test_public_pages_go_on_for_such_a_session_as_for_a_stranger(client, owner, app):
    client.force_login(owner, BACKEND)
    answer = client.get("/privacy/")
    assert answer.status_code == 200 and not answer.wsgi_request.user.is_authenticated
    assert not is_signed_in(client)


def test_a_second_session_without_the_new_factor_ends(workspace, owner):
    elsewhere = Client()
    show_password(elsewhere, owner)
    assert elsewhere.get(INBOX).status_code == 200
    add_app(owner)
    answer = elsewhere.get(INBOX, follow=True)
    assert "Your second factor has changed. Sign in again." in answer.content.decode()
    assert not is_signed_in(elsewhere)


def test_a_session_ends_when_the_factor_that_opened_it_is_removed(client, owner, app):
    sign_in_with_factor(client, owner)
    assert client.get(INBOX).status_code == 200
    app.delete()
    assert client.get(INBOX)["Location"].startswith("/accounts/login/")
    assert not is_signed_in(client)


def test_the_wrong_password_asks_for_no_factor(client, owner, app):
    assert show_password(client, owner, PASSWORD + "x").status_code == 200
    assert client.get(STAGE)["Location"] == "/accounts/login/"
