"""Elements of `statuses`: how far our messages came (7)."""

from collections.abc import Mapping
from typing import Any, get_args

from channels_app.contract import Problem, StatusName, StatusUpdate
from channels_app.providers.meta.reading import as_dict, as_text, moment
from channels_app.providers.whatsapp.payloads.change import Change, Found
from channels_app.providers.whatsapp.payloads.contents import code_of, first_error, words_of

_NAMES: Mapping[str, StatusName] = {name: name for name in get_args(StatusName)} | {"played": "read"}
_MAX_ID, _MAX_REFERENCE = 600, 512


def read(change: Change, status: Mapping[str, Any]) -> Found:
    """One element."""
    told = status.get("status")
    name = _NAMES.get(told) if type(told) is str else None
    if name is None:
        return Problem("unknown_status")
    external_id = as_text(status.get("id"), _MAX_ID)
    if not external_id:
        return Problem("status_without_id")
    if status.get("recipient_type") == "group" or status.get("recipient_participant_id"):
        return Problem("group_status")  # one participant's: it says nothing of the others
    error = first_error(status) if "errors" in status else {}
    return StatusUpdate(
        change.channel, change.account, external_id, name, moment(status.get("timestamp")),
        as_text(status.get("biz_opaque_callback_data"), _MAX_REFERENCE),
        code_of(error) if error else None,
        words_of(error) if error else "",
        _price(as_dict(status["pricing"])) if "pricing" in status else {},
        told == "played",
    )  # fmt: skip


def _price(pricing: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the price. `billable` goes away one day: without it nothing is said of it, least of all "free"."""
    price: dict[str, Any] = {}
    if category := as_text(pricing.get("category"), 40):
        price["category"] = category
    if kind := as_text(pricing.get("type"), 40):
        price["kind"] = kind
    if isinstance(pricing.get("billable"), bool):
        price["is_billable"] = pricing["billable"]
    return price
