"""Background jobs of retention."""

from omnistra.core.jobs import periodic_job, workspace_job
from omnistra.core.tenancy import current_workspace_id
from privacy import closure, retention
from privacy.models import PurgeRun


@periodic_job("privacy.purge", exclusive_seconds=3600)
def purge() -> int:
    """The hourly purge of every workspace."""
    return retention.purge_all(PurgeRun.Trigger.SCHEDULE)


@workspace_job("privacy.purge_workspace")
def purge_workspace() -> int:
    """A purge that a member started."""
    run = retention.purge(current_workspace_id(), PurgeRun.Trigger.MEMBER)
    return sum(run.counts.values()) if run else 0


@periodic_job("privacy.remove_files")
def remove_files() -> int:
    """What an interrupted run left to remove."""
    return retention.remove_all_files()


@periodic_job("privacy.erase_closed", exclusive_seconds=3600)
def erase_closed() -> int:
    """Erase the workspaces and people whose fourteen days are over."""
    return closure.erase_due()
