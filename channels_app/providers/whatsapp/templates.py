"""Templates at Meta (providers/whatsapp.md 13). Named fields only; what makes no sense is left out."""

from collections.abc import Callable, Mapping
from typing import Any

from channels_app.contract import Retryable, Unknown
from channels_app.templates.contract import Placed, TemplateDraft, TemplateFacts

FIELDS = "id,name,language,status,category,components,parameter_format,quality_score,rejected_reason"
PAGE, MOST_PAGES = 100, 100  # an account has 6,000 at most
# The template is missing, has another form, or is paused or switched off (15).
CONTRADICTING = frozenset({132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016})

Call = Callable[..., Any]  # (method, path, credentials, **request) -> the JSON of a success


def listing(call: Call, account_id: str, credentials: Mapping[str, Any]) -> list[TemplateFacts]:
    """All templates of the account, page by page. `paging.next` holds the token: the address is made here instead."""
    found: list[TemplateFacts] = []
    after = ""
    for _ in range(MOST_PAGES):
        params = {"fields": FIELDS, "limit": str(PAGE)} | ({"after": after} if after else {})
        try:
            answer = call("GET", f"{account_id}/message_templates", credentials, params=params)
        except Unknown as error:  # reading changes nothing: it may be asked again
            raise Retryable(error.title) from error
        data = answer.get("data")
        found += [facts for each in (data if isinstance(data, list) else []) if (facts := _facts(each))]
        paging = answer.get("paging")
        paging = paging if isinstance(paging, dict) else {}
        cursors = paging.get("cursors")
        following = str(cursors.get("after") or "") if isinstance(cursors, dict) else ""
        if not paging.get("next") or not following or following == after:
            break
        after = following
    return found


def _facts(given: Any) -> TemplateFacts | None:
    if not isinstance(given, dict) or not given.get("id") or not given.get("name"):
        return None
    quality = given.get("quality_score")
    components = given.get("components")
    reason = str(given.get("rejected_reason") or "").lower()
    return TemplateFacts(
        external_id=str(given["id"])[:64],
        name=str(given["name"])[:512],
        language=str(given.get("language") or "")[:20],
        category=str(given.get("category") or "").lower()[:20],
        status=str(given.get("status") or "").lower()[:30],
        quality=str(quality.get("score") or "").lower()[:10] if isinstance(quality, dict) else "",
        reason="" if reason == "none" else reason[:60],
        components=[each for each in components if isinstance(each, dict)] if isinstance(components, list) else [],
    )


def create(call: Call, account_id: str, credentials: Mapping[str, Any], draft: TemplateDraft) -> Placed:
    """Hand in a new one."""
    body = {"name": draft.name, "language": draft.language, **_changeable(draft)}
    answer = call("POST", f"{account_id}/message_templates", credentials, json=body)
    if not answer.get("id"):
        raise Unknown("WhatsApp's answer could not be read.")
    status = str(answer.get("status") or "pending").lower()[:30]
    return Placed(str(answer["id"])[:64], status, str(answer.get("category") or draft.category).lower()[:20])


def edit(call: Call, external_id: str, credentials: Mapping[str, Any], draft: TemplateDraft) -> None:
    """Hand in a changed one."""
    call("POST", external_id, credentials, json=_changeable(draft))


def _changeable(draft: TemplateDraft) -> dict[str, Any]:
    form = {"parameter_format": "named"} if draft.is_named else {}
    return {"category": draft.category.upper(), "components": [dict(each) for each in draft.components], **form}


def delete(call: Call, account_id: str, credentials: Mapping[str, Any], external_id: str, name: str) -> None:
    """Delete one language; without `hsm_id` it would be all of them."""
    params = {"hsm_id": external_id, "name": name}
    call("DELETE", f"{account_id}/message_templates", credentials, params=params)
