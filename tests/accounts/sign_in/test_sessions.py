"""Sessions: whose they are, how they begin and end, and what is told of them."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import jobs
from accounts.models import AuditEntry, OperatorAction, User, UserSession
from accounts.session_store import SessionStore, row_id
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.accounts.sign_in.conftest import LAPTOP, PHONE, is_in, sign_in
from tests.factors import add_app, code_of, show_password, sign_in_with_factor


def browser(owner, agent: str = LAPTOP, address: str = "203.0.113.77") -> Client:
    """A browser in which the owner has signed in."""
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": agent})
    sign_in(client, owner.email)
    return client


def session_of(client: Client) -> UserSession:
    return UserSession.objects.get(pk=row_id(client.cookies["omnistra_session"].value))


def actions(workspace) -> list[str]:
    with workspace_scope(workspace.pk):
        return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_the_page_lists_device_browser_network_and_times_and_marks_this_one(owner):
    laptop, _phone = browser(owner), browser(owner, PHONE, "2001:db8:1:2::9")
    page = laptop.get("/accounts/sessions/").content.decode()
    for told in ("Firefox 132 on Windows 10", "Mobile Safari 17 on iPhone", "203.0.113.*", "2001:db8:1:*"):
        assert told in page, told
    assert page.count("This one") == 1 and "203.0.113.77" not in page
    row = session_of(laptop)
    assert row.address == "203.0.113.*" and row.user_id == owner.pk


def test_the_page_makes_eight_queries_however_many_sessions_there_are(owner, django_assert_num_queries):
    client = browser(owner)
    client.get("/accounts/sessions/")
    for _ in range(2):
        with django_assert_num_queries(8):
            client.get("/accounts/sessions/")
        browser(owner)


@pytest.mark.clause("12a")
def test_a_sign_in_gets_a_new_session_id_and_no_other_can_be_planted(owner):
    client = Client()
    planted = SessionStore()
    planted.create()
    client.cookies["omnistra_session"] = planted.session_key
    sign_in(client, owner.email)
    assert client.cookies["omnistra_session"].value != planted.session_key and is_in(client)
    assert not SessionStore().exists(planted.session_key)
    stranger = Client()
    stranger.cookies["omnistra_session"] = planted.session_key
    assert not is_in(stranger)


def test_the_password_asked_again_rotates_the_id_too(owner):
    client = browser(owner)
    before = client.cookies["omnistra_session"].value
    client.post("/accounts/reauthenticate/", {"password": "correct-horse-battery"})
    assert client.cookies["omnistra_session"].value != before and is_in(client)
    assert UserSession.objects.filter(user=owner).count() == 1


def test_one_session_is_ended_from_another_at_once_and_does_not_come_back(owner, workspace):
    here, there = browser(owner), browser(owner, PHONE)
    key = there.cookies["omnistra_session"].value
    assert here.post(f"/accounts/sessions/{session_of(there).pk}/end/").status_code == 302
    there.cookies["omnistra_session"] = key
    assert not is_in(there) and is_in(here)
    assert actions(workspace).count("session.ended") == 1


def test_a_request_that_was_under_way_does_not_bring_an_ended_session_back(owner):
    client = browser(owner)
    store = SessionStore(client.cookies["omnistra_session"].value)
    store["late"] = True
    session_of(client).delete()
    with pytest.raises(UpdateError):
        store.save()
    assert not UserSession.objects.filter(user=owner).exists()


def test_a_session_of_somebody_else_cannot_be_ended(owner, other, workspace):
    max_else = User.objects.get(email="max@elsewhere.example")
    mine, theirs = browser(owner), Client()
    theirs.force_login(max_else)
    before = actions(workspace), UserSession.objects.count()
    assert mine.post(f"/accounts/sessions/{session_of(theirs).pk}/end/").status_code == 404
    assert mine.get(f"/accounts/sessions/{session_of(theirs).pk}/end/").status_code == 405
    assert (actions(workspace), UserSession.objects.count()) == before and is_in(theirs)


@pytest.mark.clause("12a")
def test_signing_out_everywhere_ends_all_sessions_and_ending_the_others_keeps_this_one(owner, workspace):
    clients = [browser(owner) for _ in range(3)]
    clients[0].post("/accounts/sessions/end-others/")
    assert [is_in(each) for each in clients] == [True, False, False]
    clients[1:] = [browser(owner), browser(owner)]
    clients[0].post("/accounts/sessions/sign-out-everywhere/")
    assert [is_in(each) for each in clients] == [False] * 3
    assert not UserSession.objects.filter(user=owner).exists()
    assert actions(workspace).count("session.ended") == 2


@pytest.mark.clause("12b")
def test_a_sign_in_that_waits_for_its_second_factor_is_nobodys_session(owner, workspace):
    """It is not listed, is no known device, and is not on record as a sign-in; afterwards it is all three."""
    app, client = add_app(owner), Client(headers={"User-Agent": PHONE})
    show_password(client, owner)
    assert not UserSession.objects.filter(user=owner).exists() and not is_in(client)
    assert "omnistra_device" not in client.cookies and "sign_in.succeeded" not in actions(workspace)
    client.post("/accounts/second-factor/", {"code": code_of(app)})
    assert is_in(client) and session_of(client).device == "Mobile Safari 17 on iPhone"
    assert "omnistra_device" in client.cookies and actions(workspace)[-1] == "sign_in.succeeded"


@pytest.mark.clause("12a")
def test_an_operator_ends_a_persons_sessions_in_two_steps_with_a_reason(owner, workspace):
    client, desk = browser(owner), Client()
    sign_in_with_factor(desk, User.objects.create_superuser("op@omnistra.example", None, name="Op"))
    address = f"/admin/accounts/user/{owner.pk}/end-sessions/"
    assert "End the sessions" in desk.get(f"/admin/accounts/user/{owner.pk}/change/").content.decode()
    reason = "Laptop stolen, reported by phone"
    assert desk.get(address).status_code == 200 and is_in(client)
    assert desk.post(address, {"reason": reason, "confirm": "somebody@else.example"}).status_code == 422
    assert desk.post(address, {"reason": "", "confirm": owner.email}).status_code == 422
    assert is_in(client)
    assert desk.post(address, {"reason": reason, "confirm": owner.email}).status_code == 302
    assert not is_in(client) and is_in(desk)
    assert actions(workspace)[-1] == "person.sessions_ended"
    with system_scope("test"):
        assert OperatorAction.objects.get().reason == reason


@pytest.mark.clause("12a")
def test_no_one_but_operators_ends_other_peoples_sessions(owner, workspace):
    client = browser(owner)
    answer = client.post(f"/admin/accounts/user/{owner.pk}/end-sessions/", {"reason": "x" * 20, "confirm": owner.email})
    assert answer.status_code in (302, 403, 404) and is_in(client)


def test_a_sign_in_on_a_new_device_is_mailed_and_one_on_a_known_device_is_not(
    owner, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        first = browser(owner)
    assert mail.outbox == [], "the first sign-in of all is no news"
    with django_capture_on_commit_callbacks(execute=True):
        browser(owner, PHONE, "198.51.100.20")
    (told,) = mail.outbox
    assert told.to == [owner.email] and "iPhone" in told.body and "198.51.100.*" in told.body
    assert "198.51.100.20" not in told.body and "/accounts/password/reset/" in told.body
    first.post("/accounts/logout/")
    with django_capture_on_commit_callbacks(execute=True):
        sign_in(first, owner.email)
    assert len(mail.outbox) == 1 and is_in(first)


def test_sign_ins_and_sign_outs_are_in_the_audit_log(owner, workspace):
    client = browser(owner)
    client.post("/accounts/logout/")
    assert actions(workspace)[-2:] == ["sign_in.succeeded", "sign_out.done"]


def test_a_copy_of_the_table_opens_no_session(owner):
    client = browser(owner)
    with connection.cursor() as cursor:
        cursor.execute("SELECT s::text FROM accounts_usersession s")
        dump = "\n".join(row[0] for row in cursor.fetchall())
    assert client.cookies["omnistra_session"].value not in dump
    thief = Client()
    thief.cookies["omnistra_session"] = str(session_of(client).pk)
    assert not is_in(thief)


def test_last_used_is_written_at_most_every_five_minutes_and_with_the_present_network(owner, clock):
    client = browser(owner)
    row = session_of(client)
    clock.shift(minutes=4)
    client.get("/accounts/sessions/")
    assert session_of(client).seen_at == row.seen_at
    clock.shift(minutes=2)
    client.get("/accounts/sessions/", REMOTE_ADDR="198.51.100.9")
    later = session_of(client)
    assert later.seen_at == clock.now and later.address == "198.51.100.*" and later.signed_in_at == row.signed_in_at


def test_a_session_ends_two_weeks_after_its_sign_in_and_its_row_is_deleted(owner, clock):
    client = browser(owner)
    clock.shift(days=13, hours=23)
    assert is_in(client)
    clock.shift(hours=2)
    assert not is_in(client)
    jobs.forget()
    assert not UserSession.objects.filter(user=owner).exists()


def test_a_session_that_nobody_signed_in_to_lives_for_an_hour(db):
    store = SessionStore()
    store["half"] = "done"
    store.save()
    assert UserSession.objects.get().expires_at <= timezone.now() + timedelta(hours=1)


@pytest.mark.parametrize("agent", ["", "x" * 100_000, "\x00", "Mozilla/5.0 (((((((((", "curl/8.0"])
def test_any_name_of_a_browser_will_do(owner, agent):
    client = browser(owner, agent)
    assert client.get("/accounts/sessions/").status_code == 200
