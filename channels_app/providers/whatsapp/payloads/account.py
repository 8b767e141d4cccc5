"""What befalls a number or its account (9). A field may come under another's name, so of templates the keys decide.

`facts` hold code words, numbers, and times in ISO form; `number` are the digits of the number that WhatsApp names: these
fields do not tell its id.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from channels_app.contract import AccountEvent, Consent, Problem
from channels_app.providers.meta.reading import as_dict, as_list, as_text, moment
from channels_app.providers.whatsapp.payloads import contents
from channels_app.providers.whatsapp.payloads.change import Change, Found, elements
from channels_app.providers.whatsapp.payloads.people import digits_of

_REMOVED = {"PARTNER_REMOVED", "PARTNER_APP_UNINSTALLED", "ACCOUNT_OFFBOARDED", "ACCOUNT_DELETED"}
_NOTED = {  # of use at WhatsApp itself, and to be asked there at any time
    "PARTNER_ADDED", "PARTNER_APP_INSTALLED", "ACCOUNT_RECONNECTED", "VERIFIED_ACCOUNT", "VOLUME_BASED_PRICING_TIER_UPDATE",
    "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE", "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE", "AD_ACCOUNT_LINKED",
    "MM_LITE_TERMS_SIGNED", "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
}  # fmt: skip
_PREFERENCES = {"stop": False, "resume": True, "signup": True}
_TOPICS = {"marketing_messages": "marketing"}


def error(change: Change, given: Mapping[str, Any]) -> Found:
    """An error that belongs to no message."""
    facts = {
        "code": contents.code_of(given),
        "title": as_text(given.get("title"), 200),
        "detail": contents.words_of(given),
    }
    return _event(change, "account_error", facts)


def update(change: Change) -> Iterator[Found]:
    """`account_update`. In some of its events the entry's id is not the account's but the portfolio's."""
    value = change.value
    told = as_text(value.get("event"), 60)
    if told in _REMOVED:
        info = as_dict(value.get("disconnection_info"))
        facts = {
            "event": told,
            "reason": as_text(info.get("reason"), 60) or told,
            "initiated_by": as_text(info.get("initiated_by"), 40),
            "number": _number(change),
        }
        yield _event(change, "partner_removed", facts)
    elif told == "DISABLED_UPDATE":
        info = as_dict(value.get("ban_info"))
        state, date = as_text(info.get("waba_ban_state"), 40), as_text(info.get("waba_ban_date"), 60)
        yield _event(change, "account_disabled", {"state": state, "date": date})
    elif told == "ACCOUNT_RESTRICTION":
        listed = value.get("restriction_info")
        parts = [as_dict(listed)] if isinstance(listed, dict) else list(map(as_dict, as_list(listed)[:20]))
        yield _event(change, "account_restricted", {"restrictions": [_restriction(each) for each in parts]})
    elif told == "ACCOUNT_VIOLATION":
        violation = as_text(as_dict(value.get("violation_info")).get("violation_type"), 60)
        yield _event(change, "account_restricted", {"violation": violation})
    elif told not in _NOTED:
        yield Problem("unknown_account_update")


def _restriction(part: Mapping[str, Any]) -> dict[str, Any]:
    until = moment(part.get("expiration"))
    named = {
        "type": as_text(part.get("restriction_type"), 60),
        "until": until.isoformat() if until else "",
        "remediation": as_text(part.get("remediation"), 500),
    }
    return {name: text for name, text in named.items() if text}


def alert(change: Change) -> Iterator[Found]:
    """`account_alerts`: of a number, whose id stands there for once, or of the whole account."""
    value = change.value
    info = as_dict(value.get("alert_info")) or value
    entity = as_text(value.get("entity_id"), 64)
    if entity and value.get("entity_type") == "PHONE_NUMBER":
        change.channel = entity
    elif entity and value.get("entity_type") == "WABA":
        change.account = entity
    facts = {
        name: as_text(info.get(f"alert_{name}"), 500 if name == "description" else 60)
        for name in ("type", "severity", "status", "description")
    }
    yield _event(change, "account_alert", facts)


def review(change: Change) -> Iterator[Found]:
    """`account_review_update`."""
    yield _event(change, "account_review", {"decision": as_text(change.value.get("decision"), 40)})


def capability(change: Change) -> Iterator[Found]:
    """`business_capability_update`: a number, or text such as TIER_2K."""
    value = change.value
    facts = {
        "limit": _first(value, "max_daily_conversations_per_business", "max_daily_conversation_per_phone"),
        "numbers": _first(value, "max_phone_numbers_per_business", "max_phone_numbers_per_waba"),
    }
    yield _event(change, "capability", facts)


def _first(value: Mapping[str, Any], *names: str) -> str:
    return next((text for name in names if (text := as_text(value.get(name), 40))), "")


def quality(change: Change) -> Iterator[Found]:
    """`phone_number_quality_update`. What the limit was before is not told any more."""
    value = change.value
    facts = {
        "event": as_text(value.get("event"), 40),
        "limit": _first(value, "max_daily_conversations_per_business", "current_limit"),
        "number": _number(change),
    }
    yield _event(change, "number_quality", facts)


def name(change: Change) -> Iterator[Found]:
    """`phone_number_name_update`."""
    value = change.value
    facts = {
        "decision": as_text(value.get("decision"), 40), "name": as_text(value.get("requested_verified_name"), 200),
        "reason": as_text(value.get("rejection_reason"), 200), "number": _number(change),
    }  # fmt: skip
    yield _event(change, "number_name", facts)


def security(change: Change) -> Iterator[Found]:
    """`security`. Who asked is not kept: it is an id of a person at Meta."""
    yield _event(change, "security", {"event": as_text(change.value.get("event"), 40), "number": _number(change)})


def username(change: Change) -> Iterator[Found]:
    """`business_username_update`."""
    value = change.value
    facts = {
        "username": as_text(value.get("username"), 80),
        "status": as_text(value.get("status"), 40),
        "number": _number(change),
    }
    yield _event(change, "username", facts)


def preferences(change: Change) -> Iterator[Found]:
    """`user_preferences`: what a person allowed or forbade in the app."""
    yield from elements(change, "user_preferences", _preference)


def _preference(change: Change, part: Mapping[str, Any]) -> Found:
    person = change.people.of(part.get("wa_id"), part.get("user_id"))
    if not person.handles:
        return Problem("preference_without_person")
    value, category = part.get("value"), as_text(part.get("category"), 60)
    if not isinstance(value, str) or value not in _PREFERENCES or not category:
        return Problem("unknown_preference")
    return Consent(
        change.channel, change.account, person, _TOPICS.get(category, category), _PREFERENCES[value],
        moment(part.get("timestamp")), as_text(part.get("detail"), 500),
    )  # fmt: skip


def template(change: Change) -> Iterator[Found]:
    """The fields of templates. One example of Meta's carries another field's name: the keys decide."""
    value = change.value
    facts = {
        "template_id": as_text(value.get("message_template_id"), 64),
        "name": as_text(value.get("message_template_name"), 512),
        "language": as_text(value.get("message_template_language"), 20),
    }
    if not facts["template_id"] and not facts["name"]:
        yield Problem("template_without_id")
    elif "new_quality_score" in value:
        scores = _words(value, {"quality": "new_quality_score", "previous": "previous_quality_score"})
        yield _event(change, "template_quality", facts | scores)
    elif "new_category" in value:
        yield _event(change, "template_category", facts | _category(value))
    elif "event" in value:
        yield _event(change, "template_status", facts | _template_status(value))
    else:
        yield _event(change, "template_components", facts)


def _words(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {ours: as_text(value.get(theirs), 60) for ours, theirs in names.items()}


def _category(value: Mapping[str, Any]) -> dict[str, Any]:
    """With `correct_category` the change is announced, and `new_category` is what holds until then."""
    if coming := as_text(value.get("correct_category"), 60):
        due = moment(value.get("category_update_timestamp"))
        facts = {"category": coming, "previous": as_text(value.get("new_category"), 60), "is_announced": True}
        return facts | ({"due": due.isoformat()} if due else {})
    return _words(value, {"category": "new_category", "previous": "previous_category"}) | {"is_announced": False}


def _template_status(value: Mapping[str, Any]) -> dict[str, Any]:
    rejection, other = as_dict(value.get("rejection_info")), as_dict(value.get("other_info"))
    reason = as_text(value.get("reason"), 60)
    if reason in ("", "NONE", "null"):
        reason = as_text(other.get("title"), 60)
    advice = (rejection.get("recommendation"), rejection.get("reason"), other.get("description"))
    return {
        "event": as_text(value.get("event"), 40),
        "reason": reason,
        "advice": next((text for each in advice if (text := as_text(each, 1000))), ""),
        "category": as_text(value.get("message_template_category"), 40),
        "date": as_text(as_dict(value.get("disable_info")).get("disable_date"), 60),
    }


def _number(change: Change) -> str:
    return digits_of(change.value.get("display_phone_number") or change.value.get("phone_number"))


def _event(change: Change, kind: str, facts: Mapping[str, Any]) -> AccountEvent:
    """What is not told has no key."""
    account = as_text(as_dict(change.value.get("waba_info")).get("waba_id"), 64) or change.account
    told = {name: value for name, value in facts.items() if value not in ("", None)}
    return AccountEvent(change.channel, account, kind, change.at, told)


FIELDS: Mapping[str, Callable[[Change], Iterator[Found]]] = {
    "account_update": update,
    "account_alerts": alert,
    "account_review_update": review,
    "business_capability_update": capability,
    "phone_number_quality_update": quality,
    "phone_number_name_update": name,
    "security": security,
    "business_username_update": username,
    "message_template_status_update": template,
    "message_template_quality_update": template,
    "message_template_components_update": template,
    "template_category_update": template,
}
