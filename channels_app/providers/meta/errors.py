"""Errors of the Graph API to Messenger and Instagram: the subcode is there and decides (providers/messenger.md 11,
instagram.md 13). What the references do not confirm is permanent, with Meta's own words.

`ProviderError.code` is the subcode where there is one, else the code.
"""

from collections.abc import Mapping
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
from channels_app.providers.meta.reading import as_dict, as_text


class Kind(StrEnum):
    """What is done about an error."""

    RETRY = "retry"  # a disturbance: again, with back-off
    ONCE = "once"  # once more, a little later
    SLOW = "slow"  # the channel waits
    PERMANENT = "permanent"
    POLICY = "policy"  # `reason` is one of PolicyRefused's
    CREDENTIALS = "credentials"
    STOPPED = "stopped"  # `reason` is one of the channel's


@dataclass(frozen=True, slots=True)
class Rule:
    """One error's class and words; `{platform}` in them is the platform's name."""

    kind: Kind
    words: str
    reason: str = ""
    after: timedelta = timedelta()


_TOKEN = "{platform} no longer accepts the access token."  # noqa: S105  (words, no secret)
_RIGHTS = "The access token lacks a right at {platform}. Connect the channel again and leave all rights ticked."
_UNKNOWN = "{platform} did not take this message."
_NOBODY = "This person cannot be reached on {platform}: they blocked you or closed their account."
_WINDOW = "The 24-hour window is closed."
_OTHER_APP = "Another app answers this conversation at the moment."
_FILE = "{platform} could not use the file. Photos have to be JPEG or PNG of 8 MB at most."
_SLOW = "More was asked of {platform} than it allows for now."
_REFUSED = "{platform} does not allow this to your account."
_FORM = "{platform} did not accept the message's form."

_MINUTE = timedelta(minutes=1)
# By code and subcode; subcode 0: the code alone.
TABLE: dict[tuple[int, int], Rule] = {
    **{(190, sub): Rule(Kind.CREDENTIALS, _TOKEN) for sub in (0, 458, 459, 460, 463, 464, 467)},
    (10, 0): Rule(Kind.CREDENTIALS, _RIGHTS),
    (200, 0): Rule(Kind.CREDENTIALS, _RIGHTS),
    (10, 2018278): Rule(Kind.POLICY, _WINDOW, "window_closed"),
    (10, 2534022): Rule(Kind.POLICY, _WINDOW, "window_closed"),
    (10, 2018065): Rule(Kind.PERMANENT, "{platform} no longer allows messages of this kind outside of the window."),
    (10, 1893063): Rule(
        Kind.SLOW, "{platform} restricts this account for a while.", after=timedelta(hours=1)
    ),
    **{(10, sub): Rule(Kind.PERMANENT, _REFUSED) for sub in (2018108, 2018336, 1404170, 1893015, 2534077)},
    (551, 0): Rule(Kind.POLICY, _NOBODY, "not_reachable"),
    (551, 1545041): Rule(Kind.POLICY, _NOBODY, "not_reachable"),
    (200, 1545041): Rule(Kind.POLICY, _NOBODY, "not_reachable"),
    (100, 2018001): Rule(Kind.POLICY, "{platform} does not know this person here.", "not_reachable"),
    (100, 2534014): Rule(Kind.POLICY, "{platform} does not know this person here.", "not_reachable"),
    (200, 2018028): Rule(Kind.PERMANENT, "Your Meta app may not write to this person yet: it lacks advanced access."),
    (200, 2534041): Rule(
        Kind.STOPPED, "Access to messages is switched off in the Instagram app.", "message_access_off"
    ),
    (368, 0): Rule(Kind.STOPPED, "Meta restricted this account.", "restricted"),
    (2018300, 0): Rule(Kind.POLICY, _OTHER_APP, "other_app"),
    (100, 2018300): Rule(Kind.POLICY, _OTHER_APP, "other_app"),
    (10, 2018300): Rule(Kind.POLICY, _OTHER_APP, "other_app"),
    (100, 2534037): Rule(Kind.POLICY, _OTHER_APP, "other_app"),
    (10, 2534037): Rule(Kind.POLICY, _OTHER_APP, "other_app"),
    (100, 2018109): Rule(Kind.PERMANENT, "The file is larger than {platform} takes."),
    (100, 2018008): Rule(Kind.ONCE, "{platform} could not fetch the file.", after=timedelta(seconds=10)),
    (100, 2018047): Rule(Kind.PERMANENT, _FILE),
    (100, 33): Rule(Kind.PERMANENT, "{platform} no longer has this, or the access token may not see it."),
    (100, 0): Rule(Kind.PERMANENT, _FORM),
    **{(100, sub): Rule(Kind.PERMANENT, _FORM) for sub in (2018074, 2018294, 2534013, 2534015, 2534025, 2534029)},
    (9000001, 0): Rule(Kind.PERMANENT, "The message was deleted."),
    (2018218, 0): Rule(Kind.PERMANENT, "{platform} shows no profile of this person."),
    (100, 2018218): Rule(Kind.PERMANENT, "{platform} shows no profile of this person."),
    **{(code, 0): Rule(Kind.PERMANENT, _UNKNOWN) for code in (2018321, 2022, 36103)},
    **{(code, 0): Rule(Kind.RETRY, "{platform} has a disturbance.") for code in (1, 2)},
    **{(code, 0): Rule(Kind.SLOW, _SLOW, after=_MINUTE) for code in (4, 17, 32, 341, 613)},
    **{
        pair: Rule(Kind.SLOW, _SLOW, after=_MINUTE)
        for pair in ((4, 2018354), (613, 2018338), (613, 2534040), (9, 2018352))
    },
}  # fmt: skip
_BY_NUMBER = {sub or code: rule for (code, sub), rule in TABLE.items()}


def words(platform: str, code: int | None) -> str:
    """What an error means to an agent, by ProviderError.code."""
    rule = _BY_NUMBER.get(code or 0)
    return (rule.words if rule else _UNKNOWN).format(platform=platform)


def from_answer(platform: str, status: int, answer: Any) -> ProviderError:
    """The typed error of an answer that is no success."""
    error = as_dict(as_dict(answer).get("error"))
    code, subcode = _number(error, "code"), _number(error, "error_subcode")
    rule = _rule(code, subcode, status)
    title = rule.words.format(platform=platform)
    said = " ".join(as_text(error.get(name), 300) for name in ("error_user_title", "error_user_msg")).strip()
    detail = said or as_text(error.get("message"), 500)
    return _typed(rule, title, subcode or code, detail)


def _number(error: Mapping[str, Any], name: str) -> int:
    value = error.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def _rule(code: int, subcode: int, status: int) -> Rule:
    for pair in ((code, subcode), (code, 0)):
        if pair == (10, 0) and subcode:  # only without a subcode it says that a right is missing
            continue
        if rule := TABLE.get(pair):
            return rule
    if 200 <= code < 300 or (not code and status == 401):
        return Rule(Kind.CREDENTIALS, _RIGHTS if code else _TOKEN)
    if status == 429:
        return Rule(Kind.SLOW, _SLOW, after=_MINUTE)
    if status >= 500:
        return Rule(Kind.RETRY, "{platform} has a disturbance.")
    return Rule(Kind.PERMANENT, _UNKNOWN)


def _typed(rule: Rule, title: str, code: int, detail: str) -> ProviderError:
    match rule.kind:
        case Kind.CREDENTIALS:
            return CredentialsRefused(title, code=code, detail=detail)
        case Kind.POLICY:
            return PolicyRefused(title, reason=rule.reason, code=code, detail=detail)
        case Kind.STOPPED:
            return ChannelStopped(title, reason=rule.reason, code=code, detail=detail)
        case Kind.RETRY:
            return Retryable(title, code=code, detail=detail)
        case Kind.ONCE:
            return Retryable(title, code=code, detail=detail, after=rule.after, max_attempts=2)
        case Kind.SLOW:
            return Retryable(title, code=code, detail=detail, after=rule.after, whole_channel=True, max_attempts=20)
    return Permanent(title, code=code, detail=detail)
