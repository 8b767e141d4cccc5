"""How the audit log ends: old entries go when the workspace's time for them is over, and the rest stays provable.

The database alone removes entries (migration 0005): never one that is younger than the workspace keeps them, and it
remembers number and hash of the last one that went.
"""

from uuid import UUID

from django.db import connection, transaction

from accounts.audit.recording import SYSTEM, Actor, record
from accounts.models import Workspace
from omnistra.core.tenancy import system_scope, workspace_scope

CHUNK = 5000  # entries removed in one transaction; the workspace's writers wait for it as they commit


def keep(workspace: Workspace, months: int, by: Actor) -> None:
    """Keep the log of the workspace in force for so many months (Workspace.AUDIT_MONTHS says which are possible)."""
    if workspace.audit_months != months:
        workspace.audit_months = months
        workspace.save(update_fields=["audit_months"])
        record("audit.keeping_changed", by, workspace.pk, ["audit_months"])


def forget(workspace_id: UUID) -> int:
    """Remove what is older than the workspace keeps; gives how many entries. Outside any scope and transaction."""
    total = 0
    while removed := _call("accounts_audit_forget", workspace_id):
        total += removed
    if total:
        with workspace_scope(workspace_id), transaction.atomic():
            record("audit.shortened", SYSTEM, workspace_id)
    return total


def erase_workspace(workspace_id: UUID) -> int:
    """Remove the whole log of a workspace that closed and whose time to come back is over; gives how many entries.
    Outside any scope and transaction; may be run again after any interruption. The database refuses (DatabaseError)
    unless the log's last word on it is a `workspace.closed` that is fourteen days old."""
    total = 0
    while removed := _call("accounts_audit_erase", workspace_id):
        total += removed
    return total


def _call(function: str, workspace_id: UUID) -> int:
    with transaction.atomic(), system_scope("accounts.forget_audit"), connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [workspace_id, CHUNK])
        return int(cursor.fetchone()[0])
