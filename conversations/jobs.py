"""Background jobs of the conversations: thin doors to the flow modules."""

from conversations import delivery, ingest, media
from omnistra.core.jobs import periodic_job


@periodic_job("conversations.drain")
def drain() -> int:
    """Journal to messages. Several may run at once: SKIP LOCKED shares the work out."""
    return ingest.drain()


@periodic_job("conversations.deliver")
def deliver() -> int:
    """Send what is due."""
    return delivery.deliver()


@periodic_job("conversations.fetch_media")
def fetch_media() -> int:
    """Fetch the files that wait at the platforms."""
    total = 0
    while tried := media.fetch_due():
        total += tried
    return total
