"""The policy engine: may this go out now, by whom, and if not, why and what next (policy clauses 3f, 4b, 4c, 5c).

`engine` decides, for pages, API, schedules and the outbox alike; `words` says why not; `lessons` notes what a platform's
refusal taught.
"""

from conversations.policy.engine import (
    FREE,
    HUMAN_AGENT,
    Facts,
    Outgoing,
    Verdict,
    decide,
    facts_about,
    look_up,
    outgoing,
    verdict,
    why_not,
)
from conversations.policy.lessons import error_of, from_statuses, held_back, learn, next_step
from conversations.policy.words import Refused, refused

__all__ = [
    "FREE",
    "HUMAN_AGENT",
    "Facts",
    "Outgoing",
    "Refused",
    "Verdict",
    "decide",
    "error_of",
    "facts_about",
    "from_statuses",
    "held_back",
    "learn",
    "look_up",
    "next_step",
    "outgoing",
    "refused",
    "verdict",
    "why_not",
]
