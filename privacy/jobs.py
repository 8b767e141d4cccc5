"""Background jobs of retention and closing."""

from uuid import UUID

from django.db import transaction

from accounts.models import Workspace
from omnistra.core.jobs import periodic_job, workspace_job
from omnistra.core.tenancy import current_workspace_id
from privacy import channel_erasure, closure, closure_mails, data_requests, retention
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


@workspace_job("privacy.tell_of_closing")
def tell_of_closing(member_id: UUID) -> int:
    """Mail the owners that a member began to close the workspace, or undid it: as it stands when the mail is written."""
    with transaction.atomic():
        due = Workspace.objects.get(pk=current_workspace_id()).closing_at
    template = "workspace_closing" if due else "workspace_kept"
    return closure_mails.tell_owners(current_workspace_id(), template, by=member_id, due=due)


@periodic_job("privacy.announce_endings", exclusive_seconds=600)
def announce_endings() -> int:
    """Say three days before that something will be erased."""
    return closure_mails.announce_endings()


@periodic_job("privacy.erase_channels", exclusive_seconds=3600)
def erase_channels() -> int:
    """Erase what was held of channels that were disconnected with everything."""
    return channel_erasure.run_due()


@periodic_job("privacy.forget_requests", exclusive_seconds=600)
def forget_requests() -> int:
    """Delete the records of data requests whose time is over."""
    return data_requests.forget_old()
