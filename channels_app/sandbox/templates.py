"""WhatsApp's message templates: handed in, decided on after a moment, paused, deleted (facts 13), and what Meta checks
when one is sent (facts 11 and 15)."""

import json
import random
import re
import secrets
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse, JsonResponse

from . import calls, directory, envelopes, media, nodes, outgoing, world
from .calls import Call
from .errors import GraphError

JSON = dict[str, Any]
CATEGORIES = ("AUTHENTICATION", "MARKETING", "UTILITY")
STATUSES = ("PENDING", "APPROVED", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "ARCHIVED")
DEFAULTS = ("id", "name", "language", "status", "category", "components", "parameter_format")
REVIEW = (1.5, 3.0)  # seconds, least and most, that a decision takes; times the world's pace
LONGEST = {"HEADER": 60, "BODY": 1024, "FOOTER": 60}
MAX_BUTTONS, MAX_BUTTON, MAX_FILLED = 10, 25, 1024
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def find(template_id: str) -> sqlite3.Row | None:
    """A template, or None."""
    return world.row("SELECT * FROM templates WHERE id = ?", template_id)


def named(waba_id: str, name: str, language: str) -> sqlite3.Row | None:
    """A template in one language, or None."""
    return world.row("SELECT * FROM templates WHERE waba_id = ? AND name = ? AND language = ?", waba_id, name, language)


def place(
    waba_id: str, name: str, language: str, category: str, components: Sequence[JSON], *, status: str = "APPROVED",
    parameter_format: str = "positional",
) -> str:  # fmt: skip
    """Put a template there without a call and without a webhook, as one that has been there for long. Gives its id."""
    template_id = f"71{secrets.randbelow(10**13):013}"
    with world.write() as db:
        db.execute(
            "INSERT OR REPLACE INTO templates (id, waba_id, name, language, category, status, components, format) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (template_id, waba_id, name, language, category, status, json.dumps(list(components)), parameter_format),
        )
    return template_id


# What the Graph API answers


def _node(found: sqlite3.Row) -> JSON:
    return {
        "id": found["id"], "name": found["name"], "language": found["language"], "status": found["status"],
        "category": found["category"], "previous_category": None, "components": json.loads(found["components"]),
        "parameter_format": found["format"].upper(), "quality_score": {"score": found["quality"], "date": None},
        "rejected_reason": found["reason"], "message_send_ttl_seconds": None,
    }  # fmt: skip


def _selected(found: sqlite3.Row, fields: str) -> JSON:
    return nodes.select(_node(found), fields, DEFAULTS)


def listing(call: Call) -> HttpResponse:
    """`GET /{waba_id}/message_templates`: page by page, filtered."""
    business, query = call.business("whatsapp_business_management"), call.request.GET
    found = world.rows("SELECT * FROM templates WHERE waba_id = ? ORDER BY rowid", business["waba_id"])
    for name in ("status", "category", "language", "name"):
        if query.get(name):
            found = [each for each in found if each[name] == query[name]]
    limit = int(query.get("limit", "25")) if query.get("limit", "25").isdigit() else 25
    start = int(query["after"]) if query.get("after", "").isdigit() else 0
    shown = [_selected(each, query.get("fields", "")) for each in found[start : start + limit]]
    paging: JSON = {"cursors": {"before": str(start), "after": str(start + limit)}}
    if len(found) > start + limit:
        paging["next"] = f"{call.origin}{call.request.path}?after={start + limit}&limit={limit}"
    return JsonResponse({"data": shown, "paging": paging})


def create(call: Call) -> HttpResponse:
    """`POST /{waba_id}/message_templates`: it waits for its review."""
    business, given = call.business("whatsapp_business_management"), calls.parameters(call.request)
    name, language = str(given.get("name") or ""), str(given.get("language") or "")
    category = str(given.get("category") or "").upper()
    if not re.fullmatch(r"[a-z0-9_]{1,512}", name) or not language or category not in CATEGORIES:
        raise GraphError(100, "name, language and category are mandatory; a name has lower case letters, digits and _.")
    if named(business["waba_id"], name, language):
        raise GraphError(100, "There is already content in this language.", subcode=2388024)
    components = check(given.get("components"))
    form = "named" if str(given.get("parameter_format") or "").lower() == "named" else "positional"
    template_id = place(
        business["waba_id"], name, language, category, components, status="PENDING", parameter_format=form
    )
    _plan(template_id)
    return JsonResponse({"id": template_id, "status": "PENDING", "category": category})


def show(call: Call) -> HttpResponse:
    """`GET /{template_id}`."""
    return JsonResponse(_selected(_opened(call), call.request.GET.get("fields", "")))


def edit(call: Call) -> HttpResponse:
    """`POST /{template_id}`: only what is approved, rejected or paused; it is reviewed again."""
    found, given = _opened(call), calls.parameters(call.request)
    if found["status"] not in ("APPROVED", "REJECTED", "PAUSED"):
        raise GraphError(100, "Only approved, rejected or paused templates can be edited.")
    category = str(given.get("category") or found["category"]).upper()
    if category not in CATEGORIES or (found["status"] == "APPROVED" and category != found["category"]):
        raise GraphError(100, "The category of an approved template can not be changed.")
    components = check(given["components"]) if "components" in given else json.loads(found["components"])
    with world.write() as db:
        db.execute(
            "UPDATE templates SET components = ?, category = ?, status = 'PENDING' WHERE id = ?",
            (json.dumps(components), category, found["id"]),
        )
        _plan(found["id"])
    return JsonResponse({"success": True})


def delete(call: Call) -> HttpResponse:
    """`DELETE /{waba_id}/message_templates`: all languages of a name, or the one of `hsm_id`."""
    business, query = call.business("whatsapp_business_management"), call.request.GET
    found = [
        each
        for each in world.rows("SELECT * FROM templates WHERE waba_id = ?", business["waba_id"])
        if each["name"] == query.get("name") and query.get("hsm_id", each["id"]) == each["id"]
    ]
    if not found:
        raise GraphError(100, "There is no such template.", subcode=2593002)
    with world.write() as db:
        for each in found:
            db.execute("DELETE FROM templates WHERE id = ?", (each["id"],))
    return JsonResponse({"success": True})


def unpause(call: Call) -> HttpResponse:
    """`POST /{template_id}/unpause`."""
    found = _opened(call)
    if found["status"] != "PAUSED":
        raise GraphError(100, "The template is not paused.")
    decide(found["id"], "APPROVED")
    return JsonResponse({"success": True})


def _opened(call: Call) -> sqlite3.Row:
    found = find(call.parts[0])
    call.strike("call")
    if not found:
        call.authorize()
        raise media.missing(call.parts[0])
    call.opens(found["waba_id"], "whatsapp_business_management")
    return found


def check(given: Any) -> list[JSON]:
    """The components of a template, if they have its form. Raises GraphError 100 with Meta's subcodes."""
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise GraphError(100, "components must be an array of objects.")
    bodies = [each for each in given if str(each.get("type")).upper() == "BODY"]
    if len(bodies) != 1:
        raise GraphError(100, "A template has one body.", subcode=2388042)
    for each in given:
        kind, text = str(each.get("type")).upper(), str(each.get("text") or "")
        if len(text) > LONGEST.get(kind, MAX_FILLED):
            raise GraphError(100, f"The {kind.lower()} is too long.", subcode=2388040)
        buttons = each.get("buttons") or []
        if len(buttons) > MAX_BUTTONS or any(len(str(one.get("text") or "")) > MAX_BUTTON for one in buttons):
            raise GraphError(100, "There are too many buttons, or one of them is too long.", subcode=2388040)
    body = str(bodies[0].get("text") or "").strip()
    if not body or VARIABLE.match(body) or re.search(r"\{\{\s*\w+\s*\}\}\Z", body):
        raise GraphError(100, "Variables can't be at the start or end of the template.", subcode=2388299)
    return given


# What becomes of them


def _plan(template_id: str) -> None:
    if world.setting("review") == "wait":
        return
    delay = random.uniform(*REVIEW) * world.setting("pace")  # noqa: S311
    with world.write() as db:
        db.execute("UPDATE templates SET next_at = ? WHERE id = ?", (time.time() + delay, template_id))


def step() -> bool:
    """Decide on one template whose time has come; False when there is none."""
    if not world.row("SELECT 1 FROM templates WHERE next_at <= ? LIMIT 1", time.time()):
        return False
    with world.write() as db:
        due: sqlite3.Row | None = db.execute(
            "SELECT * FROM templates WHERE next_at <= ? ORDER BY next_at LIMIT 1", (time.time(),)
        ).fetchone()
        if not due:
            return False
        db.execute("UPDATE templates SET next_at = NULL WHERE id = ?", (due["id"],))
        if world.setting("review") == "reject":
            decide(due["id"], "REJECTED", reason="INVALID_FORMAT")
        else:
            decide(due["id"], "APPROVED")
    return True


def next_step() -> float | None:
    """When the earliest decision is due, in Unix seconds."""
    found = world.row("SELECT min(next_at) AS at FROM templates WHERE next_at IS NOT NULL")
    return float(found["at"]) if found and found["at"] is not None else None


def decide(template_id: str, status: str, *, reason: str = "NONE") -> None:
    """Give a template another status and tell of it. ValueError for none that exists."""
    found = find(template_id)
    if not found or status not in STATUSES:
        raise ValueError("There is no such template, or no such status.")
    with world.write() as db:
        db.execute("UPDATE templates SET status = ?, reason = ? WHERE id = ?", (status, reason, template_id))
        told: JSON = {
            "event": status,
            **_names(found),
            "message_template_category": found["category"],
            "reason": reason,
        }
        if status == "PAUSED":
            told["other_info"] = {"title": "FIRST_PAUSE", "description": "Paused for three hours, for low quality."}
        if status == "REJECTED":
            told["rejection_info"] = {"reason": "The format is not valid.", "recommendation": "Check the variables."}
        _tell(found["waba_id"], "message_template_status_update", told)


def rate(template_id: str, quality: str) -> None:
    """Give a template another quality score (GREEN, YELLOW, RED) and tell of it."""
    found = find(template_id)
    if not found or quality not in ("GREEN", "YELLOW", "RED", "UNKNOWN"):
        raise ValueError("There is no such template, or no such quality.")
    with world.write() as db:
        db.execute("UPDATE templates SET quality = ? WHERE id = ?", (quality, template_id))
        told = {"previous_quality_score": found["quality"], "new_quality_score": quality, **_names(found)}
        _tell(found["waba_id"], "message_template_quality_update", told)


def _names(found: sqlite3.Row) -> JSON:
    return {
        "message_template_id": int(found["id"]), "message_template_name": found["name"],
        "message_template_language": found["language"],
    }  # fmt: skip


def _tell(waba_id: str, field: str, value: JSON) -> None:
    held = world.row("SELECT phone_number_id FROM numbers WHERE waba_id = ? ORDER BY rowid LIMIT 1", waba_id)
    if held:
        body = envelopes.body([(waba_id, value)], field)
        outgoing.enqueue(
            directory.number(held["phone_number_id"]), body, field.replace("_", " "), lane=f"waba {waba_id}"
        )


# What is checked when one is sent


def check_send(content: JSON, number: sqlite3.Row, *, by_id: bool) -> None:
    """Raises GraphError for a template that is not there (132001), not to be sent (132015, 132016), or is filled wrongly
    (132000, 132012, 132005, 132007); 131062 for an authentication template to somebody without a number."""
    language = content.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    found = named(number["waba_id"], str(content.get("name") or ""), str(code or ""))
    if not found or found["status"] in ("PENDING", "REJECTED", "IN_APPEAL", "ARCHIVED"):
        raise GraphError(132001, f"template name ({content.get('name')}) does not exist in {code}")
    if found["status"] in ("PAUSED", "DISABLED"):
        raise GraphError(132015 if found["status"] == "PAUSED" else 132016)
    if found["category"] == "AUTHENTICATION" and by_id:
        raise GraphError(131062)
    given = _parameters(content)
    for component in json.loads(found["components"]):
        kind = str(component.get("type")).upper()
        if kind in ("BODY", "HEADER"):
            _check_part(component, given.get(kind.lower(), []), found["format"] == "named")


def _parameters(content: JSON) -> dict[str, list[JSON]]:
    """Of each component its parameters."""
    listed = content.get("components") or []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise GraphError(100, "template.components must be an array of objects.")
    return {str(each.get("type")).lower(): each.get("parameters") or [] for each in listed if "index" not in each}


def _check_part(component: JSON, parameters: list[JSON], is_named: bool) -> None:
    kind, form = str(component.get("type")).lower(), str(component.get("format") or "TEXT").upper()
    if kind == "header" and form != "TEXT":
        if len(parameters) != 1 or parameters[0].get("type") != form.lower():
            raise GraphError(132012, f"header: Format mismatch, expected {form}")
        return
    wanted = list(dict.fromkeys(VARIABLE.findall(str(component.get("text") or ""))))
    if len(parameters) != len(wanted):
        words = f"{kind}: number of localizable_params ({len(parameters)}) does not match the expected number of params"
        raise GraphError(132000, f"{words} ({len(wanted)})")
    if is_named and {each.get("parameter_name") for each in parameters} != set(wanted):
        raise GraphError(132012, f"{kind}: Parameter name is missing or empty")
    for each in parameters:
        if not _value(each):
            raise GraphError(131008, f"{kind}: Parameter of type text is missing text value")
        if re.search(r"[\n\t]| {5}", _value(each)):
            raise GraphError(132007, f"{kind}: Param text cannot have new-line/tab or more than 4 consecutive spaces")
    if kind == "body" and len(fill(str(component.get("text") or ""), parameters)) > MAX_FILLED:
        raise GraphError(132005)


def _value(parameter: JSON) -> str:
    given = parameter.get(str(parameter.get("type")))
    return str(given.get("fallback_value") or "") if isinstance(given, dict) else str(given or "")


def fill(text: str, parameters: Sequence[JSON]) -> str:
    """A template's text with its variables replaced."""
    names = list(dict.fromkeys(VARIABLE.findall(text)))
    values = {
        str(each.get("parameter_name") or (names[place] if place < len(names) else "")): _value(each)
        for place, each in enumerate(parameters)
    }
    return VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)
