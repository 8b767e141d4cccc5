"""Bad weather on demand: what goes wrong between Meta and the product, once, N times, always or by chance.

A fault belongs to a phone number id, a token or everything (`*`). Chance is drawn from its own seed and
counter, so a run can be repeated exactly."""

import json
import random
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from . import world

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: the calls it strikes, the Graph error it answers with, its parameters, its words."""

    label: str
    strikes: str  # "send", "template" (a send of one), "call" (any Graph call), "media", "webhook" or "status"
    code: int = 0
    params: tuple[tuple[str, float], ...] = ()
    page: tuple[int, int] | None = None  # code and subcode at Messenger, and at Instagram where the next is not given
    instagram: tuple[int, int] | None = None
    whatsapp: bool = True  # whether it can strike there

    def at(self, app: str) -> tuple[int, int] | None:
        """The code and subcode with which it strikes at Messenger or Instagram."""
        return (self.instagram or self.page) if app == "instagram" else self.page

    def apps(self) -> list[str]:
        """Where it can strike."""
        both = bool(self.page or not self.code) and self.strikes != "template"
        return [*(["whatsapp"] if self.whatsapp else []), *(["messenger", "instagram"] if both else [])]


KINDS: dict[str, Kind] = {
    "rate_limit": Kind("Rate limit", "send", 130429, page=(613, 0)),
    "pair_rate": Kind("Too many to one person (131056)", "send", 131056),
    "window_closed": Kind("24-hour window closed", "send", 131047, page=(10, 2018278), instagram=(10, 2534022)),
    "token_revoked": Kind("Token revoked (190)", "call", 190, page=(190, 460)),
    "temporary": Kind("Something went wrong (HTTP 500)", "send", 131000, page=(1, 0)),
    "unavailable": Kind("Service unavailable (HTTP 503)", "send", 2, page=(2, 0)),
    "locked": Kind("Account locked", "send", 131031, page=(368, 0)),
    "payment": Kind("Payment problem (131042)", "send", 131042),
    "spam": Kind("Spam limit (131048)", "send", 131048),
    "template_paused": Kind("Template paused (132015)", "template", 132015),
    "template_missing": Kind("Template gone (132001)", "template", 132001),
    "held": Kind("Template held back, then dropped (132015)", "template"),
    "other_app": Kind(
        "Another app holds the thread", "send", page=(100, 2018300), instagram=(100, 2534037), whatsapp=False
    ),
    "restricted": Kind("Page restricted (10/1893063)", "send", page=(10, 1893063), whatsapp=False),
    "error": Kind("Another error code", "send", 131042, (("code", 131042), ("subcode", 0)), page=(100, 0)),
    "undeliverable": Kind("The person can't be reached", "send", 0, (("code", 131026),)),
    "too_often": Kind("Accepted, then too much marketing (131049)", "template"),
    "opted_out": Kind("Accepted, then marketing stopped (131050)", "template"),
    "slow": Kind("Slow answers", "call", 0, (("seconds", 3.0),)),
    "cut_before_read": Kind("Cut off before reading", "send"),
    "cut_after_accept": Kind("Cut off after accepting", "send"),
    "media_404": Kind("Media not found", "media"),
    "media_wrong_hash": Kind("Media arrives damaged", "media"),
    "media_slow": Kind("Slow media", "media", 0, (("seconds", 5.0),)),
    "duplicate_webhooks": Kind("Every webhook several times", "webhook", 0, (("times", 3),)),
    "shuffled_statuses": Kind("Statuses in reverse order", "status", 0, (("seconds", 1.5),)),
    "late_statuses": Kind("Late statuses", "status", 0, (("seconds", 8.0),)),
}
LATER = {"held": 132015, "too_often": 131049, "opted_out": 131050}  # accepted, and failed with this code a moment later
LASTING = frozenset({"slow", "media_slow", "undeliverable", *LATER})  # go together with another fault on the same call


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault that takes effect now."""

    kind: str
    params: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.params[name]


def add(
    kind: str,
    *,
    scope: str = EVERYTHING,
    times: int | None = None,
    probability: float = 1.0,
    seed: int = 0,
    **params: float,
) -> int:
    """Start a fault; `times` None lasts until it is taken away. Gives its id; ValueError for what makes no
    sense."""
    if kind not in KINDS:
        raise ValueError(f"There is no fault {kind}. There are: {', '.join(KINDS)}.")
    wanted = dict(KINDS[kind].params)
    if foreign := set(params) - set(wanted):
        raise ValueError(f"{kind} has no parameter {', '.join(sorted(foreign))}.")
    if not 0 <= probability <= 1 or (times is not None and times < 1):
        raise ValueError("probability lies between 0 and 1, times is 1 or more.")
    with world.write() as db:
        made = db.execute(
            "INSERT INTO faults (kind, scope, remaining, probability, seed, params) VALUES (?, ?, ?, ?, ?, ?)",
            (kind, scope, times, probability, seed, json.dumps(wanted | params)),
        )
    return int(made.lastrowid or 0)


def remove(fault_id: int | None = None) -> None:
    """Take one fault away, or all."""
    with world.write() as db:
        db.execute("DELETE FROM faults WHERE ? IS NULL OR id = ?", (fault_id, fault_id))


def listed() -> list[dict[str, Any]]:
    """Every fault that may still strike."""
    found = world.rows("SELECT * FROM faults WHERE remaining IS NULL OR remaining > 0 ORDER BY id")
    return [{**dict(each), "params": json.loads(each["params"]), "label": KINDS[each["kind"]].label} for each in found]


def strike(strikes: Collection[str], *scopes: str) -> list[Strike]:
    """The faults that take effect on something that happens now within `scopes`: any number of lasting ones
    and at most one other. Those are counted down."""
    kinds = {name for name, kind in KINDS.items() if kind.strikes in strikes}
    if not any(each["kind"] in kinds for each in _armed(scopes)):
        return []
    struck: list[Strike] = []
    with world.write() as db:
        for each in _armed(scopes):
            if each["kind"] not in kinds or (each["kind"] not in LASTING and _decided(struck)):
                continue
            chance = random.Random(f"{each['seed']}:{each['drawn']}").random()  # noqa: S311 - weather, not a secret
            hit = chance < each["probability"]
            db.execute(
                "UPDATE faults SET drawn = drawn + 1, applied = applied + ?, remaining = remaining - ? WHERE id = ?",
                (int(hit), int(hit), each["id"]),
            )
            if hit:
                struck.append(Strike(each["kind"], json.loads(each["params"])))
    return struck


def _armed(scopes: Collection[str]) -> list[sqlite3.Row]:
    found = world.rows("SELECT * FROM faults WHERE remaining IS NULL OR remaining > 0 ORDER BY id")
    return [each for each in found if each["scope"] in (EVERYTHING, *scopes)]


def _decided(struck: list[Strike]) -> bool:
    return any(each.kind not in LASTING for each in struck)
