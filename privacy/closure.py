"""Closing a workspace: fourteen days in which an owner can undo it, then everything goes (policy clause 10a).

1. While it is closing nobody works in it and nothing is sent; what customers write is still taken in, so that undoing
   it brings everything back.
2. Erasing goes through `erasure`, chunk by chunk, in any number of runs: a kill loses nothing, counts stay exact.
3. The last transaction takes members, keys and the workspace's own row. What stays is a Closure: ids, times, counts.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.apps import apps
from django.db import OperationalError, transaction
from django.db.models import Model
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from accounts.models import Membership, Workspace
from omnistra.core import keyring, reports
from omnistra.core.logs import frames, get_logger
from omnistra.core.tenancy import WorkspaceForeignKey, WorkspaceModel, system_scope, workspace_scope
from privacy import erasure, registry
from privacy.models import Closure, FileRemoval, PurgeRun
from privacy.selection import Cutoffs, Selection

log = get_logger(__name__)
UNDO = timedelta(days=14)
KEEP_RECORDS = timedelta(days=396)  # 13 months, as the audit log
_CHUNK = 1000  # rows deleted in one transaction
_FAR = datetime(9999, 1, 1, tzinfo=UTC)
EVERYTHING = Selection(Cutoffs(conversation=_FAR, message=_FAR, media=_FAR))


class NotPossible(Exception):
    """The step is not possible now; the text says why."""


def close_workspace(workspace_id: UUID, by: Membership) -> datetime:
    """Begin to close; gives when it will be erased. In the workspace's scope. Raises NotPossible."""
    from privacy import jobs

    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=workspace_id)
        if workspace.closing_at is not None:
            raise NotPossible("This workspace is closing already.")
        due: datetime = timezone.now() + UNDO
        workspace.closing_at = due
        workspace.save(update_fields=["closing_at"])
        with system_scope("privacy.close_workspace"):
            Closure.objects.create(
                kind=Closure.Kind.WORKSPACE, subject_id=workspace_id, requested_by=by.user_id, due_at=due
            )
        audit.record("workspace.closed", Actor.member(by), workspace_id)
        jobs.tell_of_closing.enqueue(workspace_id, by.pk)
    return due


def keep_workspace(workspace_id: UUID, by: Membership) -> None:
    """Undo the closing: everything is as before. In the workspace's scope. Raises NotPossible."""
    from privacy import jobs

    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=workspace_id)
        if workspace.closing_at is None:
            raise NotPossible("This workspace is not closing.")
        if workspace.closing_at <= timezone.now():
            raise NotPossible("The fourteen days are over: it is being erased.")
        workspace.closing_at = None
        workspace.save(update_fields=["closing_at"])
        undo(Closure.Kind.WORKSPACE, workspace_id)
        audit.record("workspace.reopened", Actor.member(by), workspace_id)
        jobs.tell_of_closing.enqueue(workspace_id, by.pk)


def undo(kind: str, subject_id: UUID) -> None:
    """Mark the open closure of a subject as undone, in the transaction that undoes it."""
    with system_scope("privacy.undo_closure"):
        Closure.objects.filter(kind=kind, subject_id=subject_id, undone_at__isnull=True, erased_at__isnull=True).update(
            undone_at=timezone.now()
        )


def erase_due() -> int:
    """Erase what is due, workspaces before people; gives how many were erased to the end."""
    now = timezone.now() - timedelta(minutes=1)  # the audit log counts the fourteen days by the database's clock
    with transaction.atomic(), system_scope("privacy.erase_closed"):
        due = list(
            Closure.objects.filter(undone_at__isnull=True, erased_at__isnull=True, due_at__lte=now)
            .order_by("-kind", "due_at")
        )  # fmt: skip
        Closure.objects.filter(erased_at__lt=timezone.now() - KEEP_RECORDS).delete()
        Closure.objects.filter(undone_at__lt=timezone.now() - KEEP_RECORDS).delete()
    from privacy import account_closure  # it builds on this room

    erasers: dict[str, Callable[[Closure], bool]] = {
        Closure.Kind.WORKSPACE: erase_workspace, Closure.Kind.PERSON: account_closure.erase
    }  # fmt: skip
    return sum(1 for closure in due if _erased(closure, erasers[closure.kind]))


def _erased(closure: Closure, erase: Callable[[Closure], bool]) -> bool:
    """One closure's trouble holds up no other; the next run tries it again."""
    try:
        return erase(closure)
    except OperationalError:
        raise
    except Exception as error:
        log.error("closure.failed", closure=closure.pk, trace=frames(error))
        reports.capture(error)
        return False


def erase_workspace(closure: Closure) -> bool:
    """Erase everything of a workspace; False when something is left for the next run (a storage that is away)."""
    workspace_id = closure.subject_id
    with workspace_scope(workspace_id):
        for farewell in registry.FAREWELLS:
            farewell()
        with transaction.atomic():
            run = PurgeRun.objects.filter(trigger=PurgeRun.Trigger.CLOSURE, finished_at__isnull=True).first()
            run = run or PurgeRun.objects.create(trigger=PurgeRun.Trigger.CLOSURE, cutoffs=EVERYTHING.as_json())
        erasure.erase(workspace_id, EVERYTHING, run)
        with transaction.atomic():
            if FileRemoval.objects.exists():
                log.warning("closure.files_left", closure=closure.pk)
                return False
        for model in _leftover_models():
            while _erase_leftovers(closure, model):
                pass
    entries = audit.erase_workspace(workspace_id)  # nothing may be recorded after this
    with workspace_scope(workspace_id), transaction.atomic():
        keyring.destroy_workspace_keys(workspace_id)  # before the commit: what it left would be unreadable
        counts = {"audit entries": entries}
        counts["members"] = Membership.ever.all().delete()[0]
        counts["workspaces"] = Workspace.objects.filter(pk=workspace_id).delete()[0]
        add(closure, counts, done=True)
    return True


def _leftover_models() -> list[type[Model]]:
    """The workspace models, those that point to others first; without members and audit log, which go last."""
    last = {"accounts.Membership", "accounts.AuditEntry", "accounts.AuditChain", "accounts.AuditHead"}
    waiting = [
        model for model in apps.get_models() if issubclass(model, WorkspaceModel) and model._meta.label not in last
    ]
    ordered: list[type[Model]] = []
    while waiting:
        targets = {
            field.related_model
            for model in waiting
            for field in model._meta.concrete_fields
            if isinstance(field, WorkspaceForeignKey) and field.related_model is not model
        }
        free = [model for model in waiting if model not in targets]
        ordered += free
        waiting = [model for model in waiting if model in targets]
    return ordered


def _erase_leftovers(closure: Closure, model: type[Model]) -> bool:
    """Delete one chunk of a model's rows; False when none was left."""
    with transaction.atomic():
        ids = list(model._default_manager.values_list("pk", flat=True)[:_CHUNK])
        if not ids:
            return False
        counts = Counter[str]()
        if model is PurgeRun:  # what the closing itself erased is told by its own runs
            for run in PurgeRun.objects.filter(pk__in=ids, trigger=PurgeRun.Trigger.CLOSURE):
                counts.update(run.counts)
        deleted = model._default_manager.filter(pk__in=ids).delete()[0]
        counts[str(model._meta.verbose_name_plural)] += deleted
        add(closure, counts)
    return True


def add(closure: Closure, counts: dict[str, int], done: bool = False) -> None:
    """Add counts to a closure's record, in the transaction of what they count."""
    with system_scope("privacy.erase_closed"):
        stored = Closure.objects.select_for_update().get(pk=closure.pk)
        total = Counter(stored.counts)
        total.update(counts)
        stored.counts = {name: number for name, number in sorted(total.items()) if number}
        if done:
            stored.erased_at = timezone.now()
        stored.save(update_fields=["counts", "erased_at"])
