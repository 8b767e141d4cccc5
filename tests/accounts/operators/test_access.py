"""An operator reads one conversation, when the workspace says so, for as long as it says, and in full view of it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts import jobs, operators
from accounts.audit import Actor
from accounts.models import AccessGrant, AccessRead, AuditEntry, User
from accounts.roles import Role
from conversations import replies
from conversations.models import Contact, Conversation, Handle, Message
from omnistra.core.reading import SealedShut, operator_reading
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.conftest import join
from tests.conversations.webhooks import LENA, connect, deliver, text
from tests.factors import sign_in_with_factor

NOW = datetime.now(UTC)
REASON = "Ticket 4711: a picture does not open"


@pytest.fixture
def operator(db) -> User:
    return User.objects.create_superuser("op@omnistra.example", "correct-horse-battery", name="Op Erator")


@pytest.fixture
def desk(operator) -> Client:
    client = Client()
    sign_in_with_factor(client, operator)
    return client


@pytest.fixture
def talk(workspace, member) -> Conversation:
    channel = connect(workspace)
    deliver(
        (channel, text("wamid.1", "Is this in stock?", NOW)),
        (channel, text("wamid.2", "Something private", NOW, "4915112345678", "Otto Other")),
    )
    with workspace_scope(workspace.pk), transaction.atomic():
        lena = next(each for each in Contact.objects.all() if each.name == "Lena Fields")
        found = Conversation.objects.select_related("channel").get(contact=lena)
        replies.send_reply(found, "Hi Lena", Actor.member(member))
        return found


def ask(desk, talk, **more) -> AccessGrant:
    answer = desk.post(
        "/admin/accounts/accessgrant/add/", {"conversation": talk.pk, "reason": REASON, "hours": 1, **more}
    )
    assert answer.status_code == 302, answer.content.decode()
    with system_scope("test"):
        return AccessGrant.objects.latest("requested_at")


def read(desk, grant) -> tuple[int, str]:
    answer = desk.get(f"/admin/accounts/accessgrant/{grant.pk}/read/")
    return answer.status_code, answer.content.decode()


def page(workspace, path: str = "") -> str:
    return f"/w/{workspace.slug}/settings/operator-access/{path}"


@pytest.fixture
def boss(owner) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.mark.clause("12a")
def test_an_approved_operator_reads_that_conversation_and_the_workspace_sees_every_message(
    desk, boss, workspace, talk, operator
):
    grant = ask(desk, talk)
    assert REASON in boss.get(page(workspace)).content.decode()
    assert boss.post(page(workspace, f"{grant.pk}/approve/"), {"hours": "2"}).status_code == 302
    status, shown = read(desk, grant)
    assert status == 200
    assert "Is this in stock?" in shown and "Hi Lena" in shown and "Lena Fields" in shown
    assert "Something private" not in shown and "Otto" not in shown and LENA not in shown
    with workspace_scope(workspace.pk):
        seen = set(AccessRead.objects.values_list("message_id", flat=True))
        assert seen == set(Message.objects.filter(conversation=talk).values_list("pk", flat=True))
        entry = AuditEntry.objects.get(action="operator.conversation_read")
        assert (entry.actor_kind, entry.actor_id, entry.target_id) == ("operator", operator.pk, talk.pk)
    assert "2 messages" in boss.get(page(workspace)).content.decode()
    listed = boss.get(page(workspace, f"{grant.pk}/")).content.decode()
    assert all(str(each) in listed for each in seen)


@pytest.mark.clause("12a")
@pytest.mark.parametrize("case", ["waiting", "refused", "ended", "over", "another operator's"])
def test_without_a_live_grant_of_ones_own_nothing_is_read(desk, boss, workspace, talk, operator, case):
    grant = ask(desk, talk)
    if case == "refused":
        boss.post(page(workspace, f"{grant.pk}/refuse/"))
    elif case != "waiting":
        boss.post(page(workspace, f"{grant.pk}/approve/"), {"hours": "12"})
    if case == "ended":
        boss.post(page(workspace, f"{grant.pk}/end/"))
    if case == "over":
        with workspace_scope(workspace.pk):
            past = timezone.now() - timedelta(hours=13)
            AccessGrant.objects.update(decided_at=past, expires_at=past + timedelta(hours=12))
    if case == "another operator's":
        sign_in_with_factor(desk, User.objects.create_superuser("two@omnistra.example", None, name="Two"))
    status, shown = read(desk, grant)
    assert status in (403, 404) and "in stock" not in shown and "Lena" not in shown
    with workspace_scope(workspace.pk):
        assert not AccessRead.objects.exists()
        assert not AuditEntry.objects.filter(action="operator.conversation_read").exists()


@pytest.mark.clause("12a")
def test_below_the_views_nothing_opens_for_an_operator_but_what_the_grant_covers(workspace, talk):
    with workspace_scope(workspace.pk):
        with operator_reading():
            for row in (*Message.objects.all(), *Contact.objects.all(), *Handle.objects.all()):
                with pytest.raises(SealedShut):
                    getattr(row, {"Message": "content", "Contact": "name", "Handle": "value"}[type(row).__name__])
            with pytest.raises(SealedShut):
                _ = talk.channel.credentials
        with operator_reading(lambda row: row.conversation_id == talk.pk if isinstance(row, Message) else False):
            for message in Message.objects.all():
                if message.conversation_id == talk.pk:
                    assert message.text
                else:
                    with pytest.raises(SealedShut):
                        _ = message.text
        assert Message.objects.first().text, "the guard ends with the request"


@pytest.mark.clause("12a")
@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.ADMIN, 403), (Role.AGENT, 403), (Role.VIEWER, 403), (Role.PRIVACY_OFFICER, 302), (Role.OWNER, 302)],
)
def test_owners_and_privacy_officers_alone_decide(desk, workspace, talk, role, status):
    grant = ask(desk, talk)
    client = Client()
    client.force_login(join(workspace, role))
    assert client.post(page(workspace, f"{grant.pk}/approve/"), {"hours": "1"}).status_code == status
    with workspace_scope(workspace.pk):
        assert AccessGrant.objects.get().is_live is (status == 302)


def test_a_strangers_workspace_can_neither_see_nor_decide(desk, workspace, other, talk):
    grant = ask(desk, talk)
    stranger = Client()
    stranger.force_login(User.objects.get(email="max@elsewhere.example"))
    for verb in ("approve", "refuse", "end"):
        assert stranger.post(page(workspace, f"{grant.pk}/{verb}/")).status_code == 404
        assert stranger.post(page(other, f"{grant.pk}/{verb}/"), {"hours": "1"}).status_code == 404
    with workspace_scope(workspace.pk):
        assert AccessGrant.objects.get().state == "requested"


@pytest.mark.parametrize("hours", ["0", "13", "999", "-1", "", "one", "²", "1" * 400])
def test_hours_out_of_range_are_refused(desk, boss, workspace, talk, hours):
    grant = ask(desk, talk)
    answer = boss.post(page(workspace, f"{grant.pk}/approve/"), {"hours": hours}, follow=True)
    assert "between 1 and 12 hours" in answer.content.decode()
    with workspace_scope(workspace.pk):
        assert AccessGrant.objects.get().state == "requested"


def test_the_database_itself_refuses_more_than_twelve_hours(desk, boss, workspace, talk):
    grant = ask(desk, talk)
    boss.post(page(workspace, f"{grant.pk}/approve/"), {"hours": "12"})
    with workspace_scope(workspace.pk), pytest.raises(IntegrityError), transaction.atomic():
        AccessGrant.objects.update(expires_at=timezone.now() + timedelta(hours=13))


def test_nobody_decides_on_their_own_request(workspace, talk, owner, member):
    owner.is_staff = owner.is_superuser = True
    owner.save()
    grant = operators.ask(owner, workspace.pk, talk.pk, REASON, 1)
    with workspace_scope(workspace.pk), pytest.raises(operators.NotPossible):
        operators.approve(grant.pk, member, 1)


def test_a_request_is_decided_once(desk, boss, workspace, talk):
    grant = ask(desk, talk)
    boss.post(page(workspace, f"{grant.pk}/refuse/"))
    answer = boss.post(page(workspace, f"{grant.pk}/approve/"), {"hours": "1"}, follow=True)
    assert "decided already" in answer.content.decode()
    with workspace_scope(workspace.pk):
        assert AccessGrant.objects.get().state == "refused"


@pytest.mark.parametrize(
    "change",
    [{"conversation": "no id"}, {"conversation": "01890000-0000-7000-8000-000000000000"}, {"reason": "short"},
     {"hours": "13"}, {"hours": "x"}],
)  # fmt: skip
def test_a_request_without_sense_is_refused(desk, talk, change):
    body = {"conversation": talk.pk, "reason": REASON, "hours": 1, **change}
    assert desk.post("/admin/accounts/accessgrant/add/", body).status_code == 422
    with system_scope("test"):
        assert not AccessGrant.objects.exists()


def test_those_who_decide_are_told_by_mail_that_names_no_customer(desk, workspace, talk):
    officer, agent = join(workspace, Role.PRIVACY_OFFICER), join(workspace, Role.AGENT)
    grant = ask(desk, talk)
    with workspace_scope(workspace.pk):
        jobs.tell_of_access_request(grant.pk)
    told = {address for each in mail.outbox for address in each.to}
    assert officer.email in told and agent.email not in told and len(told) == 2
    for each in mail.outbox:
        assert f"/w/{workspace.slug}/settings/operator-access/" in each.body
        assert not re.search(r"Lena|in stock|4711", each.subject + each.body)


def test_old_oversight_and_answers_for_repeats_are_forgotten(desk, workspace, talk):
    ask(desk, talk)
    with workspace_scope(workspace.pk):
        AccessGrant.objects.update(requested_at=timezone.now() - timedelta(days=390))
    jobs.forget()
    with workspace_scope(workspace.pk):
        assert AccessGrant.objects.count() == 1
        AccessGrant.objects.update(requested_at=timezone.now() - timedelta(days=400))
    jobs.forget()
    with workspace_scope(workspace.pk):
        assert not AccessGrant.objects.exists()


def test_the_admins_log_is_forgotten_after_thirteen_months(operator):
    kind = ContentType.objects.get_for_model(User)
    for days in (390, 400):
        LogEntry.objects.create(
            user=operator, content_type=kind, object_id=str(days), object_repr="x", action_flag=CHANGE,
            action_time=timezone.now() - timedelta(days=days),
        )  # fmt: skip
    jobs.forget()
    assert [each.object_id for each in LogEntry.objects.all()] == ["390"]
