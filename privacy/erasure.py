"""The one door through which things are deleted.

1. Deletes in chunks, each in a transaction of its own that also adds its counts to the run: a kill loses nothing,
   the next run goes on, and the counts stay exact.
2. Files are named for removal in the transaction that deletes their row, and removed after it.
3. What is selected by `preview` is what `erase` deletes: both ask the same stores.
"""

from collections import Counter
from datetime import timedelta
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from accounts import audit
from omnistra.core import reports
from omnistra.core.logs import get_logger
from privacy.models import FileRemoval, PurgeRun
from privacy.registry import STORES, Store
from privacy.selection import Selection

log = get_logger(__name__)
UNRECORDED = timedelta(hours=1)  # longer than any upload or fetch takes from the storage to its row


def preview(selection: Selection) -> dict[str, int]:
    """How many rows of each store the selection holds now. In a workspace scope and a transaction."""
    return {store.name: len(preview_ids(store, selection)) for store in STORES}


def preview_ids(store: Store, selection: Selection) -> set[UUID]:
    """The ids that the store would lose."""
    return {pk for rows in store.candidates(selection) for pk in rows.values_list("pk", flat=True)}


def erase(workspace_id: UUID, selection: Selection, run: PurgeRun) -> PurgeRun:
    """Delete what the selection holds, chunk by chunk, counting into `run`. In the workspace's scope, outside any
    transaction. Raises nothing of its own; may be run again after any interruption."""
    for store in STORES:
        while _erase_chunk(workspace_id, store, selection, run):
            remove_files()
    remove_files()
    with transaction.atomic():
        run.finished_at = timezone.now()
        run.save(update_fields=["finished_at"])
        if run.counts:  # what had nothing to delete, hour after hour, is told by the runs alone
            audit.record("retention.purge_finished", audit.SYSTEM, run.pk)
    return run


def _erase_chunk(workspace_id: UUID, store: Store, selection: Selection, run: PurgeRun) -> bool:
    """Delete one chunk of one store; False when nothing was left of it."""
    with transaction.atomic():
        for rows in store.candidates(selection):
            ids = list(rows.values_list("pk", flat=True)[: store.chunk])
            if ids:
                counts = store.erase(workspace_id, selection, ids)
                _add(run, counts)
                return any(counts.values())
    return False


def _add(run: PurgeRun, counts: dict[str, int]) -> None:
    stored = PurgeRun.objects.select_for_update().get(pk=run.pk)
    total = Counter(stored.counts)
    total.update(counts)
    run.counts = {name: number for name, number in sorted(total.items()) if number}
    PurgeRun.objects.filter(pk=run.pk).update(counts=run.counts)


def announce_file(storage_key: str) -> None:
    """Name a file for removal before it is stored: the transaction that records it keeps it, and a kill in between
    leaves nothing behind. In a workspace scope and a transaction."""
    FileRemoval.objects.create(storage_key=storage_key, due_at=timezone.now() + UNRECORDED)


def keep_files(storage_keys: list[str]) -> None:
    """Rows hold these files now. In their transaction."""
    FileRemoval.objects.filter(storage_key__in=storage_keys).delete()


def forget_files(storage_keys: list[str]) -> int:
    """Name files for removal, in the transaction that deletes their rows; gives how many."""
    FileRemoval.objects.bulk_create([FileRemoval(storage_key=key) for key in storage_keys if key])
    return sum(1 for key in storage_keys if key)


def remove_files(limit: int = 500) -> int:
    """Remove named files from the storage; gives how many. A file that is gone already counts as removed."""
    removed = 0
    while True:
        with transaction.atomic():
            due = list(FileRemoval.objects.filter(due_at__lte=timezone.now()).order_by("due_at")[:limit])
        done = []
        for row in due:
            try:
                default_storage.delete(row.storage_key)
            except FileNotFoundError:
                pass
            except Exception as error:  # any storage's own kind of trouble: the name stays, the sweep tries again
                log.warning("erasure.file_not_removed", removal=row.pk, error=type(error).__name__)
                reports.capture(error)
                continue
            done.append(row.pk)
        with transaction.atomic():
            FileRemoval.objects.filter(pk__in=done).delete()
        removed += len(done)
        if len(done) < limit:
            return removed
