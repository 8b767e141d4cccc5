"""A workspace closes: day 13 brings everything back, day 15 finds nothing of it anywhere."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import ApiKey, AuditEntry, Workspace
from accounts.roles import Permission, Role
from channels_app import registry
from channels_app.models import Channel
from conversations import delivery, media, replies
from conversations.models import Attachment, Conversation, Message
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import closure, erasure
from privacy.models import Closure
from tests.conftest import join
from tests.conversations.test_delivery import Platform
from tests.conversations.webhooks import connect, deliver, text
from tests.project.rows import WORKSPACE_MODELS, make

NOW = datetime.now(UTC)


class Leaving(Platform):
    """Remembers from which accounts webhooks were switched off."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[str] = []

    def unsubscribe(self, account_id, credentials) -> None:
        self.left.append(account_id)


@pytest.fixture
def platform(monkeypatch) -> Leaving:
    given = Leaving()
    monkeypatch.setitem(registry.PROVIDERS, "whatsapp", given)
    return given


@pytest.fixture
def filled(committed, workspace, member, platform) -> Workspace:
    """A workspace with a row of every model, a conversation, and a stored file."""
    channel = connect(workspace)
    deliver((channel, text("wamid.1", "hello", NOW)))
    with workspace_scope(workspace.pk):
        with transaction.atomic():
            talk = Conversation.objects.select_related("channel").get()
        message = replies.send_reply(talk, "waits", Actor.member(member))[0]
        with transaction.atomic():
            attachment = make(Attachment, message=message, channel=channel, contact_id=talk.contact_id, state="stored")
            stored = media._store(workspace.pk, talk.contact_id, attachment.pk, io.BytesIO(b"a picture"))
            attachment.storage_key, attachment.size = stored
            erasure.keep_files([attachment.storage_key])
            attachment.save()
            for model in WORKSPACE_MODELS:
                if model not in (Attachment, Channel):
                    make(model)
    return workspace


@pytest.fixture
def boss(owner) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def close(boss, workspace) -> datetime:
    boss.post(f"/w/{workspace.slug}/privacy/close/", {"confirm": workspace.name})
    workspace.refresh_from_db()
    return workspace.closing_at


def pass_days(workspace, days: int) -> None:
    """Let the closing have begun so many days ago."""
    moment = timezone.now() - timedelta(days=days) + closure.UNDO
    with transaction.atomic(), system_scope("test"):
        Workspace.objects.filter(pk=workspace.pk, closing_at__isnull=False).update(closing_at=moment)
        Closure.objects.filter(subject_id=workspace.pk).update(due_at=moment)
    with connections["owner"].cursor() as cursor:  # the log itself says when it closed
        cursor.execute(
            "UPDATE accounts_auditentry SET at = at - %s WHERE workspace_id = %s AND action = 'workspace.closed'",
            [timedelta(days=days), workspace.pk],
        )


def rows_of(workspace) -> dict[str, int]:
    """How many rows of each table belong to the workspace, as the owner of the tables counts them."""
    found = {}
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {settings.SYSTEM_ROLE}")
        for model in WORKSPACE_MODELS:
            cursor.execute(f'SELECT count(*) FROM "{model._meta.db_table}" WHERE workspace_id = %s', [workspace.pk])
            found[model._meta.label] = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM accounts_workspace WHERE id = %s", [workspace.pk])
        found["accounts.Workspace"] = cursor.fetchone()[0]
    return found


def keys_of(workspace) -> int:
    with connections["keys"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sealing_key WHERE workspace_id = %s", [workspace.pk])
        return cursor.fetchone()[0]


def files_of(workspace) -> int:
    try:
        return sum(len(default_storage.listdir(f"{workspace.pk}/{part}")[1]) for part in
                   default_storage.listdir(str(workspace.pk))[0])  # fmt: skip
    except FileNotFoundError:
        return 0


@pytest.mark.clause("10a")
def test_on_day_13_undoing_it_brings_everything_back(boss, filled, platform):
    before = rows_of(filled)
    assert close(boss, filled)
    pass_days(filled, 13)
    assert closure.erase_due() == 0
    boss.post(f"/w/{filled.slug}/privacy/keep/")
    filled.refresh_from_db()
    assert filled.closing_at is None
    assert boss.get(f"/w/{filled.slug}/inbox/").status_code == 200
    delivery.deliver()
    assert platform.sent == ["waits"] and platform.left == []
    after = rows_of(filled)
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"accounts.AuditEntry"} and files_of(filled) == 1
    pass_days(filled, 15)
    assert closure.erase_due() == 0, "what was undone stays"


@pytest.mark.clause("10a")
def test_on_day_15_nothing_of_it_is_left_and_others_keep_theirs(boss, filled, other, platform):
    with workspace_scope(other.pk), transaction.atomic():
        for model in WORKSPACE_MODELS:
            make(model)
    theirs, their_keys = rows_of(other), keys_of(other)
    assert all(rows_of(filled).values()) and keys_of(filled) > 2 and files_of(filled) == 1
    close(boss, filled)
    pass_days(filled, 15)
    assert closure.erase_due() == 1
    assert set(rows_of(filled).values()) == {0}
    assert keys_of(filled) == 0 and files_of(filled) == 0
    assert platform.left == ["310000000000101"] and platform.sent == []
    assert rows_of(other) == theirs and keys_of(other) == their_keys
    with system_scope("test"), transaction.atomic():
        record = Closure.objects.get()
        assert record.erased_at and record.counts["messages"] >= 2 and record.counts["workspaces"] == 1
        assert "wamid" not in str(record.counts)
    assert boss.get(f"/w/{filled.slug}/inbox/").status_code == 404
    assert closure.erase_due() == 0


@pytest.mark.clause("10a")
@pytest.mark.parametrize("stop_at", [1, 3, 6, 8])
def test_an_erasing_that_is_killed_is_taken_up_and_its_counts_stay_exact(boss, filled, stop_at, monkeypatch):
    close(boss, filled)
    pass_days(filled, 15)
    whole = rows_of(filled)
    steps, add = [], closure.add

    def dies(*args, **more):
        steps.append(1)
        if len(steps) == stop_at:
            raise KeyboardInterrupt
        add(*args, **more)

    monkeypatch.setattr(closure, "add", dies)
    with pytest.raises(KeyboardInterrupt):
        closure.erase_due()
    monkeypatch.setattr(closure, "add", add)
    assert closure.erase_due() == 1
    assert set(rows_of(filled).values()) == {0}
    with system_scope("test"), transaction.atomic():
        counts = Closure.objects.get().counts
    assert counts["messages"] == whole["conversations.Message"]
    assert counts["conversations"] == whole["conversations.Conversation"]


def test_a_storage_that_is_away_postpones_the_end(boss, filled, monkeypatch):
    close(boss, filled)
    pass_days(filled, 15)

    def away(name):
        raise OSError("away")

    with monkeypatch.context() as broken:
        broken.setattr(erasure.default_storage, "delete", away)
        assert closure.erase_due() == 0
    assert rows_of(filled)["privacy.FileRemoval"] and rows_of(filled)["accounts.Workspace"] == 1
    assert closure.erase_due() == 1
    assert files_of(filled) == 0


@pytest.mark.clause("12a")
def test_while_it_closes_nobody_works_nothing_is_sent_and_nothing_is_lost(boss, filled, owner, platform):
    with workspace_scope(filled.pk), transaction.atomic():
        _, secret = ApiKey.issue("all", [str(each) for each in Permission], owner)
        messages = Message.objects.filter(direction="inbound").count()
        channel = Channel.objects.get(external_id="210000000000501")
    close(boss, filled)
    answer = boss.get(f"/w/{filled.slug}/inbox/")
    assert answer.status_code == 302 and answer["Location"] == f"/w/{filled.slug}/settings/workspace/"
    assert "Undo" in boss.get(answer["Location"]).content.decode()
    agent = Client()
    agent.force_login(join(filled, Role.AGENT))
    assert agent.get(f"/w/{filled.slug}/inbox/").status_code == 403
    key = Client(headers={"Authorization": f"Bearer {secret}"})
    assert key.get("/api/v1/conversations/").json()["code"] == "workspace_closing"
    delivery.deliver()
    deliver((channel, text("wamid.late", "still there?", NOW)))
    assert platform.sent == []
    with workspace_scope(filled.pk), transaction.atomic():
        assert Message.objects.filter(direction="inbound").count() == messages + 1


@pytest.mark.parametrize("role", [Role.ADMIN, Role.PRIVACY_OFFICER, Role.AGENT, Role.VIEWER])
def test_owners_alone_close(workspace, role):
    client = Client()
    client.force_login(join(workspace, role))
    answer = client.post(f"/w/{workspace.slug}/privacy/close/", {"confirm": workspace.name})
    assert answer.status_code == 403
    workspace.refresh_from_db()
    assert workspace.closing_at is None
    with system_scope("test"):
        assert not Closure.objects.exists()


@pytest.mark.parametrize("typed", ["", "northwind", "Northwind  Tea"])
def test_without_the_typed_name_nothing_closes(boss, workspace, typed):
    boss.post(f"/w/{workspace.slug}/privacy/close/", {"confirm": typed})
    workspace.refresh_from_db()
    assert workspace.closing_at is None


def test_closing_and_undoing_are_recorded(boss, workspace):
    close(boss, workspace)
    boss.post(f"/w/{workspace.slug}/privacy/close/", {"confirm": workspace.name})
    boss.post(f"/w/{workspace.slug}/privacy/keep/")
    with workspace_scope(workspace.pk):
        actions = list(AuditEntry.objects.order_by("at", "id").values_list("action", flat=True))
    assert actions == ["workspace.closed", "workspace.reopened"]


def test_an_admin_renames_the_workspace_and_an_agent_does_not(boss, workspace):
    boss.post(f"/w/{workspace.slug}/settings/workspace/", {"name": "Northwind Coffee"})
    workspace.refresh_from_db()
    assert workspace.name == "Northwind Coffee" and workspace.slug == "northwind"
    agent = Client()
    agent.force_login(join(workspace, Role.AGENT))
    assert agent.post(f"/w/{workspace.slug}/settings/workspace/", {"name": "Mine"}).status_code == 403
    workspace.refresh_from_db()
    assert workspace.name == "Northwind Coffee"
    assert boss.post(f"/w/{workspace.slug}/settings/workspace/", {"name": ""}).status_code == 422
