"""Members: roles are changed, members go, workspaces change hands, and an owner always remains."""

import threading

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.test import Client

from accounts import jobs, members
from accounts.members import Place
from accounts.models import AuditEntry, CustomRole, Membership, User
from accounts.roles import CUSTOM, Permission, Role
from conversations.models import Conversation
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import workspace_scope
from tests.conftest import join
from tests.project.rows import make

BASE = "/w/northwind/settings/members/"


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def place_of(workspace, user) -> Membership:
    with workspace_scope(workspace.pk), transaction.atomic():
        return Membership.objects.select_related("user", "custom_role").get(user=user)


@pytest.fixture
def boss(owner) -> Client:
    return sign_in(owner)


@pytest.mark.clause("12a")
@pytest.mark.parametrize(
    ("actor", "target", "wanted", "allowed"),
    [
        (Role.OWNER, Role.ADMIN, Role.VIEWER, True),
        (Role.OWNER, Role.AGENT, Role.OWNER, True),
        (Role.ADMIN, Role.AGENT, Role.ADMIN, True),
        (Role.ADMIN, Role.AGENT, Role.OWNER, False),
        (Role.ADMIN, Role.PRIVACY_OFFICER, Role.AGENT, False),  # decides on operators' access, which admins do not
        (Role.AGENT, Role.VIEWER, Role.AGENT, False),
        (Role.VIEWER, Role.AGENT, Role.VIEWER, False),
        (Role.PRIVACY_OFFICER, Role.VIEWER, Role.AGENT, False),
    ],
)
def test_nobody_gives_or_takes_what_they_lack(workspace, owner, actor, target, wanted, allowed):
    giver = owner if actor == Role.OWNER else join(workspace, actor)
    taker = User.objects.create_user("taker@northwind.example", None, name="Taker")
    with workspace_scope(workspace.pk), transaction.atomic():
        member = Membership.objects.create(user=taker, role=target)
    answer = sign_in(giver).post(f"{BASE}{member.pk}/", {"role": wanted})
    assert answer.status_code == 302 if allowed else answer.status_code in (403, 422)
    assert place_of(workspace, taker).role == (wanted if allowed else target)
    with workspace_scope(workspace.pk):
        assert AuditEntry.objects.filter(action="member.role_changed").count() == int(allowed)


@pytest.mark.clause("12a")
def test_who_is_removed_is_out_at_once_and_their_conversations_wait_for_somebody_else(workspace, boss):
    agent = join(workspace, Role.AGENT)
    client, member = sign_in(agent), place_of(workspace, agent)
    with workspace_scope(workspace.pk):
        talk = make(Conversation, assignee=member)
    assert client.get("/w/northwind/inbox/").status_code == 200
    assert boss.post(f"{BASE}{member.pk}/remove/", {}).status_code == 422, "without the tick nothing happens"
    assert client.get("/w/northwind/inbox/").status_code == 200
    assert boss.post(f"{BASE}{member.pk}/remove/", {"go-confirm": "on"}).status_code == 302
    assert client.get("/w/northwind/inbox/").status_code == 404
    with workspace_scope(workspace.pk):
        talk.refresh_from_db()
        assert talk.assignee_id is None
        assert AuditEntry.objects.filter(action="member.removed", target_id=member.pk).count() == 1
        assert not Membership.objects.filter(user=agent).exists()
        assert Membership.ever.filter(user=agent).exists(), "the record of what they did names somebody"


def test_a_member_may_leave_and_the_last_owner_may_not(workspace, owner, boss):
    agent = join(workspace, Role.AGENT)
    client = sign_in(agent)
    assert client.post("/w/northwind/settings/membership/leave/", {"confirm": "on"}).status_code == 302
    assert client.get("/w/northwind/inbox/").status_code == 404
    answer = boss.post("/w/northwind/settings/membership/leave/", {"confirm": "on"})
    assert answer.status_code == 422 and "needs an owner" in answer.content.decode()
    assert place_of(workspace, owner).role == Role.OWNER


@pytest.mark.clause("12a")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE accounts_membership SET role = 'admin' WHERE role = 'owner'",
        "UPDATE accounts_membership SET removed_at = now() WHERE role = 'owner'",
        "DELETE FROM accounts_membership WHERE role = 'owner'",
    ],
)
def test_the_database_itself_keeps_an_owner(committed, workspace, owner, sql):
    refused = pytest.raises(DatabaseError, match="needs an owner")
    with refused, workspace_scope(workspace.pk), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert place_of(workspace, owner).role == Role.OWNER


def test_of_two_owners_who_leave_at_the_same_time_one_stays(committed, workspace, owner):
    second = User.objects.create_user("second@northwind.example", None, name="Second")
    with workspace_scope(workspace.pk), transaction.atomic():
        Membership.objects.create(user=second, role=Role.OWNER)
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def go(user: User) -> None:
        member = place_of(workspace, user)
        start.wait()
        try:
            members.leave(member)
            outcomes.append("gone")
        except (members.Refused, IntegrityError):
            outcomes.append("stayed")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=(user,)) for user in (owner, second)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert sorted(outcomes) == ["gone", "stayed"]
    with workspace_scope(workspace.pk), transaction.atomic():
        assert Membership.objects.filter(role=Role.OWNER).count() == 1


def test_a_workspace_changes_hands_once_its_name_is_typed_and_both_are_told(committed, workspace, owner, boss):
    heir = join(workspace, Role.AGENT)
    target = place_of(workspace, heir)
    assert boss.post(f"{BASE}transfer/", {"heir": target.pk, "name": "northwind"}).status_code == 422
    assert place_of(workspace, heir).role == Role.AGENT
    assert boss.post(f"{BASE}transfer/", {"heir": target.pk, "name": workspace.name}).status_code == 302
    assert place_of(workspace, heir).role == Role.OWNER and place_of(workspace, owner).role == Role.ADMIN
    with workspace_scope(workspace.pk):
        jobs.tell_of_transfer(place_of(workspace, owner).pk, target.pk)
        with transaction.atomic():
            assert AuditEntry.objects.filter(action="ownership.transferred").count() == 1
    assert {each.to[0] for each in mail.outbox} == {owner.email, heir.email}
    assert boss.get(f"{BASE}transfer/").status_code == 403, "an admin hands nothing over"


@pytest.mark.parametrize("verb", ["", "remove/"])
def test_a_foreign_member_is_not_found_and_stays(workspace, other, boss, verb):
    with workspace_scope(other.pk):
        foreign = Membership.objects.get()
    for identity in (foreign.pk, uuid7()):
        answer = boss.post(f"{BASE}{identity}/{verb}", {"role": Role.VIEWER, "go-confirm": "on"})
        assert answer.status_code == 404
    with workspace_scope(other.pk):
        foreign.refresh_from_db()
        assert foreign.role == Role.OWNER and foreign.removed_at is None


@pytest.mark.clause("12a")
def test_a_custom_role_allows_what_it_says_and_changes_hold_at_once(workspace, boss):
    roles = "/w/northwind/settings/roles/"
    assert boss.post(f"{roles}new/", {"name": "Night shift", "conversations_reply": "on"}).status_code == 302
    with workspace_scope(workspace.pk):
        role = CustomRole.objects.get()
    assert role.allowed == {Permission.WORKSPACE_VIEW, Permission.CONVERSATIONS_VIEW, Permission.CONVERSATIONS_REPLY}
    agent = join(workspace, Role.AGENT)
    boss.post(f"{BASE}{place_of(workspace, agent).pk}/", {"role": str(role.pk)})
    client = sign_in(agent)
    assert client.get("/w/northwind/inbox/").status_code == 200
    assert client.get("/w/northwind/settings/channels/").status_code == 403
    boss.post(f"{roles}{role.pk}/", {"name": "Night shift", "conversations_reply": "on", "channels_view": "on"})
    assert client.get("/w/northwind/settings/channels/").status_code == 200
    answer = boss.post(f"{roles}{role.pk}/delete/")
    assert answer.status_code == 422 and "1 member" in answer.content.decode()
    boss.post(f"{BASE}{place_of(workspace, agent).pk}/", {"role": Role.VIEWER})
    assert boss.post(f"{roles}{role.pk}/delete/").status_code == 302
    with workspace_scope(workspace.pk):
        assert not CustomRole.objects.exists()
        actions = list(AuditEntry.objects.filter(action__startswith="role.").values_list("action", flat=True))
    assert sorted(actions) == ["role.changed", "role.created", "role.deleted"]


@pytest.mark.clause("12a")
def test_a_custom_role_is_no_way_up(workspace, boss):
    admin = sign_in(join(workspace, Role.ADMIN))
    roles = "/w/northwind/settings/roles/new/"
    answer = admin.post(roles, {"name": "Up", "operator_access_decide": "on"})
    assert answer.status_code == 422
    boss.post(roles, {"name": "Overseer", "operator_access_decide": "on"})
    boss.post(roles, {"name": "Owner by another name", "workspace_close": "on", "workspace_transfer": "on"})
    with workspace_scope(workspace.pk):
        role = CustomRole.objects.get()
        assert role.name == "Overseer"
        with pytest.raises(IntegrityError), transaction.atomic():
            CustomRole.objects.create(name="Raw", permissions=["workspace.close"])
        with pytest.raises(IntegrityError), transaction.atomic():
            CustomRole.objects.create(name="Raw", permissions=["made.up"])
    agent = join(workspace, Role.AGENT)
    answer = admin.post(f"{BASE}{place_of(workspace, agent).pk}/", {"role": str(role.pk)})
    assert answer.status_code in (403, 422) and place_of(workspace, agent).role == Role.AGENT
    with pytest.raises(PermissionDenied):
        members.change(
            place_of(workspace, User.objects.get(email="admin@northwind.example")), place_of(workspace, agent).pk,
            Place(CUSTOM, role),
        )  # fmt: skip


def test_the_pages_take_the_same_few_queries_however_many_members_there_are(
    workspace, boss, django_assert_max_num_queries
):
    def count() -> int:
        with django_assert_max_num_queries(25) as seen:
            boss.get(BASE)
        return len(seen)

    boss.get(BASE)
    few = count()
    with workspace_scope(workspace.pk):
        for number in range(30):
            user = User.objects.create_user(f"m{number}@northwind.example", None, name=f"Member {number}")
            Membership.objects.create(user=user, role=Role.AGENT)
    assert count() == few


def test_another_workspace_is_opened_and_the_one_used_last_is_where_sign_in_leads(committed, workspace, owner, boss):
    assert boss.get("/accounts/workspaces/").status_code == 200
    answer = boss.post("/accounts/workspaces/new/", {"name": "Northwind Coffee"})
    assert answer.status_code == 302
    slug = answer["Location"].split("/")[2]
    assert slug != workspace.slug
    boss.get(f"/w/{slug}/inbox/")
    fresh = Client()
    answer = fresh.post("/accounts/login/", {"login": owner.email, "password": "correct-horse-battery"})
    assert answer["Location"] == f"/w/{slug}/"
    assert workspace.name in fresh.get(f"/w/{slug}/inbox/").content.decode(), "the switcher has both"


def test_members_are_listed_for_a_key_with_the_scope(workspace, owner, client):
    from accounts.models import ApiKey

    with workspace_scope(workspace.pk):
        _, secret = ApiKey.issue("list", ["members.view"], owner)
    answer = client.get("/api/v1/members/", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    assert [(each["email"], each["role"]) for each in answer.json()["results"]] == [(owner.email, "owner")]
