"""How often something was tried lately: Tally."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.utils import timezone

from accounts.models.people import User
from omnistra.core.sealing import installation_hash

_CLAIM = """
INSERT INTO accounts_tally AS t (id, times, expires_at, untold) VALUES (%(id)s, ARRAY[%(now)s], %(end)s, false)
ON CONFLICT (id) DO UPDATE SET
    times = ARRAY(SELECT at FROM unnest(t.times) at WHERE at > %(edge)s) || EXCLUDED.times,
    expires_at = EXCLUDED.expires_at
WHERE (SELECT count(*) FROM unnest(t.times) at WHERE at > %(edge)s) < %(amount)s
RETURNING id
"""
_GIVE_BACK = "UPDATE accounts_tally SET times = array_remove(times, %s) WHERE id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` within any `seconds`, for each thing that is counted."""

    name: str
    amount: int
    seconds: int

    def place(self, *what: str) -> "Place":
        """Where one thing is counted: under a keyed hash, so that the table names no address and no e-mail."""
        return Place(self, UUID(bytes=installation_hash(f"limit:{self.name}", "\n".join(what).encode())))

    def edge(self, now: datetime) -> datetime:
        """What happened up to then no longer counts."""
        return now - timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Place:
    """One thing's tally under one limit."""

    limit: Limit
    tally_id: UUID


class Tally(models.Model):
    """When something happened lately: a try at a password, a mail to an address. Forgotten when it no longer counts.

    In the database, because sign-in needs it anyway: there is no moment at which one can sign in and is not counted,
    which a cache that comes and goes cannot promise (docs/adr/0010).
    """

    id = models.UUIDField(primary_key=True, editable=False)
    times = ArrayField(models.DateTimeField())
    expires_at = models.DateTimeField(db_index=True)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")  # whose password was tried
    untold = models.BooleanField(default=False)  # the audit log does not know of the last tries yet

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [
            models.Index(fields=["user"], name="accounts_tally_untold", condition=models.Q(untold=True)),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def is_full(cls, places: Iterable["Place"], now: datetime) -> bool:
        """Whether one of them has reached its limit. Reads only, so that what is refused costs next to nothing."""
        limits = {place.tally_id: place.limit for place in places}
        return any(
            sum(at > limits[row.pk].edge(now) for at in row.times) >= limits[row.pk].amount
            for row in cls.objects.filter(pk__in=limits)
        )

    @classmethod
    def claim(cls, place: "Place", now: datetime) -> bool:
        """Count one more, in one statement, so that no two requests get the same place. False: the limit is reached."""
        values = {
            "id": place.tally_id, "now": now, "end": now + timedelta(seconds=place.limit.seconds),
            "edge": place.limit.edge(now), "amount": place.limit.amount,
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, values)
            return cursor.fetchone() is not None

    @classmethod
    def give_back(cls, places: Iterable["Place"], now: datetime) -> None:
        """What was claimed with the same `now` was no offence after all."""
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_BACK, (now, [place.tally_id for place in places]))

    @classmethod
    def failed(cls, place: "Place", user_id: UUID | None) -> None:
        """A claimed try failed: the audit log is to be told, where it is known whose password it was."""
        cls.objects.filter(pk=place.tally_id).update(user_id=user_id, untold=user_id is not None)

    @classmethod
    def clear(cls, place: "Place") -> None:
        """Nothing has happened; what the audit log is still to be told stays."""
        cls.objects.filter(pk=place.tally_id).update(times=[])

    @classmethod
    def forget_expired(cls) -> int:
        """Delete what no longer counts. Gives how many there were."""
        return int(cls.objects.filter(untold=False, expires_at__lte=timezone.now()).delete()[0])

    @classmethod
    def untold_people(cls) -> list[UUID]:
        """Whose passwords were tried and failed since the audit log was told."""
        return list(cls.objects.filter(untold=True).order_by("user_id").values_list("user_id", flat=True).distinct())

    @classmethod
    def told(cls, user_id: UUID) -> bool:
        """Now it is told, in this transaction. False: somebody else did that meanwhile."""
        return bool(cls.objects.filter(user_id=user_id, untold=True).update(untold=False))
