"""Background jobs of the conversations: thin doors to the flow modules."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations import delivery, ingest, media, profiles, reading, scheduled
from conversations.campaigns import running as campaigns
from conversations.models import EarlyUpdate, Tombstone
from omnistra.core.jobs import periodic_job, workspace_job
from omnistra.core.tenancy import system_scope


@periodic_job("conversations.drain")
def drain() -> int:
    """Journal to messages. Several may run at once: SKIP LOCKED shares the work out."""
    return ingest.drain()


@periodic_job("conversations.deliver")
def deliver() -> int:
    """Send what is due."""
    return delivery.deliver()


@periodic_job("conversations.run_campaigns")
def run_campaigns() -> int:
    """Count drafts, begin what is due, and keep the outbox fed a second ahead. Several may run at once: the campaigns'
    rows are locked while one feeds."""
    return campaigns.run()


@periodic_job("conversations.fetch_media")
def fetch_media() -> int:
    """Fetch the files that wait at the platforms."""
    total = 0
    while tried := media.fetch_due():
        total += tried
    return total


@periodic_job("conversations.forget", exclusive_seconds=600)
def forget() -> int:
    """Tombstones, and what waited for messages that never came, have their time (META_DEDUP_DAYS, statuses.HOLD)."""
    with transaction.atomic(), system_scope("conversations.forget"):
        return sum(
            model.objects.filter(expires_at__lte=timezone.now()).delete()[0] for model in (EarlyUpdate, Tombstone)
        )


@periodic_job("conversations.ask_names", exclusive_seconds=300)
def ask_names() -> int:
    """Ask the platforms for the names of people who wrote for the first time."""
    return profiles.ask_due()


@periodic_job("conversations.release_scheduled")
def release_scheduled() -> int:
    """Hand over the scheduled messages that are due."""
    total = 0
    while released := scheduled.release_due():
        total += released
    return total


@workspace_job("conversations.tell_read")
def tell_read(conversation_id: UUID) -> None:
    """The person may see that we read."""
    reading.tell(conversation_id, is_typing=False)


@workspace_job("conversations.tell_typing")
def tell_typing(conversation_id: UUID) -> None:
    """The person may see that we write."""
    reading.tell(conversation_id, is_typing=True)
