"""Background jobs of the channels."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from channels_app import health, notices, platform_requests, stops
from channels_app.login import flows
from channels_app.models import RawEvent
from omnistra.core import keyring
from omnistra.core.jobs import periodic_job, workspace_job
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


@workspace_job("channels.tell_of_stop")
def tell_of_stop(channel_id: object) -> int:
    """Tell the owners that a channel came to a standstill."""
    return stops.tell_owners(channel_id)


@periodic_job("channels.check_health", exclusive_seconds=600)
def check_health() -> int:
    """Look at the channels whose time has come: daily at everything, more often at what a platform may end by itself."""
    return health.check_due()


@periodic_job("channels.tell_notices", exclusive_seconds=600)
def tell_notices() -> int:
    """Mail what the people of a channel have to know."""
    return notices.tell()


@periodic_job("channels.carry_out_requests", exclusive_seconds=600)
def carry_out_requests() -> int:
    """End what rests on the login of people who deleted their data at a platform, or took their access back there."""
    return platform_requests.carry_out()


@periodic_job("channels.forget_logins", exclusive_seconds=600)
def forget_logins() -> int:
    """Delete logins that were not ended, and notices that ended long ago."""
    return flows.forget_old() + notices.forget_old()
