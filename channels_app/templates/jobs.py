"""Background jobs of templates."""

from uuid import UUID

from django.db import transaction

from channels_app.models import Channel
from channels_app.templates import keeping
from omnistra.core.jobs import periodic_job, workspace_job
from omnistra.core.logs import get_logger
from omnistra.core.tenancy import system_scope

log = get_logger(__name__)


@workspace_job("channels.fetch_templates")
def fetch_templates(channel_id: UUID) -> int:
    """Take over what the platform has of a channel's templates."""
    with transaction.atomic():
        channel = Channel.objects.filter(pk=channel_id).first()
    if channel is None:
        return 0
    try:
        return keeping.fetch(channel)
    except keeping.NotDone as refused:
        log.warning("templates.not_fetched", channel=channel_id, reason=refused.code)
        return 0


@periodic_job("channels.fetch_all_templates", exclusive_seconds=600)
def fetch_all_templates() -> int:
    """Once a day: what no webhook told."""
    with transaction.atomic(), system_scope("channels.fetch_all_templates"):
        accounts = keeping.accounts()
    for workspace_id, channel_id in accounts:
        fetch_templates.enqueue(workspace_id, channel_id)
    return len(accounts)
