"""Invitations: by mail, for one address, once, for seven days, and never a way to more than the sender has."""

import re
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from accounts import invitations
from accounts.models import AuditEntry, Invitation, Membership, User, Workspace
from accounts.roles import Role
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.conftest import join

BASE = "/w/northwind/settings/"
NEW = "lea@northwind.example"
FORM = {"name": "Lea Brandt", "password1": "kettle-on-the-stove", "of_age": "on", "agreed": "on"}


@pytest.fixture
def boss(owner) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def invite(boss: Client, email: str = NEW, role: str = Role.AGENT):
    return boss.post(f"{BASE}members/invite/", {"email": email, "role": role})


def sent_link(email: str = NEW) -> str:
    """The link of the newest mail to an address, once the job has run."""
    invitations.send_due()
    message = next(each for each in reversed(mail.outbox) if each.to == [email])
    return re.search(r"/accounts/invitations/\S+", message.body).group(0)


def rows(workspace) -> list[Invitation]:
    with workspace_scope(workspace.pk), transaction.atomic():
        return list(Invitation.objects.order_by("created_at", "id"))


def roles_of(email: str) -> list[str]:
    user = User.objects.filter(email=email).first()
    return [each.role for each in Membership.of_user(user)] if user else []


@pytest.mark.clause("12a")
def test_somebody_new_joins_by_the_link_with_a_confirmed_address_and_no_workspace_of_their_own(workspace, boss):
    assert invite(boss).status_code == 302
    link = sent_link()
    stranger = Client()
    page = stranger.get(link).content.decode()
    assert workspace.name in page and "ines@northwind.example" not in page
    for missing in ("of_age", "agreed", "name", "password1"):
        answer = stranger.post(f"{link}join/", {name: value for name, value in FORM.items() if name != missing})
        assert answer.status_code == 422
    assert not User.objects.filter(email=NEW).exists(), "nothing is kept of a sign-up that was not finished"
    assert stranger.post(f"{link}join/", FORM).status_code == 302
    assert roles_of(NEW) == [Role.AGENT] and Workspace.objects.count() == 1
    assert stranger.get("/w/northwind/inbox/").status_code == 200
    user = User.objects.get(email=NEW)
    assert user.declared_of_age_at and user.acceptances.count() == 2
    with workspace_scope(workspace.pk):
        assert AuditEntry.objects.filter(action__in=["member.invited", "invitation.accepted"]).count() == 2


def test_somebody_with_an_account_accepts_when_signed_in_as_that_address_and_nobody_else_can(workspace, other, boss):
    invite(boss, "max@elsewhere.example", Role.VIEWER)
    link = sent_link("max@elsewhere.example")
    right = User.objects.get(email="max@elsewhere.example")
    from allauth.account.models import EmailAddress

    wrong = Client()
    wrong.force_login(join(workspace, Role.AGENT))
    assert "another address" in wrong.get(link).content.decode()
    assert wrong.post(link).status_code == 403
    signed_in = Client()
    signed_in.force_login(right)
    assert signed_in.post(link).status_code == 403, "an address that is not confirmed proves nothing"
    EmailAddress.objects.create(user=right, email=right.email, verified=True, primary=True)
    assert "Sign in to accept" in Client().get(link).content.decode()
    assert signed_in.get(link).status_code == 200 and roles_of(right.email) == [Role.OWNER], "looking changes nothing"
    assert signed_in.post(link).status_code == 302
    assert sorted(roles_of(right.email)) == [Role.OWNER, Role.VIEWER]


@pytest.mark.parametrize("end", ["used", "expired", "revoked", "resent", "sender removed"])
def test_a_link_that_is_over_says_so_and_lets_nobody_in(workspace, boss, owner, end):
    admin = Client()
    admin.force_login(join(workspace, Role.ADMIN))
    invite(admin)
    link = sent_link()
    row = rows(workspace)[-1]
    if end == "used":
        Client().post(f"{link}join/", FORM)
        User.objects.filter(email=NEW).update(email="renamed@northwind.example")
    elif end == "expired":
        with workspace_scope(workspace.pk):
            Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "revoked":
        boss.post(f"{BASE}invitations/{row.pk}/revoke/")
    elif end == "resent":
        boss.post(f"{BASE}invitations/{row.pk}/resend/")
    else:
        with workspace_scope(workspace.pk):
            Membership.objects.filter(role=Role.ADMIN).update(removed_at=timezone.now())
    before = User.objects.count()
    for answer in (Client().get(link), Client().post(f"{link}join/", FORM), Client().post(link)):
        assert answer.status_code == 410 and workspace.name not in answer.content.decode()
    assert User.objects.count() == before


@pytest.mark.parametrize("token", ["x", "a" * 43, "%00", "a" * 2000])
def test_a_made_up_link_is_not_found(db, token):
    for answer in (
        Client().get(f"/accounts/invitations/{token}/"),
        Client().post(f"/accounts/invitations/{token}/join/", FORM),
    ):
        assert answer.status_code == 404
    assert not User.objects.exists()


@pytest.mark.clause("12a")
@pytest.mark.parametrize(
    ("sender", "role", "status"),
    [
        (Role.ADMIN, Role.AGENT, 302),
        (Role.ADMIN, Role.OWNER, 422),
        (Role.AGENT, Role.VIEWER, 403),
        (Role.VIEWER, Role.VIEWER, 403),
    ],
)
def test_nobody_invites_to_more_than_they_have(workspace, sender, role, status):
    client = Client()
    client.force_login(join(workspace, sender))
    assert invite(client, NEW, role).status_code == status
    assert len(rows(workspace)) == (1 if status == 302 else 0)
    invitations.send_due()
    assert len(mail.outbox) == (1 if status == 302 else 0)


def test_members_and_open_invitations_are_not_invited_again_and_the_number_a_day_is_limited(
    workspace, owner, boss, settings
):
    assert invite(boss, owner.email).status_code == 422
    assert invite(boss).status_code == 302
    assert invite(boss, NEW.upper()).status_code == 422
    settings.INVITATIONS_PER_DAY = 2
    assert invite(boss, "second@northwind.example").status_code == 302
    assert invite(boss, "third@northwind.example").status_code == 422
    assert len(rows(workspace)) == 2


@pytest.mark.parametrize("email", ["", "no address", "a@b", "lea@northwind.example\nBcc: all@example.org"])
def test_what_is_no_address_is_refused(workspace, boss, email):
    assert invite(boss, email).status_code == 422
    assert rows(workspace) == []


def test_a_name_makes_no_link_and_no_header_in_the_mail(workspace, boss):
    workspace.rename("Win at evil.example/now\r\nBcc: all@example.org " + "x" * 60)
    invite(boss)
    sent_link()
    message = mail.outbox[-1]
    assert "\n" not in message.subject and message.to == [NEW] and message.bcc == []
    assert "evil.example" not in message.body + message.subject


@pytest.mark.clause("2c")
def test_the_address_and_the_token_stand_in_no_row(workspace, boss):
    invite(boss)
    token = sent_link().rstrip("/").rsplit("/", 1)[1]
    with connections["default"].cursor() as cursor, system_scope("test"):
        cursor.execute("SELECT t::text FROM accounts_invitation t")
        stored = cursor.fetchone()[0]
        cursor.execute("SELECT t::text FROM accounts_auditentry t")
        stored += "".join(row[0] for row in cursor.fetchall())
    for planted in (NEW, token, NEW.encode().hex(), token.encode().hex()):
        assert planted not in stored
    with workspace_scope(workspace.pk):
        assert Invitation.objects.get().email == NEW


def test_two_who_accept_at_the_same_time_are_one_member(committed, workspace, boss):
    user = User.objects.create_user(NEW, "correct-horse-battery", name="Lea")
    invite(boss)
    invitations.send_due()
    row = rows(workspace)[0]
    outcomes: list[str] = []

    def accept() -> None:
        try:
            invitations.accept(row, user, [NEW])
            outcomes.append("in")
        except invitations.Over:
            outcomes.append("over")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=accept) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert sorted(outcomes) == ["in", "over", "over", "over"]
    assert roles_of(NEW) == [Role.AGENT]


def test_a_mail_server_that_is_away_is_tried_again_and_old_invitations_are_forgotten(workspace, boss, monkeypatch):
    invite(boss)
    with monkeypatch.context() as broken:
        broken.setattr("accounts.mails.send", lambda *args: (_ for _ in ()).throw(OSError("away")))
        assert invitations.send_due() == 0
    with system_scope("test"):
        Invitation.objects.update(next_attempt_at=timezone.now())
    assert invitations.send_due() == 1 and len(mail.outbox) == 1
    assert invitations.forget_old() == 0
    with system_scope("test"):
        Invitation.objects.update(expires_at=timezone.now() - timedelta(days=31))
    assert invitations.forget_old() == 1 and rows(workspace) == []


def test_a_foreign_invitation_is_not_found_and_stays(workspace, other, boss):
    stranger = Client()
    stranger.force_login(User.objects.get(email="max@elsewhere.example"))
    invite(boss)
    row = rows(workspace)[0]
    for verb in ("revoke", "resend"):
        assert stranger.post(f"/w/{other.slug}/settings/invitations/{row.pk}/{verb}/").status_code == 404
        assert stranger.post(f"/w/{workspace.slug}/settings/invitations/{row.pk}/{verb}/").status_code == 404
    assert [each.revoked_at for each in rows(workspace)] == [None]
