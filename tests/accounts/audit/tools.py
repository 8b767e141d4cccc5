"""What the tests of the audit log do to it: as the program does, and as someone with the owner's password could."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction

from accounts import audit
from accounts.audit import Actor
from accounts.models import AuditEntry, Workspace
from omnistra.core.tenancy import workspace_scope


def write(workspace: Workspace, *actions: str, by: Actor = audit.SYSTEM, **more: Any) -> None:
    """Entries, each in a transaction of its own."""
    for action in actions:
        with workspace_scope(workspace.pk), transaction.atomic():
            audit.record(action, by, **more)


def entries(workspace: Workspace) -> list[AuditEntry]:
    """The chained entries, the oldest first."""
    with workspace_scope(workspace.pk), transaction.atomic():
        return list(AuditEntry.objects.filter(number__isnull=False).order_by("number"))


def settle() -> None:
    """Chain what a test that never commits has written: what happens at a commit, now."""
    connections["default"].check_constraints()


def as_owner(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """Run SQL with the password of the tables' owner; gives the rows, if there are any."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def chain_anew(workspace: Workspace) -> None:
    """What a forger with the owner's password does after changing a row: compute all hashes again, and the end."""
    as_owner(
        f"""
        DO $$ DECLARE one accounts_auditentry; previous bytea; BEGIN
            SELECT removed_hash INTO previous FROM accounts_auditchain WHERE workspace_id = '{workspace.pk}';
            FOR one IN SELECT * FROM accounts_auditentry WHERE workspace_id = '{workspace.pk}' ORDER BY number LOOP
                previous := accounts_audit_hash(previous, one);
                UPDATE accounts_auditentry SET hash = previous WHERE id = one.id;
                UPDATE accounts_auditchain SET number = one.number, hash = previous, at = one.at
                WHERE workspace_id = '{workspace.pk}';
            END LOOP;
        END $$
        """
    )


def age(workspace: Workspace, days: int) -> None:
    """Let time pass for a workspace's log: all its entries are so many days older, and the chain is whole."""
    as_owner(
        "UPDATE accounts_auditentry SET at = at - make_interval(days => %s) WHERE workspace_id = %s",
        days, workspace.pk,
    )  # fmt: skip
    chain_anew(workspace)


@contextmanager
def without_triggers() -> Iterator[None]:
    """What the owner of the tables can do, and nobody else: let the database look away."""
    as_owner("ALTER TABLE accounts_auditentry DISABLE TRIGGER USER")
    try:
        yield
    finally:
        as_owner("ALTER TABLE accounts_auditentry ENABLE TRIGGER USER")
