"""Meta's error codes in the agent's words, and what the outbox does with each (providers/whatsapp.md 15)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from channels_app.contract import CredentialsRefused, Permanent, ProviderError, Retryable

WORDS: dict[int, str] = {
    131026: "WhatsApp could not deliver this to the number.",
    131047: "The 24-hour window is closed.",
    131049: "Meta held this message back.",
    131050: "This person no longer wants marketing messages from you.",
    131051: "WhatsApp does not take this kind of message.",
    131052: "The file could not be fetched.",
    131053: "WhatsApp refused the file.",
    131042: "Meta asks for a payment method on your WhatsApp account.",
    131045: "The number is not registered with WhatsApp.",
    133010: "The number is not registered with WhatsApp.",
    131030: "This number is not on the test list of your Meta app.",
    131031: "Meta locked this WhatsApp account.",
    368: "Meta restricted this WhatsApp account.",
    131021: "You cannot write to your own number.",
    130497: "WhatsApp does not allow messages to this country from your account.",
    130472: "Meta did not deliver this because of an experiment it runs.",
    131062: "WhatsApp needs the phone number for this kind of message.",
    130429: "The number sends faster than WhatsApp allows.",
    131056: "Too many messages to this person in a short time.",
    131048: "Meta limits this number because messages were reported as spam.",
    131064: "The number reached its daily limit.",
    100: "WhatsApp did not accept the message's form.",
}
_CREDENTIALS = {0, 190}
_PERMISSION = {3, 10, 33, 131005, *range(200, 300)}
_LATER = {2, 131000, 131016, 133004, 131057, 2494100}
_SLOW_CHANNEL = {4, 80007, 130429, 131048}


def words(code: int | None) -> str:
    """What an error code means to an agent."""
    return WORDS.get(code or 0, "WhatsApp did not take this message.")


def from_answer(status: int, answer: Any, attempt_hint: int = 1) -> ProviderError:
    """The typed error of a Graph API answer that is not a success."""
    error: Mapping[str, Any] = answer.get("error", {}) if isinstance(answer, dict) else {}
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else -1
    data = error.get("error_data")
    detail = str((data.get("details") if isinstance(data, dict) else "") or error.get("message") or "")[:500]
    if code in _CREDENTIALS or (code == -1 and status == 401):
        return CredentialsRefused("The access token is not valid any more.", code=max(code, 0), detail=detail)
    if code in _PERMISSION:
        return CredentialsRefused("The access token lacks rights on this number.", code=code, detail=detail)
    if code in _LATER or (code == -1 and status >= 500):
        return Retryable("WhatsApp has a disturbance.", code=max(code, 0), detail=detail)
    if code in _SLOW_CHANNEL or status == 429:
        return Retryable(
            words(code),
            code=max(code, 0),
            detail=detail,
            after=timedelta(seconds=5),
            whole_channel=True,
            max_attempts=20,
        )
    if code == 131056:
        return Retryable(
            words(code), code=code, detail=detail, after=timedelta(seconds=4**attempt_hint), max_attempts=6
        )
    if code in (1, 131053):
        return Retryable(words(code), code=code, detail=detail, after=timedelta(seconds=10), max_attempts=2)
    if code == 131064:
        return Retryable(words(code), code=code, detail=detail, after=timedelta(hours=24), max_attempts=2)
    return Permanent(words(code), code=max(code, 0), detail=detail)
