"""Retention: what the preview shows is what the purge deletes, in every store, whatever interrupts it."""

import io
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connections, transaction

from conversations import media
from conversations.models import Attachment, Contact, Conversation, Handle, Message, Reaction
from omnistra.core.tenancy import workspace_scope
from privacy import erasure, retention
from privacy.models import FileRemoval, PurgeRun, RetentionPolicy
from privacy.registry import STORES
from privacy.retention import Days
from tests.conversations.webhooks import connect, deliver, reaction, text
from tests.conversations.webhooks import media as image

NOW = datetime.now(UTC).replace(microsecond=0)
OLD, NEW = NOW - timedelta(days=10), NOW - timedelta(hours=1)


@pytest.fixture
def channel(workspace):
    return connect(workspace)


@pytest.fixture
def talk(workspace, channel):
    """Lena: an old thread with a file and a mark. Omar: old and new messages. Ada: new ones only."""
    deliver((channel, image("wamid.l1", OLD)), (channel, text("wamid.l2", "old", OLD)))
    deliver((channel, reaction("wamid.l2", "👍", OLD)))
    deliver((channel, text("wamid.o1", "old", OLD, "491702223344", "Omar")))
    deliver((channel, text("wamid.o2", "new", NEW, "491702223344", "Omar")))
    deliver((channel, text("wamid.a1", "new", NEW, "491703334455", "Ada")))
    with workspace_scope(workspace.pk), transaction.atomic():
        attachment = Attachment.objects.get()
        key, size = media._store(workspace.pk, attachment.contact_id, attachment.pk, io.BytesIO(b"a picture"))
        Attachment.objects.filter(pk=attachment.pk).update(state="stored", storage_key=key, size=size)
        erasure.keep_files([key])
    return key


def rule(workspace, **days: int) -> None:
    with workspace_scope(workspace.pk):
        RetentionPolicy.objects.create(**days)


def counts(workspace) -> dict[str, int]:
    with workspace_scope(workspace.pk):
        return {
            model.__name__: model.objects.count()
            for model in (Contact, Handle, Conversation, Message, Reaction, Attachment)
        }


def contact_keys() -> int:
    with connections["keys"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sealing_key WHERE purpose = 'contact'")
        return cursor.fetchone()[0]


@pytest.mark.clause("10b")
def test_a_conversation_goes_a_day_count_after_its_last_message_with_file_person_and_key(workspace, talk):
    rule(workspace, conversation_days=5)
    assert contact_keys() == 3 and default_storage.exists(talk)
    run = retention.purge(workspace.pk, "command")
    assert counts(workspace) == {
        "Contact": 2, "Handle": 2, "Conversation": 2, "Message": 3, "Reaction": 0, "Attachment": 0,
    }  # fmt: skip
    assert contact_keys() == 2
    assert not default_storage.exists(talk)
    assert run.counts == {
        "media": 1, "files": 1, "attachments": 1, "reactions": 1, "messages": 2, "conversations": 1, "contacts": 1,
        "handles": 1, "keys": 1,
    }  # fmt: skip
    assert run.finished_at is not None
    assert "Lena" not in str(run.counts) + str(run.cutoffs)


@pytest.mark.clause("10b")
def test_message_days_take_each_message_by_its_own_age(workspace, talk):
    rule(workspace, message_days=5)
    retention.purge(workspace.pk, "command")
    assert counts(workspace)["Message"] == 2
    assert counts(workspace)["Conversation"] == 2


@pytest.mark.clause("10b")
def test_media_days_take_the_file_and_leave_the_message(workspace, talk):
    rule(workspace, media_days=5)
    run = retention.purge(workspace.pk, "command")
    assert run.counts == {"media": 1, "files": 1}
    assert not default_storage.exists(talk)
    with workspace_scope(workspace.pk):
        attachment = Attachment.objects.get()
        assert (attachment.state, attachment.details, attachment.storage_key) == ("purged", None, "")
        assert FileRemoval.objects.count() == 0
    assert counts(workspace)["Message"] == 5


@pytest.mark.clause("10b")
@pytest.mark.parametrize(
    "days", [Days(conversation=5), Days(message=5), Days(media=5), Days(30, 5, 1), Days(30, 30, 30)]
)
def test_the_ids_of_the_preview_are_the_ids_that_the_purge_deletes(workspace, talk, days):
    models = {"media": Attachment, "messages": Message, "conversations": Conversation, "contacts": Contact}
    rule(workspace, conversation_days=days.conversation, message_days=days.message, media_days=days.media)
    with workspace_scope(workspace.pk), transaction.atomic():
        selection = retention.current().selection()
        shown = {store.name: erasure.preview_ids(store, selection) for store in STORES}
        before = {name: set(model.objects.values_list("pk", flat=True)) for name, model in models.items()}
    run = retention.purge(workspace.pk, "command")
    with workspace_scope(workspace.pk):
        for name, model in models.items():
            left = model.objects.exclude(state="purged") if name == "media" else model.objects.all()
            assert before[name] - set(left.values_list("pk", flat=True)) == shown[name], name
            assert run.counts.get(name, 0) == len(shown[name])


@pytest.mark.clause("10b")
def test_a_channel_may_differ_from_its_workspace(workspace, talk, channel):
    second = connect(workspace, "210000000000502")
    deliver((second, text("wamid.s1", "old", OLD, "491704445566", "Sam")))
    with workspace_scope(workspace.pk):
        RetentionPolicy.objects.create(conversation_days=5)
        RetentionPolicy.objects.create(channel_id=channel.pk)
    retention.purge(workspace.pk, "command")
    with workspace_scope(workspace.pk):
        assert set(Conversation.objects.values_list("channel_id", flat=True)) == {channel.pk}
        assert Message.objects.count() == 5


@pytest.mark.clause("10b")
def test_without_a_rule_everything_is_kept_until_asked(workspace, talk):
    before = counts(workspace)
    assert retention.purge(workspace.pk, "command") is None
    rule(workspace)
    assert retention.purge(workspace.pk, "command") is None
    assert counts(workspace) == before


@pytest.mark.clause("10b")
def test_another_workspaces_rows_stay(workspace, other, talk):
    foreign = connect(other, "210000000000777", "310000000000777")
    deliver((foreign, text("wamid.f1", "theirs", OLD)))
    rule(workspace, conversation_days=1)
    assert retention.purge_all("schedule") == 1
    assert counts(other)["Message"] == counts(other)["Contact"] == 1


@pytest.mark.clause("10b")
def test_one_workspace_in_trouble_holds_up_no_others_purge(workspace, other, talk, monkeypatch):
    foreign = connect(other, "210000000000777", "310000000000777")
    deliver((foreign, text("wamid.f1", "theirs", OLD)))
    for each in (workspace, other):
        rule(each, conversation_days=1)
    real = retention.purge
    for broken in (workspace.pk, other.pk):  # whichever comes first
        monkeypatch.setattr(
            retention, "purge", lambda pk, trigger, broken=broken: 1 / 0 if pk == broken else real(pk, trigger)
        )
        assert retention.purge_all("schedule") == 1
    assert (counts(other)["Message"], counts(workspace)["Message"]) == (0, 3)


@pytest.mark.clause("10b")
@pytest.mark.parametrize("stop_at", range(1, 8))
def test_a_purge_that_is_killed_between_chunks_is_taken_up_with_exact_counts(workspace, talk, monkeypatch, stop_at):
    rule(workspace, conversation_days=5)
    real, calls = erasure._erase_chunk, Counter()

    def dies(*args):
        calls["n"] += 1
        if calls["n"] == stop_at:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(erasure, "_erase_chunk", dies)
    with pytest.raises(KeyboardInterrupt):
        retention.purge(workspace.pk, "schedule")
    monkeypatch.undo()
    run = retention.purge(workspace.pk, "schedule")
    with workspace_scope(workspace.pk):
        assert PurgeRun.objects.count() == 1
    assert (run.counts["messages"], run.counts["media"], run.counts["conversations"]) == (2, 1, 1)
    assert run.counts["contacts"] == run.counts["keys"] == 1
    assert not default_storage.exists(talk)


def test_a_file_that_a_killed_run_left_behind_is_swept(workspace, talk, monkeypatch):
    rule(workspace, media_days=5)
    monkeypatch.setattr(erasure, "remove_files", lambda: 0)
    retention.purge(workspace.pk, "schedule")
    assert default_storage.exists(talk)
    monkeypatch.undo()
    assert retention.remove_all_files() == 1
    assert not default_storage.exists(talk)


def test_the_command_counts_without_deleting_and_then_deletes(workspace, talk):
    rule(workspace, conversation_days=5)
    before, out = counts(workspace), io.StringIO()
    call_command("purge", "--dry-run", stdout=out)
    assert "northwind: media 1, messages 2, conversations 1, contacts 1" in out.getvalue()
    assert counts(workspace) == before
    out = io.StringIO()
    call_command("purge", "--workspace", "northwind", stdout=out)
    assert "messages 2" in out.getvalue()
    out = io.StringIO()
    call_command("purge", stdout=out)
    assert "nothing to delete" in out.getvalue()
