"""The chain of the audit log: gapless, whole, and whoever changes it by SQL is found out."""

import hashlib
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from accounts import audit
from accounts.audit import chain
from accounts.audit.chain import GENESIS
from accounts.models import AuditChain, AuditEntry, AuditHead
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.accounts.audit.tools import age, as_owner, chain_anew, entries, settle, without_triggers, write

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.clause("12a")]


@pytest.fixture
def five(workspace):
    write(workspace, *["channel.renamed"] * 5)
    return workspace


def found(workspace, heads=None):
    broken = chain.verify(workspace.pk, heads).broken
    return broken and (broken.number, broken.entry_id)


def test_entries_are_numbered_and_chained_as_they_commit(five):
    rows = entries(five)
    assert [row.number for row in rows] == [1, 2, 3, 4, 5]
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    previous = GENESIS
    for row in rows:
        assert bytes(row.hash) == (previous := chain.link(previous, row))
    proof = chain.verify(five.pk)
    assert (proof.first, proof.number, proof.hash, proof.broken) == (1, 5, previous, None)


def test_a_hash_can_be_made_again_from_an_export_by_anyone(workspace, member):
    write(workspace, "channel.renamed", by=audit.Actor.member(member), target_id=uuid7(), fields=["name", "status"])
    row = entries(workspace)[0]
    text = (
        f'["{workspace.pk}", 1, "{row.pk}", "{chain.stamp(row.at)}", "channel.renamed", "member", "{member.pk}", '
        f'"{row.target_id}", ["name", "status"]]'
    )
    assert hashlib.sha256(bytes(32) + text.encode()).digest() == bytes(row.hash)


def test_every_workspace_has_a_chain_of_its_own(five, other):
    write(other, "channel.renamed")
    assert [row.number for row in entries(other)] == [1]
    assert found(five) is None and found(other) is None


def test_one_commit_chains_all_its_entries_and_a_rollback_leaves_no_gap(workspace):
    with workspace_scope(workspace.pk), transaction.atomic():
        audit.record("channel.renamed", audit.SYSTEM)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            audit.record("channel.disconnected", audit.SYSTEM)
            raise ZeroDivisionError
        audit.record("channel.renamed", audit.SYSTEM)
    with pytest.raises(ZeroDivisionError), workspace_scope(workspace.pk), transaction.atomic():
        audit.record("channel.disconnected", audit.SYSTEM)
        raise ZeroDivisionError
    write(workspace, "channel.connected")
    assert [(row.number, row.action) for row in entries(workspace)] == [
        (1, "channel.renamed"), (2, "channel.renamed"), (3, "channel.connected"),
    ]  # fmt: skip
    assert found(workspace) is None


def test_eight_writers_at_once_leave_no_gap(workspace):
    failures: list[BaseException] = []

    def work() -> None:
        try:
            write(workspace, *["channel.renamed"] * 50)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [row.number for row in entries(workspace)] == list(range(1, 401))
    assert found(workspace) is None


def test_a_transaction_that_has_recorded_and_goes_on_keeps_nobody_waiting(workspace):
    with workspace_scope(workspace.pk), transaction.atomic():
        audit.record("channel.renamed", audit.SYSTEM)
        other = threading.Thread(target=lambda: (write(workspace, "channel.connected"), connections.close_all()))
        other.start()
        other.join(timeout=5)
        assert not other.is_alive()
    assert [row.action for row in entries(workspace)] == ["channel.connected", "channel.renamed"]


# What someone with the password of the tables' owner does, and the row that is named for it.
TAMPERED = {
    "a changed actor": ("UPDATE accounts_auditentry SET actor_kind = 'member', actor_id = id WHERE number = 3", 3),
    "a changed action": ("UPDATE accounts_auditentry SET action = 'channel.connected' WHERE number = 1", 1),
    "a changed time": ("UPDATE accounts_auditentry SET at = at - interval '1 hour' WHERE number = 4", 4),
    "a changed target": ("UPDATE accounts_auditentry SET target_id = id WHERE number = 2", 2),
    "changed fields": ("UPDATE accounts_auditentry SET fields = '{name}' WHERE number = 5", 5),
    "a row out of the middle": ("DELETE FROM accounts_auditentry WHERE number = 3", 3),
    "the first row": ("DELETE FROM accounts_auditentry WHERE number = 1", 1),
    "the tail": ("DELETE FROM accounts_auditentry WHERE number >= 4", 4),
    "everything": ("DELETE FROM accounts_auditentry", 1),
    "two rows that changed places": (
        "UPDATE accounts_auditentry SET number = 99 WHERE number = 2; "
        "UPDATE accounts_auditentry SET number = 2 WHERE number = 4; "
        "UPDATE accounts_auditentry SET number = 4 WHERE number = 99", 2,
    ),
    "an added row in the middle": (
        "UPDATE accounts_auditentry SET number = number + 100 WHERE number >= 3; "
        "UPDATE accounts_auditentry SET number = number - 99 WHERE number >= 100; "
        "UPDATE accounts_auditchain SET number = 6; "
        "INSERT INTO accounts_auditentry (id, workspace_id, action, actor_kind, fields, at, number, hash) "
        "SELECT gen_random_uuid(), workspace_id, action, actor_kind, fields, at, 3, hash "
        "FROM accounts_auditentry WHERE number = 2", 3,
    ),
    "an added row behind the end": (
        "INSERT INTO accounts_auditentry (id, workspace_id, action, actor_kind, fields, at, number, hash) "
        "SELECT gen_random_uuid(), workspace_id, action, actor_kind, fields, at, 6, hash "
        "FROM accounts_auditentry WHERE number = 5", 6,
    ),
    "an added row without a number": (
        "INSERT INTO accounts_auditentry (id, workspace_id, action, actor_kind, fields, at) "
        "SELECT gen_random_uuid(), workspace_id, action, actor_kind, fields, at FROM accounts_auditentry "
        "WHERE number = 5", 6,
    ),
    "a changed end": ("UPDATE accounts_auditchain SET hash = sha256('x')", 5),
    "a lost end": ("DELETE FROM accounts_auditchain", 1),
    "a tail that the end denies too": (
        "DELETE FROM accounts_auditentry WHERE number = 5; UPDATE accounts_auditchain c SET number = 4, hash = e.hash "
        "FROM accounts_auditentry e WHERE e.number = 4", None,  # whole in itself: only a kept head tells
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_whoever_changes_it_by_sql_is_found_out_and_the_first_row_is_named(five, name, capsys):
    sql, number = TAMPERED[name]
    rows = {row.number: row.pk for row in entries(five)}
    head = chain.verify(five.pk)
    with without_triggers():
        as_owner(sql)
    broken = chain.verify(five.pk).broken
    if number is None:
        assert broken is None
        assert found(five, {5: head.hash}) == (5, None)
        return
    assert broken is not None and broken.number == number
    if broken.entry_id is not None and number <= 5 and "place" not in name and "added" not in name:
        assert broken.entry_id == rows[number]
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit")
    assert ended.value.code == 1
    assert f"#{number}" in capsys.readouterr().out


def test_a_chain_that_was_made_anew_no_longer_meets_the_heads_that_were_kept(five):
    head = chain.take_head(five.pk)
    write(five, "channel.renamed")
    as_owner("UPDATE accounts_auditentry SET action = 'channel.connected' WHERE number = 2")
    chain_anew(five)
    assert found(five)[0] == 5, "the stored head tells"
    as_owner("DELETE FROM accounts_audithead")
    assert found(five) is None, "whole in itself"
    assert found(five, {5: bytes(head.hash)})[0] == 5, "the head that was mailed tells"


def test_the_command_says_what_is_whole_and_takes_heads_from_outside(five, capsys):
    head = chain.verify(five.pk)
    call_command("verify_audit")
    assert "northwind: #1 to #5 are as they were written" in capsys.readouterr().out
    call_command("verify_audit", workspace="northwind", head=[f"5:{head.hash.hex()}"])
    with pytest.raises(SystemExit):
        call_command("verify_audit", workspace="northwind", head=[f"4:{head.hash.hex()}"])
    assert "#4" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call_command("verify_audit", workspace="northwind", head=[f"9:{head.hash.hex()}"])
    for wrong in ("5", "x:00", "5:00", "5:" + "g" * 64):
        with pytest.raises(CommandError, match="is no head"):
            call_command("verify_audit", workspace="northwind", head=[wrong])
    with pytest.raises(CommandError, match="no workspace"):
        call_command("verify_audit", workspace="nobody")
    with pytest.raises(CommandError, match="--workspace"):
        call_command("verify_audit", head=[f"5:{head.hash.hex()}"])


FORBIDDEN = [
    "UPDATE accounts_auditentry SET action = 'channel.connected'",
    "DELETE FROM accounts_auditentry",
    "TRUNCATE accounts_auditentry",
    "UPDATE accounts_auditchain SET number = 1",
    "DELETE FROM accounts_auditchain",
    "INSERT INTO accounts_auditchain SELECT gen_random_uuid(), 1, hash, at, 0, hash, workspace_id FROM accounts_auditchain",
    "UPDATE accounts_audithead SET number = 1",
    "DELETE FROM accounts_audithead",
    "TRUNCATE accounts_audithead",
    "ALTER TABLE accounts_auditentry DISABLE TRIGGER ALL",
    "DROP TRIGGER chain ON accounts_auditentry",
    "SET LOCAL session_replication_role = replica",
    "SELECT accounts_audit_hash(hash, NULL) FROM accounts_auditchain",
    "DROP FUNCTION accounts_audit_forget(uuid, integer)",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
@pytest.mark.parametrize("system", [False, True], ids=["runtime", "system"])
def test_neither_the_runtime_nor_the_system_role_changes_what_is_written(five, sql, system):
    chain.take_head(five.pk)
    before = [(row.pk, row.action, bytes(row.hash)) for row in entries(five)]
    scope = system_scope("test") if system else workspace_scope(five.pk)
    with pytest.raises(DatabaseError), scope, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert [(row.pk, row.action, bytes(row.hash)) for row in entries(five)] == before
    with workspace_scope(five.pk), transaction.atomic():
        assert AuditHead.objects.get().number == AuditChain.objects.get().number == 5


def test_a_number_a_hash_or_a_time_that_a_writer_makes_up_does_not_count(workspace):
    write(workspace, "channel.renamed")
    with workspace_scope(workspace.pk), transaction.atomic():
        AuditEntry.objects.create(
            action="channel.renamed", actor_kind="system", number=77, hash=bytes(32), at="2020-01-01T00:00:00Z"
        )
    first, second = entries(workspace)
    assert second.number == 2 and second.at > first.at
    assert found(workspace) is None


@pytest.mark.parametrize(
    "values",
    [
        {"action": "Lena wrote"}, {"action": "conversation.replied to Lena"}, {"action": "nothing"},
        {"action": "conversation.a1"}, {"action": "a.b\n"}, {"fields": ["Lena Fields"]}, {"fields": ["+491701112233"]},
        {"fields": ["name", "lena@example.org"]}, {"fields": ["Name"]}, {"fields": [""]}, {"fields": ["a,b"]},
        {"fields": [None]}, {"fields": ["NULL"]}, {"fields": ['a"b']}, {"actor_kind": "Lena"},
        {"actor_kind": "member"}, {"actor_kind": "system", "actor_id": uuid7()},
    ],
)  # fmt: skip
def test_no_column_can_hold_a_text(workspace, values):
    good = {"action": "channel.renamed", "actor_kind": "system", "fields": ["name"]}
    with pytest.raises(DatabaseError), workspace_scope(workspace.pk), transaction.atomic():
        AuditEntry.objects.create(**{**good, **values})
    assert entries(workspace) == []
    with workspace_scope(workspace.pk), transaction.atomic():
        AuditEntry.objects.create(**good)


def test_every_column_is_an_id_a_time_a_number_or_checked_by_the_database():
    checked = {"action", "actor_kind", "fields", "hash"}  # hash: 32 bytes that the database makes itself
    from django.db import models

    for field in AuditEntry._meta.concrete_fields:
        plain = isinstance(field, models.UUIDField | models.DateTimeField | models.BigIntegerField | models.ForeignKey)
        assert plain or field.name in checked, field.name


class TestKeeping:
    def test_what_is_too_old_goes_and_the_rest_stays_provable(self, five):
        age(five, 400)
        write(five, "channel.connected", "channel.connected")
        head = chain.take_head(five.pk)
        assert audit.keeping.forget(five.pk) == 5
        rows = entries(five)
        assert [(row.number, row.action) for row in rows] == [
            (6, "channel.connected"), (7, "channel.connected"), (8, "audit.shortened"),
        ]  # fmt: skip
        assert found(five) is None
        assert found(five, {7: bytes(head.hash)}) is None
        with without_triggers():
            as_owner("DELETE FROM accounts_auditentry WHERE number = 6")
        assert found(five) == (6, None)

    def test_in_chunks_as_in_one(self, five, monkeypatch):
        monkeypatch.setattr(audit.keeping, "CHUNK", 2)
        age(five, 400)
        write(five, "channel.connected")
        assert audit.keeping.forget(five.pk) == 5
        assert found(five) is None

    def test_a_log_that_is_all_too_old_ends_empty_and_goes_on_counting(self, five):
        age(five, 400)
        assert audit.keeping.forget(five.pk) == 5
        assert [row.number for row in entries(five)] == [6]
        age(five, 400)
        as_owner("DELETE FROM accounts_audithead")
        assert audit.keeping.forget(five.pk) == 1
        write(five, "channel.connected")
        assert [row.number for row in entries(five)] == [7, 8]
        assert found(five) is None

    def test_nothing_younger_goes_whoever_asks(self, five):
        age(five, 390)
        assert audit.keeping.forget(five.pk) == 0
        with transaction.atomic():
            five.audit_months = 6
            five.save()
        assert audit.keeping.forget(five.pk) == 5
        write(five, "channel.connected")
        age(five, 170)
        with pytest.raises(DatabaseError), transaction.atomic():
            type(five).objects.filter(pk=five.pk).update(audit_months=1)
        as_owner("ALTER TABLE accounts_workspace DROP CONSTRAINT accounts_workspace_audit_months")
        try:
            type(five).objects.filter(pk=five.pk).update(audit_months=0)
            assert audit.keeping.forget(five.pk) == 0
            five.save()
        finally:
            as_owner(
                "ALTER TABLE accounts_workspace ADD CONSTRAINT accounts_workspace_audit_months "
                "CHECK (audit_months BETWEEN 6 AND 84)"
            )

    def test_inside_a_workspace_nobody_can_ask_for_it(self, five):
        age(five, 400)
        for call in ("accounts_audit_forget(%s, 10)", "accounts_audit_erase(%s, 10)"):
            with pytest.raises(DatabaseError), workspace_scope(five.pk), transaction.atomic():
                connection.cursor().execute(f"SELECT {call}", [five.pk])
        assert len(entries(five)) == 5

    def test_a_closed_workspaces_log_is_erased_after_fourteen_days_and_not_before(self, five, other, monkeypatch):
        monkeypatch.setattr(audit.keeping, "CHUNK", 3)
        write(other, "channel.renamed")
        for prepared, days in (((), 15), (("workspace.closed",), 13), (("workspace.reopened",), 15)):
            write(five, *prepared)
            age(five, days)
            with pytest.raises(DatabaseError):
                audit.erase_workspace(five.pk)
        count = len(entries(five))
        write(five, "workspace.closed")
        age(five, 15)
        write(five, "purge.finished")
        chain.take_head(five.pk)
        assert audit.erase_workspace(five.pk) == count + 2
        assert audit.erase_workspace(five.pk) == 0
        with system_scope("test"), transaction.atomic():
            for model in (AuditEntry, AuditChain, AuditHead):
                assert not model.objects.filter(workspace_id=five.pk).exists()
        assert [row.number for row in entries(other)] == [1]


def test_what_a_test_writes_without_committing_can_be_settled(workspace):
    with workspace_scope(workspace.pk), transaction.atomic():
        entry = audit.record("channel.renamed", audit.SYSTEM)
        entry.refresh_from_db()
        assert entry.number is None
        settle()
        entry.refresh_from_db()
        assert entry.number == 1
