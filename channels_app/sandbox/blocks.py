"""`/{phone_number_id}/block_users`: whom the business no longer wants to hear from (facts 16). What they write then
reaches nobody."""

import sqlite3
from typing import Any

from django.http import HttpResponse, JsonResponse

from . import calls, chats, directory, envelopes, world
from .calls import Call
from .errors import CODES, GraphError

JSON = dict[str, Any]
WINDOW = 24 * 3600.0  # seconds in which a person must have written


def is_blocked(number: str, person: str) -> bool:
    """Whether this number blocked the person."""
    return bool(world.row("SELECT 1 FROM blocks WHERE number = ? AND person = ?", number, person))


def listing(call: Call) -> HttpResponse:
    """Everyone who is blocked."""
    number = call.number("whatsapp_business_messaging")
    found = world.rows(
        "SELECT p.* FROM blocks b JOIN people p ON p.id = b.person WHERE b.number = ?", number["phone_number_id"]
    )
    people = [directory.as_person(each, number["waba_id"]) for each in found]
    listed = [{"messaging_product": "whatsapp", "wa_id": each.wa_id, "user_id": each.user_id} for each in people]
    return JsonResponse({"data": [{"block_users": listed}], "paging": {"cursors": {}}})


def add(call: Call) -> HttpResponse:
    """Block: only who wrote within 24 hours. HTTP 400 with both lists when some could not be."""
    return _change(call, "added_users", blocks=True)


def remove(call: Call) -> HttpResponse:
    """End blocks."""
    return _change(call, "removed_users", blocks=False)


def _change(call: Call, name: str, *, blocks: bool) -> HttpResponse:
    number = call.number("whatsapp_business_messaging")
    asked = calls.parameters(call.request).get("block_users")
    if not isinstance(asked, list) or not asked:
        raise GraphError(100, "The parameter block_users is required.")
    done, failed = [], []
    with world.write() as db:
        for each in asked:
            given = str((each or {}).get("user") or (each or {}).get("user_id") or "") if isinstance(each, dict) else ""
            person = _person(number, given)
            last = chats.last_words(number["phone_number_id"], person["id"]) if person else None
            if not person or (blocks and (last is None or world.now() - last > WINDOW)):
                words = "The person is not on WhatsApp, or has not written in the last 24 hours."
                error = {"message": CODES[139100][1], "code": 139100, "error_data": {"details": words}}
                failed.append({"input": given, "errors": [error]})
                continue
            statement = "INSERT OR IGNORE INTO blocks VALUES (?, ?)" if blocks else (
                "DELETE FROM blocks WHERE number = ? AND person = ?"
            )  # fmt: skip
            db.execute(statement, (number["phone_number_id"], person["id"]))
            done.append({"input": given, "wa_id": person["wa_id"] or "", "user_id": person["user_id"]})
    answer: JSON = {"messaging_product": "whatsapp", "block_users": {name: done}}
    if failed:
        answer["block_users"]["failed_users"] = failed
        answer["error"] = {"message": f"(#139100) {CODES[139100][1]}", "type": "OAuthException", "code": 139100}
    return JsonResponse(answer, status=400 if failed else 200)


def _person(number: sqlite3.Row, given: str) -> sqlite3.Row | None:
    digits = envelopes.digits(given)
    found = world.row("SELECT * FROM people WHERE wa_id = ? AND ? NOT LIKE '%.%'", digits or "-", given)
    if found:
        return found
    everyone = world.rows("SELECT * FROM people")
    return next((each for each in everyone if directory.as_person(each, number["waba_id"]).user_id == given), None)
