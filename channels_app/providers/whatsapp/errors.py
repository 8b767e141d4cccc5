"""Meta's error codes: what each means in the agent's words, and what the outbox does with it (providers/whatsapp.md 15).

One table. A code that it does not know is tried once more later; then Meta's own words are shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from channels_app.contract import (
    ChannelStopped,
    CredentialsRefused,
    Permanent,
    PolicyRefused,
    ProviderError,
    Retryable,
)


class Kind(StrEnum):
    """What is done about a code."""

    RETRY = "retry"  # a disturbance: again, with back-off
    WAIT = "wait"  # once more, after `after`
    PAIR = "pair"  # this person only: 4^n seconds
    SLOW = "slow"  # the number waits
    SLOW_ACCOUNT = "slow_account"  # every number of the account waits
    PERMANENT = "permanent"
    POLICY = "policy"  # `reason` is one of PolicyRefused's
    CREDENTIALS = "credentials"
    STOPPED = "stopped"  # `reason` is one of channels_app.stops


@dataclass(frozen=True, slots=True)
class Rule:
    """One code's class and words."""

    kind: Kind
    words: str
    reason: str = ""
    after: timedelta = timedelta()


_TOKEN = "The access token is not valid any more."  # noqa: S105  (words, no secret)
_RIGHTS = "The access token lacks rights on this number."
_DISTURBANCE = "WhatsApp has a disturbance."
_FORM = "WhatsApp did not accept the message's form."
_GROUPS = "WhatsApp did not take this: it concerns groups, which are not used here."
_CALLS = "WhatsApp did not take this: it concerns calls, which are not used here."
_FLOWS = "WhatsApp did not take this: it concerns the set-up of a flow. See WhatsApp Manager."
_REGISTER = "The number's registration with WhatsApp is not in order. See WhatsApp Manager."
_MIGRATION = "WhatsApp did not take the template or the move of a number. See WhatsApp Manager."
_BLOCK_LIST = "WhatsApp's list of blocked people could not be changed."
_MARKETING_API = "WhatsApp did not take this marketing message."
_SYNC = "The phone's history is not handed over again."
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

TABLE: dict[int, Rule] = {
    0: Rule(Kind.CREDENTIALS, _TOKEN),
    190: Rule(Kind.CREDENTIALS, _TOKEN),
    3: Rule(Kind.CREDENTIALS, _RIGHTS),
    10: Rule(Kind.CREDENTIALS, _RIGHTS),
    131005: Rule(Kind.CREDENTIALS, _RIGHTS),
    1: Rule(Kind.WAIT, "WhatsApp did not take this message.", after=timedelta(seconds=10)),
    2: Rule(Kind.RETRY, _DISTURBANCE),
    131000: Rule(Kind.RETRY, _DISTURBANCE),
    131016: Rule(Kind.RETRY, _DISTURBANCE),
    133004: Rule(Kind.RETRY, _DISTURBANCE),
    131057: Rule(Kind.RETRY, "WhatsApp is upgrading this number.", after=timedelta(seconds=30)),
    2494100: Rule(Kind.RETRY, "WhatsApp is upgrading this number.", after=timedelta(seconds=30)),
    4: Rule(Kind.SLOW_ACCOUNT, "More was asked of WhatsApp than it allows.", after=timedelta(seconds=30)),
    80007: Rule(Kind.SLOW_ACCOUNT, "More was asked of this WhatsApp account than Meta allows.", after=timedelta(minutes=1)),
    130429: Rule(Kind.SLOW, "The number sends faster than WhatsApp allows.", after=timedelta(seconds=5)),
    131056: Rule(Kind.PAIR, "Too many messages to this person in a short time."),
    131064: Rule(Kind.WAIT, "The number reached its daily limit.", after=_DAY),
    133016: Rule(Kind.WAIT, "The number was registered too often. It has to wait.", after=timedelta(hours=72)),
    131053: Rule(Kind.WAIT, "WhatsApp refused the file.", after=timedelta(seconds=10)),
    132015: Rule(Kind.WAIT, "Meta paused this template.", after=3 * _HOUR),
    132069: Rule(Kind.WAIT, "Meta slows this flow down.", after=_HOUR),
    133008: Rule(Kind.WAIT, "The PIN of the number was wrong too often.", after=_DAY),
    133009: Rule(Kind.WAIT, "The PIN of the number was entered too fast.", after=timedelta(minutes=5)),
    133015: Rule(Kind.WAIT, "The number was deleted a moment ago.", after=timedelta(minutes=5)),
    134100: Rule(Kind.WAIT, "The template is not ready yet.", after=timedelta(minutes=10)),
    134101: Rule(Kind.WAIT, "The template is not ready yet.", after=timedelta(minutes=10)),
    134102: Rule(Kind.WAIT, "The template is not ready yet.", after=timedelta(minutes=10)),
    **dict.fromkeys(range(139100, 139104), Rule(Kind.WAIT, _BLOCK_LIST, after=timedelta(minutes=1))),
    131026: Rule(Kind.POLICY, "WhatsApp could not deliver this to the number.", "not_reachable"),
    131047: Rule(Kind.POLICY, "The 24-hour window is closed.", "window_closed"),
    131049: Rule(Kind.POLICY, "Meta held this message back: this person got much marketing lately.", "too_often"),
    131050: Rule(Kind.POLICY, "This person no longer wants marketing messages from you.", "opted_out"),
    137000: Rule(Kind.POLICY, "Another person may hold this number now.", "identity_changed"),
    131048: Rule(Kind.STOPPED, "Meta limits this number because messages were reported as spam.", "spam_limit"),
    33: Rule(Kind.STOPPED, "The number no longer exists at Meta.", "number_gone"),
    368: Rule(Kind.STOPPED, "Meta restricted this WhatsApp account.", "restricted"),
    131031: Rule(Kind.STOPPED, "Meta locked this WhatsApp account.", "restricted"),
    131037: Rule(Kind.STOPPED, "Meta has not approved the number's display name.", "name_not_approved"),
    131042: Rule(Kind.STOPPED, "Meta asks for a payment method on your WhatsApp account.", "unpaid"),
    131045: Rule(Kind.STOPPED, "The number is not registered with WhatsApp.", "not_registered"),
    133010: Rule(Kind.STOPPED, "The number is not registered with WhatsApp.", "not_registered"),
    100: Rule(Kind.PERMANENT, _FORM),
    131008: Rule(Kind.PERMANENT, _FORM),
    131009: Rule(Kind.PERMANENT, _FORM),
    135000: Rule(Kind.PERMANENT, _FORM),
    130472: Rule(Kind.PERMANENT, "Meta did not deliver this because of an experiment it runs."),
    130497: Rule(Kind.PERMANENT, "WhatsApp does not allow messages to this country from your account."),
    131021: Rule(Kind.PERMANENT, "You cannot write to your own number."),
    131030: Rule(Kind.PERMANENT, "This number is not on the test list of your Meta app. Add it there."),
    131051: Rule(Kind.PERMANENT, "WhatsApp does not take this kind of message."),
    131052: Rule(Kind.PERMANENT, "The file could not be fetched."),
    131055: Rule(Kind.PERMANENT, _MARKETING_API),
    131060: Rule(Kind.PERMANENT, "The message is not available here. Open WhatsApp on the phone."),
    131062: Rule(Kind.PERMANENT, "WhatsApp needs the phone number for this kind of message. Ask for it."),
    131063: Rule(Kind.PERMANENT, "Marketing templates are switched off for your account. See WhatsApp Manager."),
    132000: Rule(Kind.PERMANENT, "The template has another number of variables."),
    132001: Rule(Kind.PERMANENT, "The template does not exist in this language, or is not approved."),
    132005: Rule(Kind.PERMANENT, "The template is too long once it is filled in."),
    132007: Rule(Kind.PERMANENT, "The template breaks a rule of WhatsApp for contents."),
    132008: Rule(Kind.PERMANENT, "A variable of the template has a value that WhatsApp does not take."),
    132012: Rule(Kind.PERMANENT, "A variable of the template has the wrong form."),
    132016: Rule(Kind.PERMANENT, "Meta switched this template off."),
    132068: Rule(Kind.PERMANENT, "Meta blocked this flow. See WhatsApp Manager."),
    133000: Rule(Kind.PERMANENT, _REGISTER),
    133005: Rule(Kind.PERMANENT, "The PIN of the number was wrong."),
    133006: Rule(Kind.PERMANENT, "The number has to be verified first. See WhatsApp Manager."),
    134011: Rule(Kind.PERMANENT, "The terms of WhatsApp payments are not accepted. See WhatsApp Manager."),
    2494191: Rule(Kind.PERMANENT, "This conversation cannot be taken over."),
    **dict.fromkeys((2593107, 2593108, 2593109), Rule(Kind.PERMANENT, _SYNC)),
    **dict.fromkeys((131020, 131041, 131059, *range(131201, 131216)), Rule(Kind.PERMANENT, _GROUPS)),
    **dict.fromkeys(range(138000, 138019), Rule(Kind.PERMANENT, _CALLS)),
    **dict.fromkeys(range(139000, 139005), Rule(Kind.PERMANENT, _FLOWS)),
    **dict.fromkeys(
        (*range(2388001, 2388104), 2388019, 2388040, 2388047, 2388072, 2388073, 2388293, 2388299),
        Rule(Kind.PERMANENT, _MIGRATION),
    ),
    **dict.fromkeys((code for code in range(200, 300)), Rule(Kind.CREDENTIALS, _RIGHTS)),
}  # fmt: skip
_UNKNOWN = Rule(Kind.WAIT, "WhatsApp did not take this message.", after=timedelta(minutes=5))


def words(code: int | None) -> str:
    """What an error code means to an agent."""
    return TABLE.get(code or -1, _UNKNOWN).words


def known() -> Iterable[int]:
    """Every code that has a rule of its own."""
    return TABLE.keys()


def error_of(code: int, detail: str = "", title: str = "") -> ProviderError:
    """The typed error of a code. `title` are Meta's words, shown where the table has none."""
    rule = TABLE.get(code)
    return _typed(rule or _UNKNOWN, code, detail, rule.words if rule else title or _UNKNOWN.words)


def _typed(rule: Rule, code: int, detail: str, said: str) -> ProviderError:
    match rule.kind:
        case Kind.CREDENTIALS:
            return CredentialsRefused(said, code=code, detail=detail)
        case Kind.POLICY:
            return PolicyRefused(said, reason=rule.reason, code=code, detail=detail)
        case Kind.STOPPED:
            return ChannelStopped(said, reason=rule.reason, code=code, detail=detail)
        case Kind.RETRY:
            return Retryable(said, code=code, detail=detail, after=rule.after)
        case Kind.WAIT:
            return Retryable(said, code=code, detail=detail, after=rule.after, max_attempts=2)
        case Kind.PAIR:
            return Retryable(said, code=code, detail=detail, max_attempts=6, factor=4)
        case Kind.SLOW | Kind.SLOW_ACCOUNT:
            whole_account = rule.kind == Kind.SLOW_ACCOUNT
            return Retryable(
                said, code=code, detail=detail, after=rule.after, whole_channel=True, whole_account=whole_account,
                max_attempts=20,
            )  # fmt: skip
    return Permanent(said, code=code, detail=detail)


def from_answer(status: int, answer: Any) -> ProviderError:
    """The typed error of a Graph API answer that is not a success."""
    error: Mapping[str, Any] = answer.get("error", {}) if isinstance(answer, dict) else {}
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
    data = error.get("error_data")
    said = str(error.get("message") or "")[:200]
    detail = str((data.get("details") if isinstance(data, dict) else "") or said)[:500]
    if code is not None and code in TABLE:
        return error_of(code, detail)
    if status == 401:
        return CredentialsRefused(_TOKEN, code=code or 0, detail=detail)
    if status == 429:
        return _typed(TABLE[130429], code or 0, detail, words(130429))
    if status >= 500:
        return Retryable(_DISTURBANCE, code=code or 0, detail=detail)
    if code is None:  # no answer of the Graph API's: nothing says that a second try would do better
        return Permanent(_UNKNOWN.words, detail=detail)
    return error_of(code, detail, said)
