"""Background jobs of the channels."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from channels_app.models import RawEvent
from omnistra.core import keyring
from omnistra.core.jobs import periodic_job
from omnistra.core.tenancy import system_scope

KEEP_RAW_DAYS = 7


@periodic_job("channels.forget_raw_events", exclusive_seconds=600)
def forget_raw_events() -> int:
    """Raw events live seven days at most (policy clause 4a): rows go, and with their day's key every copy of them."""
    edge = datetime.now(UTC) - timedelta(days=KEEP_RAW_DAYS)
    with transaction.atomic(), system_scope("channels.forget_raw_events"):
        deleted, _ = RawEvent.objects.filter(received_at__lt=edge).delete()
    keyring.destroy_ingress_keys_before(edge.date())
    return deleted
