"""Erasing everything of one channel that was disconnected: a selection of the one door (erasure).

The run is written in the transaction that disconnects and names its channel in its cutoffs, so a lost wake-up or a kill
leaves it to the sweep, which takes it up and goes on.
"""

from datetime import UTC, datetime
from uuid import UUID

from django.db import OperationalError, transaction

from omnistra.core import reports
from omnistra.core.logs import frames, get_logger
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy import erasure
from privacy.models import PurgeRun
from privacy.selection import Cutoffs, Selection

log = get_logger(__name__)
_FAR = datetime(9999, 1, 1, tzinfo=UTC)
_ALL = Cutoffs(conversation=_FAR, message=_FAR, media=_FAR)


def begin(channel_id: UUID) -> PurgeRun:
    """Ask for it. In the workspace's scope, in the transaction of the disconnection; asking twice is asking once."""
    cutoffs = Selection(channels={channel_id: _ALL}).as_json()
    waiting = PurgeRun.objects.filter(trigger=PurgeRun.Trigger.CHANNEL, cutoffs=cutoffs, finished_at__isnull=True)
    return waiting.first() or PurgeRun.objects.create(trigger=PurgeRun.Trigger.CHANNEL, cutoffs=cutoffs)


def run_due() -> int:
    """Carry out what was asked for; gives how many runs came to their end."""
    with transaction.atomic(), system_scope("privacy.erase_channels"):
        due = list(
            PurgeRun.objects.filter(trigger=PurgeRun.Trigger.CHANNEL, finished_at__isnull=True).order_by("started_at")
        )
    return sum(1 for run in due if _finished(run))


def _finished(run: PurgeRun) -> bool:
    """One run; what fails at one workspace is said, and leaves the others going."""
    channels = {UUID(name.partition(":")[0]): _ALL for name in run.cutoffs}
    try:
        workspace_id = UUID(str(run.workspace_id))
        with workspace_scope(workspace_id):
            erasure.erase(workspace_id, Selection(channels=channels), run)
    except OperationalError:
        raise
    except Exception as error:
        log.error("channel_erasure.failed", run=run.pk, trace=frames(error))
        reports.capture(error)
        return False
    return True
