"""Acknowledgements while a purge runs: the same rate that counts as 80 % of the maximum on a machine without one."""

import threading
from datetime import timedelta
from pathlib import Path

from django.db import connections, transaction
from django.utils import timezone

from omnistra.core.tenancy import workspace_scope
from privacy import retention
from privacy.models import RetentionPolicy
from tests.bench import crowd, stage, webhooks
from tests.bench.figures import Figure

CONVERSATIONS, EACH = 4_000, 25
SECONDS = 5.0


def run(folder: Path) -> list[Figure]:
    """The figure."""
    _, row, _ = stage.open_workspace("busy")
    channel = (row.external_id, row.account_id)
    workspace, old, _ = stage.open_workspace("purged")
    crowd.settle(workspace.pk, old, CONVERSATIONS, EACH, timezone.now() - timedelta(days=40), timedelta(days=30))
    with workspace_scope(workspace.pk), transaction.atomic():
        RetentionPolicy.objects.create(conversation_days=30)
    stage.settle_tables()
    with webhooks.serving("omnistra.asgi:application", folder) as port:
        webhooks.drive(port, channel, "warm", seconds=1)
        best = webhooks.drive(port, channel, "best", seconds=SECONDS)["rate"]
        quiet = webhooks.drive(port, channel, "quiet", rate=0.8 * best, seconds=SECONDS)
        purge = threading.Thread(target=_purge, args=(workspace.pk,))
        purge.start()
        busy = webhooks.drive(port, channel, "busy", rate=0.8 * best, seconds=SECONDS)
        lasted = purge.is_alive()
        purge.join()
    if not lasted:
        raise RuntimeError("The purge was over before the load was: nothing was measured. Take more conversations.")
    return [
        Figure(
            "webhook p99 at 80 % while a purge runs", busy["p99"], "ms", most=250,
            beside=f"{busy['rate']:,.0f} requests/s, p50 {busy['p50']:.1f} ms; without: {quiet['p99']:.0f} ms",
        )
    ]  # fmt: skip


def _purge(workspace_id) -> None:
    try:
        retention.purge(workspace_id, "command")
    finally:
        connections.close_all()
