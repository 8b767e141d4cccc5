"""Retention: a workspace's settings, what they select now, and the purge (policy clause 10b)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from omnistra.core import reports
from omnistra.core.logs import frames, get_logger
from omnistra.core.tenancy import current_workspace_id, system_scope, workspace_scope
from privacy import erasure
from privacy.models import FileRemoval, PurgeRun, RetentionPolicy
from privacy.selection import RULES, Cutoffs, Selection

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Days:
    """How many days each class is kept; None keeps until asked."""

    conversation: int | None = None
    message: int | None = None
    media: int | None = None

    def cutoffs(self, now: datetime) -> Cutoffs:
        """The times before which things go."""
        return Cutoffs(
            **{rule: now - timedelta(days=days) for rule in RULES if (days := getattr(self, rule)) is not None}
        )


def _days(policy: RetentionPolicy) -> Days:
    return Days(policy.conversation_days, policy.message_days, policy.media_days)


@dataclass(frozen=True, slots=True)
class Settings:
    """A workspace's retention: the rule for all, and the rules of channels that differ."""

    default: Days
    channels: dict[UUID, Days]

    def selection(self, now: datetime | None = None) -> Selection:
        """What these settings select at `now`."""
        now = now or timezone.now()
        return Selection(
            self.default.cutoffs(now), {channel: days.cutoffs(now) for channel, days in self.channels.items()}
        )

    def of_channel(self, channel_id: UUID) -> Days:
        """The rule that holds for a channel."""
        return self.channels.get(channel_id, self.default)

    def kept_until(self, channel_id: UUID, last_message_at: datetime) -> datetime | None:
        """When a conversation goes, if nothing more is written; None when it is kept until asked."""
        days = self.of_channel(channel_id)
        limits = [limit for limit in (days.conversation, days.message) if limit is not None]
        return last_message_at + timedelta(days=min(limits)) if limits else None


def current() -> Settings:
    """The settings of the workspace in force."""
    rows = list(RetentionPolicy.objects.all())
    default = next((_days(row) for row in rows if row.channel_id is None), Days())
    return Settings(default, {row.channel_id: _days(row) for row in rows if row.channel_id is not None})


def change(settings: Settings, by: Actor) -> None:
    """Replace the workspace's settings. In its scope and a transaction."""
    wanted: dict[UUID | None, Days] = {None: settings.default} | dict(settings.channels)
    RetentionPolicy.objects.exclude(channel_id__in=[key for key in wanted if key]).filter(
        channel_id__isnull=False
    ).delete()
    for channel_id, days in wanted.items():
        policy, _ = RetentionPolicy.objects.update_or_create(
            channel_id=channel_id,
            defaults={
                "conversation_days": days.conversation,
                "message_days": days.message,
                "media_days": days.media,
            },
        )
        audit.record("retention.changed", by, policy.pk, [f"{rule}_days" for rule in RULES])


def preview(settings: Settings) -> dict[str, int]:
    """What a purge would delete now under these settings, per class: on every channel, whatever the asker sees."""
    with workspace_scope(current_workspace_id()):
        return erasure.preview(settings.selection())


def purge(workspace_id: UUID, trigger: str) -> PurgeRun | None:
    """One purge pass over a workspace; None when its settings delete nothing. A run that was killed is taken up."""
    with workspace_scope(workspace_id):
        with transaction.atomic():
            selection = current().selection()
            if selection.is_empty:
                _under_way().update(finished_at=timezone.now())
                return None
            run = begin(trigger, selection)
        return erasure.erase(workspace_id, selection, run)


def _under_way() -> QuerySet[PurgeRun]:
    """Runs of retention that are not at their end; a closing and a channel's erasure go by selections of their own."""
    others = (PurgeRun.Trigger.CLOSURE, PurgeRun.Trigger.CHANNEL)
    return PurgeRun.objects.filter(finished_at__isnull=True).exclude(trigger__in=others)  # type: ignore[no-any-return]


def begin(trigger: str, selection: Selection) -> PurgeRun:
    """The run that is under way, or a new one. In a workspace scope and a transaction: a page that starts a purge
    shows its run at once and follows it."""
    run = _under_way().order_by("started_at").first()
    return run or PurgeRun.objects.create(trigger=trigger, cutoffs=selection.as_json())


def purge_all(trigger: str) -> int:
    """One purge pass over every workspace that has a rule; gives how many runs there were."""
    with transaction.atomic(), system_scope("privacy.purge"):
        workspaces = list(RetentionPolicy.objects.values_list("workspace_id", flat=True).distinct())
    return sum(1 for workspace_id in workspaces if _purged(workspace_id, trigger))


def _purged(workspace_id: UUID, trigger: str) -> bool:
    """One workspace's pass; its trouble holds up no other workspace's promise."""
    try:
        return purge(workspace_id, trigger) is not None
    except OperationalError:
        raise
    except Exception as error:
        log.error("purge.failed", workspace=workspace_id, trace=frames(error))
        reports.capture(error)
        return False


def remove_all_files() -> int:
    """Remove what interrupted runs left named for removal; gives how many files."""
    with transaction.atomic(), system_scope("privacy.remove_files"):
        due = FileRemoval.objects.filter(due_at__lte=timezone.now())
        workspaces = list(due.values_list("workspace_id", flat=True).distinct())
    removed = 0
    for workspace_id in workspaces:
        with workspace_scope(workspace_id):
            removed += erasure.remove_files()
    return removed
