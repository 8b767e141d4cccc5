"""An account closes: day 13 restores it, day 15 has left an id without a name. Until then nothing else is open to it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.conf import settings
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connections, transaction
from django.test import Client
from django.utils import timezone

from accounts import invitations, members
from accounts.audit import names
from accounts.members import Place
from accounts.models import (
    Acceptance,
    AuditEntry,
    AuthenticatorApp,
    Invitation,
    Membership,
    RecoveryCodes,
    User,
    UserSession,
    Workspace,
)
from accounts.roles import Role
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import account_closure, closure
from privacy.closure_mails import announce_endings
from privacy.models import Closure
from tests.conftest import join
from tests.factors import BACKEND, PASSWORD, is_signed_in, show_password, sign_in_with_factor
from tests.project.test_matrix import fingerprint

# What erasing a person deletes. A new model that points to people is named here or, with a reason, in
# privacy.account_closure.KEPT.
ERASED = {
    "account.EmailAddress",
    "accounts.Acceptance",
    "accounts.AuthenticatorApp",
    "accounts.RecoveryCodes",
    "accounts.Tally",
    "accounts.UserSession",
    "django_otp_webauthn.WebAuthnCredential",
    "django_otp_webauthn.WebAuthnUserHandle",
}


@pytest.fixture
def agent(workspace) -> User:
    return join(workspace, Role.AGENT)


def client_of(user: User) -> Client:
    """Signed in just now, by password."""
    client = Client()
    show_password(client, user)
    assert is_signed_in(client)
    return client


@pytest.fixture
def client(agent) -> Client:
    return client_of(agent)


def close(client: Client, user: User):
    return client.post("/accounts/data/close/", {"confirm": user.email})


def closing_at(user: User):
    return User.objects.get(pk=user.pk).closing_at


def pass_days(user: User, days: int) -> None:
    """Let the closing have begun so many days ago."""
    moment = timezone.now() - timedelta(days=days) + closure.UNDO
    with transaction.atomic(), system_scope("test"):
        User.objects.filter(pk=user.pk, closing_at__isnull=False).update(closing_at=moment)
        Closure.objects.filter(subject_id=user.pk).update(due_at=moment)


def dump() -> str:
    """Every row of every table, as the owner of the tables could copy it."""
    rows = []
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {settings.SYSTEM_ROLE}")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows += [row[0] for row in cursor.fetchall()]
    return "\n".join(rows)


def keys_of(user: User) -> int:
    with connections["keys"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sealing_key WHERE person_id = %s", [user.pk])
        return cursor.fetchone()[0]


def member_of(workspace, user: User) -> Membership:
    with workspace_scope(workspace.pk), transaction.atomic():
        return Membership.objects.select_related("user", "custom_role").get(user=user)


def actions(workspace) -> list[str]:
    with workspace_scope(workspace.pk), transaction.atomic():
        return list(AuditEntry.objects.order_by("number").values_list("action", flat=True))


@pytest.mark.clause("10a")
def test_on_day_13_undoing_it_restores_everything(committed, workspace, agent):
    client = Client()
    sign_in_with_factor(client, agent)
    show = client.get(f"/w/{workspace.slug}/inbox/")
    before = AuthenticatorApp.objects.get(user=agent).secret
    account_closure.close(agent)
    pass_days(agent, 13)
    assert closure.erase_due() == 0
    assert client.post("/accounts/data/keep/").status_code == 302
    assert closing_at(agent) is None
    assert client.get(f"/w/{workspace.slug}/inbox/").status_code == show.status_code == 200
    pass_days(agent, 15)
    assert closure.erase_due() == 0, "what was undone stays"
    agent.refresh_from_db()
    assert agent.email == "agent@northwind.example" and agent.is_active and agent.check_password(PASSWORD)
    assert AuthenticatorApp.objects.get(user=agent).secret == before
    assert actions(workspace)[-2:] == ["account.closed", "account.reopened"]


@pytest.mark.clause("10a")
def test_on_day_15_name_address_sessions_factors_and_keys_are_gone_and_others_keep_theirs(
    committed, workspace, owner, agent
):
    everyday, safe = client_of(agent), Client()
    sign_in_with_factor(safe, agent)
    RecoveryCodes.renew(agent)
    Acceptance.objects.create(user=agent, document="terms", version="1", sha256="x" * 64, ip="192.0.2.77")
    client_of(owner)
    left = dump()
    assert agent.email in left and agent.name in left and "192.0.2.77" in left and keys_of(agent) == 1
    account_closure.close(agent)
    pass_days(agent, 15)
    assert closure.erase_due() == 1
    left = dump()
    assert "agent@northwind.example" not in left and "Some Agent" not in left and "192.0.2.77" not in left
    assert "ines@northwind.example" in left and "Ines Prado" in left
    assert keys_of(agent) == 0
    holders = set(UserSession.objects.values_list("user_id", flat=True))
    assert agent.pk not in holders and owner.pk in holders
    for client in (everyday, safe):
        assert client.get("/accounts/workspaces/")["Location"].startswith("/accounts/login/")
    assert not AuthenticatorApp.objects.filter(user_id=agent.pk).exists()
    with transaction.atomic(), system_scope("test"):
        record = Closure.objects.get()
        assert record.erased_at and record.counts["people"] == 1 and record.counts["sessions"] == 2
    assert closure.erase_due() == 0


@pytest.mark.clause("10a")
def test_whose_account_was_erased_cannot_sign_in_and_may_sign_up_anew_with_nothing_of_before(
    committed, workspace, agent
):
    account_closure.close(agent)
    pass_days(agent, 15)
    closure.erase_due()
    stranger = Client()
    stranger.post("/accounts/login/", {"login": "agent@northwind.example", "password": PASSWORD})
    assert not is_signed_in(stranger)
    again = User.objects.create_user("agent@northwind.example", PASSWORD, name="Some Agent")
    assert Membership.of_user(again) == []


@pytest.mark.clause("12a")
def test_the_record_of_what_an_erased_person_did_points_to_somebody_without_a_name(committed, workspace, agent):
    member = member_of(workspace, agent)
    account_closure.close(agent)
    pass_days(agent, 15)
    closure.erase_due()
    with workspace_scope(workspace.pk), transaction.atomic():
        assert not Membership.objects.filter(pk=member.pk).exists()
        entries = list(AuditEntry.objects.filter(actor_id=member.pk).order_by("number"))
        assert [each.action for each in entries] == ["account.closed", "member.left"]
        assert names.Names(workspace.slug, entries).actor(entries[0]).text == "Erased person"


def test_the_address_leaves_invitations_too(committed, workspace, member):
    with workspace_scope(workspace.pk):
        found = invitations.invite(member, "new@elsewhere.example", Place(Role.VIEWER))
        waiting = invitations.invite(member, "other@elsewhere.example", Place(Role.VIEWER))
    user = User.objects.create_user("new@elsewhere.example", PASSWORD, name="New")
    invitations.accept(found, user, [user.email])
    account_closure.close(user)
    pass_days(user, 15)
    assert closure.erase_due() == 1
    with workspace_scope(workspace.pk), transaction.atomic():
        assert [each.pk for each in Invitation.objects.all()] == [waiting.pk]


@pytest.mark.parametrize("breaks", ["destroy_person_key", "add"])
@pytest.mark.clause("10a")
def test_an_erasing_that_is_killed_is_taken_up_by_the_next_run(committed, workspace, agent, monkeypatch, breaks):
    sign_in_with_factor(Client(), agent)
    account_closure.close(agent)
    pass_days(agent, 15)
    room = closure if breaks == "add" else account_closure.keyring

    def dies(*args, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(room, breaks, dies)
        with pytest.raises(KeyboardInterrupt):
            closure.erase_due()
    assert User.objects.get(pk=agent.pk).email == "agent@northwind.example", "the last step is whole or not at all"
    assert closure.erase_due() == 1
    assert "agent@northwind.example" not in dump() and keys_of(agent) == 0
    assert actions(workspace).count("member.left") == 1
    assert closure.erase_due() == 0
    assert len([each for each in mail.outbox if "is erased" in each.subject]) == 1


def test_trouble_with_one_erasing_holds_up_no_other(committed, workspace, agent, monkeypatch):
    second = join(workspace, Role.VIEWER)
    for user, days in ((agent, 16), (second, 15)):
        account_closure.close(user)
        pass_days(user, days)
    nobody = User.become_nobody

    def refuses(self):
        if self.pk == agent.pk:
            raise DatabaseError
        nobody(self)

    monkeypatch.setattr(User, "become_nobody", refuses)
    assert closure.erase_due() == 1
    assert "viewer@northwind.example" not in dump() and closing_at(agent) is not None


@pytest.mark.clause("12a")
def test_while_it_closes_every_page_of_a_session_leads_to_undoing_and_taking_along(workspace, agent, client):
    assert close(client, agent)["Location"] == "/accounts/data/"
    for address in (
        f"/w/{workspace.slug}/inbox/", f"/w/{workspace.slug}/settings/members/", "/accounts/workspaces/new/",
        "/accounts/security/", "/accounts/password/change/", "/accounts/data/close/", "/admin/", "/accounts/login/",
    ):  # fmt: skip
        for answer in (client.get(address), client.post(address)):
            assert answer.status_code == 302 and answer["Location"] == "/accounts/data/", address
    assert client.get(f"/w/{workspace.slug}/inbox/", headers={"HX-Request": "true"}).status_code == 401
    assert client.get(f"/w/{workspace.slug}/events/", headers={"Sec-Fetch-Dest": "empty"}).status_code == 401
    page = client.get("/accounts/data/").content.decode()
    assert "Undo" in page and "/accounts/data/close/" not in page
    assert client.get("/accounts/data/export/").status_code == 200
    assert client.get("/privacy/").status_code == 200
    assert client.post("/accounts/logout/").status_code == 302 and not is_signed_in(client)


@pytest.mark.clause("12b")
def test_signing_in_while_it_closes_asks_for_the_second_factor_as_ever(workspace, agent):
    sign_in_with_factor(Client(), agent)
    account_closure.close(agent)
    client = Client()
    assert "second-factor" in show_password(client, agent)["Location"] and not is_signed_in(client)
    assert client.post("/accounts/data/keep/")["Location"].startswith("/accounts/login/")
    client.force_login(agent, BACKEND)  # a session that never showed the factor
    assert client.post("/accounts/data/keep/").status_code == 302
    assert closing_at(agent) is not None and not is_signed_in(client)


@pytest.mark.clause("12b")
def test_who_must_set_up_a_factor_while_the_account_closes_can_do_that_and_then_undo_it(workspace, agent, client):
    Workspace.objects.filter(pk=workspace.pk).update(requires_second_factor=True)
    account_closure.close(agent)
    answer = client.get("/accounts/data/", follow=True)
    assert answer.status_code == 200 and answer.redirect_chain[-1][0].startswith("/accounts/second-factor/set-up/")
    assert client.get("/accounts/second-factor/set-up/app/").status_code == 200


@pytest.mark.clause("12a")
def test_an_operator_whose_account_closes_gets_no_further_in_the_admin(workspace):
    operator = User.objects.create_superuser("op@omnistra.example", PASSWORD, name="Op")
    client = Client()
    sign_in_with_factor(client, operator)
    assert client.get("/admin/").status_code == 200
    account_closure.close(operator)
    assert client.get("/admin/accounts/user/")["Location"] == "/accounts/data/"
    pass_days(operator, 15)
    closure.erase_due()
    operator.refresh_from_db()
    assert not (operator.is_staff or operator.is_superuser or operator.is_active)


def test_who_closes_their_account_joins_no_workspace(committed, workspace, member, other):
    stranger = User.objects.get(email="max@elsewhere.example")
    with workspace_scope(workspace.pk):
        found = invitations.invite(member, stranger.email, Place(Role.VIEWER))
    heir = member_of(other, join(other, Role.AGENT))
    members.transfer(member_of(other, stranger), heir.pk)
    account_closure.close(stranger)
    with pytest.raises(PermissionDenied):
        invitations.accept(found, stranger, [stranger.email])
    with workspace_scope(workspace.pk), transaction.atomic():
        assert Membership.objects.count() == 1


@pytest.mark.clause("10a")
def test_the_only_owner_hands_over_or_closes_the_workspace_first(workspace, owner):
    client = client_of(owner)
    page = client.get("/accounts/data/close/").content.decode()
    assert f"/w/{workspace.slug}/settings/members/transfer/" in page and 'name="confirm"' not in page
    answer = close(client, owner)
    assert answer.status_code == 422 and "Hand it over or close it" in answer.content.decode()
    assert closing_at(owner) is None
    with system_scope("test"):
        assert not Closure.objects.exists()
    client.post(f"/w/{workspace.slug}/privacy/close/", {"confirm": workspace.name})
    assert close(client, owner).status_code == 302 and closing_at(owner) is not None


def test_an_owner_who_is_going_counts_as_none(committed, workspace, owner, member):
    heir = member_of(workspace, join(workspace, Role.AGENT))
    members.change(member, heir.pk, Place(Role.OWNER))
    account_closure.close(heir.user)
    with pytest.raises(account_closure.NotPossible):
        account_closure.close(owner)
    with pytest.raises(members.Refused):
        members.leave(member)
    with pytest.raises(members.Refused):
        members.change(member, member.pk, Place(Role.ADMIN))
    assert closing_at(owner) is None


def test_of_two_owners_who_close_at_the_same_moment_one_stays(committed, workspace, owner, member):
    heir = member_of(workspace, join(workspace, Role.AGENT))
    members.change(member, heir.pk, Place(Role.OWNER))
    start = Barrier(2)

    def go(user: User) -> bool:
        start.wait()
        try:
            account_closure.close(user)
        except account_closure.NotPossible:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(go, [owner, heir.user])) == [False, True]
    assert User.objects.filter(closing_at__isnull=True).count() == 1


def test_nobody_who_is_going_is_made_the_owner(committed, workspace, owner, member, agent):
    account_closure.close(agent)
    heir = member_of(workspace, agent)
    for step in (lambda: members.transfer(member, heir.pk), lambda: members.change(member, heir.pk, Place(Role.OWNER))):
        with pytest.raises(members.Refused, match="closing their account"):
            step()
    with workspace_scope(workspace.pk), transaction.atomic():
        assert Membership.objects.get(role=Role.OWNER).user_id == owner.pk


def test_a_person_waits_for_the_workspace_that_they_closed_and_goes_after_it(committed, workspace, owner, member):
    with workspace_scope(workspace.pk):
        closure.close_workspace(workspace.pk, member)
    account_closure.close(owner)
    pass_days(owner, 15)
    assert closure.erase_due() == 0, "the workspace still has its days"
    assert User.objects.get(pk=owner.pk).name == "Ines Prado"
    pass_days_of_workspace(workspace)
    assert closure.erase_due() == 2
    assert "ines@northwind.example" not in dump()


def pass_days_of_workspace(workspace) -> None:
    from tests.privacy.closure.test_workspace import pass_days

    pass_days(workspace, 15)


@pytest.mark.parametrize("typed", ["", "agent", "ines@northwind.example"])
def test_without_the_typed_address_nothing_closes(agent, client, typed):
    before = fingerprint()
    answer = client.post("/accounts/data/close/", {"confirm": typed})
    assert answer.status_code == 422 and "Nothing was closed" in answer.content.decode()
    assert fingerprint() == before and mail.outbox == []


@pytest.mark.clause("12a")
@pytest.mark.parametrize("step", ["close", "keep", "export"])
def test_a_forged_or_anonymous_request_changes_nothing_and_sends_nothing(agent, step):
    body = {"confirm": agent.email, "format": "json", "user": str(agent.pk), "identity": str(agent.pk)}
    if step == "keep":
        account_closure.close(agent)
    forged = Client(enforce_csrf_checks=True)
    show = Client()
    show_password(show, agent)
    forged.cookies = show.cookies
    mail.outbox.clear()
    before = fingerprint()
    assert forged.post(f"/accounts/data/{step}/", body).status_code == 403
    assert Client().post(f"/accounts/data/{step}/", body)["Location"].startswith("/accounts/login/")
    assert fingerprint() == before and mail.outbox == []


@pytest.mark.clause("12a")
def test_nobody_closes_or_keeps_another_persons_account(agent, owner, other):
    stranger = client_of(join(other, Role.VIEWER))
    account_closure.close(agent)
    body = {"confirm": owner.email, "user": str(owner.pk), "id": str(owner.pk)}
    assert stranger.post("/accounts/data/close/", body).status_code == 422
    assert stranger.post("/accounts/data/keep/", {"user": str(agent.pk)}).status_code == 302
    assert closing_at(owner) is None and closing_at(agent) is not None


@pytest.mark.clause("12b")
def test_a_session_that_lies_open_shows_password_or_factor_again_first(agent, client):
    session = client.session
    session["account_authentication_methods"][-1]["at"] -= 3600
    session.save()
    for answer in (client.get("/accounts/data/close/"), close(client, agent)):
        assert answer.status_code == 302 and answer["Location"].startswith("/accounts/reauthenticate/")
    assert client.post(answer["Location"], {"password": "wrong"}).status_code == 422
    assert closing_at(agent) is None
    answer = client.post(answer["Location"], {"password": PASSWORD}, follow=True)
    assert answer.status_code == 200 and answer.redirect_chain[-1][0] == "/accounts/data/close/"
    assert close(client, agent).status_code == 302 and closing_at(agent) is not None


def test_after_the_fourteen_days_nothing_is_undone_any_more(agent, client):
    account_closure.close(agent)
    pass_days(agent, 15)
    assert "being erased" in client.post("/accounts/data/keep/", follow=True).content.decode()
    assert closing_at(agent) is not None


def test_the_person_is_told_by_mail_of_the_closing_of_undoing_it_before_the_end_and_at_the_end(
    committed, workspace, agent
):
    def subjects() -> list[str]:
        found = [each.subject for each in mail.outbox]
        assert all(each.to == ["agent@northwind.example"] for each in mail.outbox)
        mail.outbox.clear()
        return found

    account_closure.close(agent)
    assert "/accounts/data/" in mail.outbox[0].body and "UTC" in mail.outbox[0].body
    assert subjects() == ["Your Omnistra account is closing"]
    account_closure.keep(agent)
    assert subjects() == ["Your Omnistra account stays"]
    account_closure.close(agent)
    subjects()
    pass_days(agent, 10)
    assert announce_endings() == 0
    pass_days(agent, 12)
    assert announce_endings() == 1 and announce_endings() == 0
    assert subjects() == ["Your Omnistra account is erased in 3 days"]
    pass_days(agent, 15)
    closure.erase_due()
    assert subjects() == ["Your Omnistra account is erased"]


def test_a_closing_that_is_not_committed_is_told_to_nobody(committed, workspace, agent):
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        account_closure.close(agent)
        raise KeyboardInterrupt
    assert mail.outbox == [] and closing_at(agent) is None


@pytest.mark.clause("10a")
def test_whatever_points_to_a_person_is_erased_or_kept_for_a_stated_reason():
    pointing = {model._meta.label for model, _ in account_closure.rows_of_people()}
    assert pointing == ERASED | set(account_closure.KEPT), "missing or stale"
    assert not ERASED & set(account_closure.KEPT)
    assert all(account_closure.KEPT.values())
