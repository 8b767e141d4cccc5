"""What a retention pass selects: for each rule and channel the time before which things go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

RULES = ("conversation", "message", "media")


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Per rule the time before which it deletes; None keeps."""

    conversation: datetime | None = None
    message: datetime | None = None
    media: datetime | None = None

    def of(self, *rules: str) -> datetime | None:
        """The latest of these rules' times: the strictest one."""
        times = [time for rule in rules if (time := getattr(self, rule)) is not None]
        return max(times) if times else None


@dataclass(frozen=True, slots=True)
class Selection:
    """The workspace's cutoffs and those of the channels that differ."""

    default: Cutoffs = field(default_factory=Cutoffs)
    channels: Mapping[UUID, Cutoffs] = field(default_factory=dict)

    def before(self, time_field: str, *rules: str, channel_field: str = "channel_id") -> Q | None:
        """The condition "older than these rules allow"; None when they delete nothing anywhere."""
        condition: Q | None = None
        for channel_id, cutoffs in self.channels.items():
            if (time := cutoffs.of(*rules)) is not None:
                part = Q(**{channel_field: channel_id, f"{time_field}__lt": time})
                condition = part if condition is None else condition | part
        if (time := self.default.of(*rules)) is not None:
            part = Q(**{f"{time_field}__lt": time})
            if self.channels:
                part &= ~Q(**{f"{channel_field}__in": list(self.channels)})
            condition = part if condition is None else condition | part
        return condition

    @property
    def is_empty(self) -> bool:
        """Nothing is ever deleted."""
        return all(cutoffs.of(*RULES) is None for cutoffs in (self.default, *self.channels.values()))

    def as_json(self) -> dict[str, str]:
        """The cutoffs for the record of a run: `rule` or `channel id:rule` -> time (ISO 8601)."""
        named = {"": self.default, **{f"{channel}:": cutoffs for channel, cutoffs in self.channels.items()}}
        return {
            f"{prefix}{rule}": time.isoformat()
            for prefix, cutoffs in named.items()
            for rule in RULES
            if (time := getattr(cutoffs, rule)) is not None
        }
