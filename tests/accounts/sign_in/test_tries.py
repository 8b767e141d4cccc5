"""How often a password may be tried: ten wrong ones per account in 15 minutes, and nobody can shut the owner out."""

import re
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import jobs
from accounts.models import AuditEntry, Tally, User
from omnistra.core.tenancy import workspace_scope
from tests.accounts.sign_in.conftest import PASSWORD, is_in, link_in, sign_in
from tests.accounts.test_signup import FORM

WRONG = "E-mail or password is not right."
LATER = "Too many wrong passwords."


def answer_of(response) -> str:
    text = response.content.decode()
    return "wrong" if WRONG in text else "later" if LATER in text else "?"


@pytest.mark.clause("12b")
def test_of_ten_thousand_wrong_passwords_at_most_ten_in_fifteen_minutes_get_an_answer(owner, hashes, clock):
    """From as many networks, and without any browser that is known, as an attacker may have."""
    answered = []
    client = Client()
    for number in range(10_000):
        clock.shift(seconds=0.36)  # an hour in all
        client.cookies.clear()
        address = f"10.{number % 250}.{number // 250}.7"
        response = sign_in(client, owner.email, f"wrong-{number}", REMOTE_ADDR=address)
        answer = answer_of(response)
        assert response.status_code == (200 if answer == "wrong" else 429) and answer != "?"
        if answer == "wrong":
            answered.append(clock.now)
    assert 10 <= len(answered) <= 40
    for first in answered:
        assert sum(first <= at < first + timedelta(minutes=15) for at in answered) <= 10
    assert len(hashes) == len(answered), "what is refused is not compared"


@pytest.mark.clause("12b")
def test_tries_at_the_same_moment_count_one_by_one(committed, owner):
    gate, answers = threading.Barrier(16), []

    def attempt(number: int) -> None:
        gate.wait()
        answers.append(answer_of(sign_in(Client(REMOTE_ADDR=f"10.0.0.{number}"), owner.email, "wrong")))
        connections.close_all()

    threads = [threading.Thread(target=attempt, args=[number]) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["later"] * 6 + ["wrong"] * 10


def shut(email: str) -> None:
    """A stranger uses up the account's tries."""
    for number in range(11):
        last = sign_in(Client(REMOTE_ADDR=f"10.1.{number}.7"), email, "wrong")
    assert answer_of(last) == "later"


def test_a_stranger_shuts_out_no_browser_that_the_owner_has_used(owner, client):
    sign_in(client, owner.email)
    client.post("/accounts/logout/")
    shut(owner.email)
    assert not is_in(client)
    sign_in(client, owner.email)
    assert is_in(client)


def test_a_browser_of_the_owner_has_ten_tries_of_its_own_and_no_more(owner, client):
    sign_in(client, owner.email)
    client.post("/accounts/logout/")
    answers = [answer_of(sign_in(client, owner.email, "wrong")) for _ in range(12)]
    assert answers == ["wrong"] * 10 + ["later"] * 2


def test_a_forged_device_cookie_makes_no_known_browser(owner):
    for number in range(11):
        stranger = Client(REMOTE_ADDR=f"10.1.{number}.7")
        stranger.cookies["omnistra_device"] = f'{{"device": "{number}", "people": ["{owner.pk}"]}}'
        last = sign_in(stranger, owner.email, "wrong")
    assert answer_of(last) == "later"


def test_a_browser_that_knew_the_old_password_is_a_stranger_after_a_change(owner):
    thief, person = Client(), Client()
    for each in (thief, person):
        sign_in(each, owner.email)
    new = "another-horse-battery"
    person.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    shut(owner.email)
    assert answer_of(sign_in(thief, owner.email, "wrong")) == "later"
    person.post("/accounts/logout/")
    sign_in(person, owner.email, new)
    assert is_in(person)


def test_a_new_password_by_mail_ends_the_wait(owner, workspace, django_capture_on_commit_callbacks):
    shut(owner.email)
    client = Client()
    assert answer_of(sign_in(client, owner.email)) == "later", "the right password waits too"
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/password/reset/", {"email": owner.email})
    page = client.get(link_in(mail.outbox[-1].body), follow=True)
    new = "another-horse-battery"
    assert client.post(page.redirect_chain[-1][0], {"password1": new, "password2": new}).status_code == 302
    sign_in(client, owner.email, new)
    assert is_in(client)


def test_the_wait_is_over_after_fifteen_minutes(owner, clock):
    shut(owner.email)
    clock.shift(minutes=14, seconds=59)
    client = Client()
    assert answer_of(sign_in(client, owner.email)) == "later"
    clock.shift(seconds=2)
    sign_in(client, owner.email)
    assert is_in(client)


def test_one_network_gets_thirty_wrong_passwords_over_all_accounts(db):
    answers = []
    for number in range(32):
        email = f"nobody{number}@nowhere.example"
        answers.append(answer_of(sign_in(Client(REMOTE_ADDR="10.9.9.9"), email, "spring-2026-x")))
    assert answers == ["wrong"] * 30 + ["later"] * 2


def test_right_passwords_are_not_counted(owner):
    for _ in range(35):
        client = Client()
        sign_in(client, owner.email)
        assert is_in(client)
    assert not Tally.objects.exclude(times=[]).exists()


@pytest.mark.clause("12b")
def test_known_and_unknown_addresses_get_the_same_answer_for_the_same_work(owner, workspace, hashes):
    answers, work, queries = [], [], []
    for email in (owner.email, "nobody@northwind.example"):
        client = Client(REMOTE_ADDR="10.2.0.1")
        client.get("/accounts/login/")
        hashes.clear()
        with CaptureQueriesContext(connection) as seen:
            response = sign_in(client, email, "wrong")
        body = response.content.decode().replace(email, "ADDRESS")
        answers.append((response.status_code, _without_tokens(body), sorted(response.headers)))
        work.append(list(hashes))
        queries.append([query["sql"].split(" ")[0] for query in seen])
    assert answers[0] == answers[1]
    assert len(work[0]) == len(work[1]) == 1
    assert queries[0] == queries[1]
    for _ in range(10):
        answers = [answer_of(sign_in(Client(REMOTE_ADDR=f"10.3.0.{_}"), each, "wrong"))
                   for each in (owner.email, "nobody@northwind.example")]  # fmt: skip
        assert answers[0] == answers[1]


def _without_tokens(body: str) -> str:
    return re.sub(r'(nonce|value|content)="[^"]{16,}"', "", body)


@pytest.mark.clause("12b")
@pytest.mark.parametrize("page", ["reset", "sign_up"])
def test_asking_for_a_link_or_signing_up_does_not_tell_who_has_an_account(
    owner, workspace, hashes, page, django_capture_on_commit_callbacks
):
    found = []
    for email in (owner.email, "nobody@northwind.example"):
        mail.outbox.clear()
        hashes.clear()
        client = Client(REMOTE_ADDR="10.2.0.1")
        with django_capture_on_commit_callbacks(execute=True):
            if page == "reset":
                response = client.post("/accounts/password/reset/", {"email": email}, follow=True)
            else:
                response = client.post("/accounts/signup/", {**FORM, "email": email}, follow=True)
        text = _without_tokens(response.content.decode()).replace(email, "ADDRESS")
        found.append((response.redirect_chain, text, len(hashes), [message.to for message in mail.outbox] == [[email]]))
    assert found[0] == found[1]
    assert found[0][3], "a mail goes out either way"


def test_mails_that_anybody_can_cause_are_few(owner, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(12):
            Client(REMOTE_ADDR=f"10.4.0.{number}").post("/accounts/password/reset/", {"email": owner.email})
    assert len(mail.outbox) == 5


def test_wrong_passwords_reach_the_audit_log_once_a_minute_however_many_there_are(owner, workspace):
    shut(owner.email)
    sign_in(Client(), "nobody@northwind.example", "wrong")
    assert jobs.record_failed_sign_ins() == 1
    assert jobs.record_failed_sign_ins() == 0
    with workspace_scope(workspace.pk):
        entry = AuditEntry.objects.get(action="sign_in.failed")
    assert entry.fields == []


def test_tallies_name_nobody_and_are_forgotten(owner, clock):
    sign_in(Client(REMOTE_ADDR="203.0.113.9"), owner.email, "wrong")
    sign_in(Client(REMOTE_ADDR="203.0.113.9"), "nobody@northwind.example", "wrong")
    rows = str(list(Tally.objects.values_list()))
    assert "203.0.113" not in rows and "northwind" not in rows and Tally.objects.exists()
    jobs.record_failed_sign_ins()
    clock.shift(minutes=16)
    jobs.forget()
    assert not Tally.objects.exists()


def test_the_password_asked_again_is_counted_too(owner):
    client = Client()
    client.force_login(owner)
    answers = []
    for _ in range(12):
        answer = client.post("/accounts/reauthenticate/", {"password": "wrong"})
        answers.append(answer.status_code)
    assert answers == [422] * 10 + [429] * 2
    form = {"oldpassword": "wrong", "password1": "another-horse-battery", "password2": "another-horse-battery"}
    assert LATER in client.post("/accounts/password/change/", form).content.decode()
    assert User.objects.get(pk=owner.pk).check_password(PASSWORD)
