"""The installation's figures in Prometheus' text format: what waits, since when, and what went wrong.

Sums over all workspaces, never a workspace's name or anything of a person. Every query follows an index that holds the
waiting rows only, or the last hour's; none grows with what an installation has done so far.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Min
from django.utils import timezone

from channels_app.models import RawEvent
from conversations.models import Attachment, Delivery
from omnistra.core.ids import uuid7_at
from omnistra.core.tenancy import system_scope
from privacy.models import FileRemoval

Series = tuple[str, str, Sequence[tuple[str, float]]]  # name, help, (labels, value)s
_LIVE = (Delivery.State.QUEUED, Delivery.State.SENDING)
# Since when the workspace that waits longest has had no complete pass of its rule (policy clause 10b: 24 hours at most).
_PURGE = """
SELECT min(coalesce(run.started_at, rule.since)) FROM (
    SELECT workspace_id, min(updated_at) AS since FROM privacy_retentionpolicy
    WHERE coalesce(conversation_days, message_days, media_days) IS NOT NULL GROUP BY workspace_id
) rule LEFT JOIN LATERAL (
    SELECT started_at FROM privacy_purgerun r
    WHERE r.workspace_id = rule.workspace_id AND r.finished_at IS NOT NULL ORDER BY started_at DESC LIMIT 1
) run ON true
"""


def text() -> str:
    """All figures, as they are now. Raises django.db.Error where the database is away."""
    with transaction.atomic(), system_scope("metrics"):
        lines = [line for series in _series(timezone.now()) for line in _lines(*series)]
    return "\n".join(lines) + "\n"


def _lines(name: str, words: str, values: Sequence[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP omnistra_{name} {words}"
    yield f"# TYPE omnistra_{name} gauge"
    for labels, value in values:
        yield f"omnistra_{name}{labels} {value:.15g}"


def _series(now: datetime) -> Iterator[Series]:
    new = RawEvent.objects.filter(state=RawEvent.State.NEW)
    oldest = new.order_by("id").values_list("received_at", flat=True).first()
    yield "journal_waiting", "Raw events that are not yet worked off.", [("", new.count())]
    yield "journal_oldest_seconds", "Age of the oldest of them.", [("", _age(now, oldest))]
    aside = RawEvent.objects.filter(state=RawEvent.State.ASIDE).count()
    yield "journal_set_aside", "Raw events set aside with a reason, of the last seven days.", [("", aside)]

    live = Delivery.objects.filter(state__in=_LIVE)
    yield "deliveries_waiting", "Deliveries that are queued or being sent.", _by_state(live, _LIVE)
    first = live.filter(state=Delivery.State.QUEUED).aggregate(at=Min("created_at"))["at"]
    yield "delivery_oldest_queued_seconds", "Age of the oldest queued delivery.", [("", _age(now, first))]
    recent = Delivery.objects.filter(pk__gte=uuid7_at(now - timedelta(hours=1)))
    yield (
        "deliveries_of_last_hour",
        "Deliveries made in the last hour, by state.",
        _by_state(recent, list(Delivery.State)),
    )

    waiting = [Attachment.State.PENDING, Attachment.State.FETCHING]
    media = Attachment.objects.filter(state__in=waiting, next_attempt_at__lte=now)
    yield "media_due", "Files whose fetching is due.", [("", media.count())]

    with connection.cursor() as cursor:
        cursor.execute(_PURGE)
        since = cursor.fetchone()[0]
    yield (
        "purge_lag_seconds",
        "Time since the last complete purge of the workspace that waits longest.",
        [("", _age(now, since))],
    )
    files = FileRemoval.objects.filter(due_at__lte=now).count()
    yield "files_to_remove", "Files that are to be removed from the storage.", [("", files)]


def _by_state(rows: object, states: Sequence[Delivery.State]) -> list[tuple[str, float]]:
    counts = dict(rows.values_list("state").annotate(Count("pk")))  # type: ignore[attr-defined]
    return [(f'{{state="{state.value}"}}', counts.get(state.value, 0)) for state in states]


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, round((now - since).total_seconds(), 3)) if since else 0.0
