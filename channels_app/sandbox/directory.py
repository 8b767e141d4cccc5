"""Who is there: businesses with their numbers and tokens, and people with phones."""

import hashlib
import hmac
import json
import re
import secrets
import sqlite3
import time
import unicodedata
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from . import envelopes, world

SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")


class Unknown(LookupError):
    """There is no such business, number or person here."""


def create_business(
    *,
    waba_id: str,
    phone_number_id: str,
    display_phone_number: str,
    verified_name: str,
    token: str = "",
    subscribed: bool = False,
    portfolio: str = "",
    scopes: Sequence[str] = SCOPES,
    on_phone: bool = False,
) -> dict[str, Any]:
    """A business account with one number and a token that opens it; called again with the same `waba_id` it
    adds a number. Webhooks flow only once an app subscribed (`POST /{waba_id}/subscribed_apps`), or with
    `subscribed`. `on_phone`: the number is used in the WhatsApp Business app as well (facts 10), so that Meta tells of
    edits, of messages taken back and of what the owner writes there.

    Gives what one types into the product's connect form."""
    token = token or "EAAG" + secrets.token_hex(48)
    with world.write() as db:
        db.execute(
            "INSERT INTO businesses (waba_id, name, portfolio, subscribed) VALUES (?, ?, ?, ?) ON "
            "CONFLICT (waba_id) "
            "DO UPDATE SET name = excluded.name, subscribed = max(subscribed, excluded.subscribed)",
            (waba_id, verified_name, portfolio or "4" + waba_id[1:], int(subscribed)),
        )
        db.execute(
            "INSERT INTO numbers (phone_number_id, waba_id, display, verified_name, on_phone) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (phone_number_id) DO UPDATE SET waba_id = excluded.waba_id, display = "
            "excluded.display, "
            "verified_name = excluded.verified_name",
            (phone_number_id, waba_id, display_phone_number, verified_name, int(on_phone)),
        )
        open_with(token, waba_id, scopes)
    return {
        "waba_id": waba_id,
        "phone_number_id": phone_number_id,
        "display_phone_number": display_phone_number,
        "verified_name": verified_name,
        "token": token,
        "subscribed": subscribed,
    }


def open_with(token: str, object_id: str, scopes: Sequence[str], *, kind: str = "system") -> None:
    """Let a token open one more object (WABA, Page or Instagram account); it is made where there is none."""
    with world.write() as db:
        held = db.execute("SELECT opens, scopes FROM tokens WHERE token = ?", (token,)).fetchone()
        opens = list(dict.fromkeys([*(json.loads(held["opens"]) if held else []), object_id]))
        allowed = list(dict.fromkeys([*(json.loads(held["scopes"]) if held else []), *scopes]))
        db.execute(
            "INSERT OR REPLACE INTO tokens (token, opens, scopes, issued, kind) VALUES (?, ?, ?, ?, ?)",
            (token, json.dumps(opens), json.dumps(allowed), int(time.time()), kind),
        )


def create_person(
    *,
    name: str,
    wa_id: str = "",
    user_id: str = "",
    username: str = "",
    country: str = "",
    user_ids: dict[str, str] | None = None,
    instagram: str = "",
    scoped: dict[str, str] | None = None,
) -> sqlite3.Row:
    """A person with a phone. Without `wa_id` they show a username only. `user_ids` gives another BSUID for
    some WABAs (it is unique per person and portfolio), `scoped` their PSID or IGSID for some Pages and Instagram
    accounts (made up at their first message otherwise), `instagram` their name there. Called again for the same number
    or id it renames them."""
    wa_id = envelopes.digits(wa_id)
    if not wa_id and not user_id and not instagram:
        raise ValueError("A person needs wa_id, user_id or instagram.")
    known = world.row(
        "SELECT * FROM people WHERE (wa_id = ? AND ? != '') OR user_id = ? OR (instagram = ? AND ? != '' AND ? = '')",
        *(wa_id, wa_id, user_id, instagram, instagram, wa_id),
    )
    name_there = instagram or _handle(name)
    spare = f"{country or 'XX'}.{secrets.randbelow(9 * 10**15) + 10**15}"
    with world.write() as db:
        if known:
            db.execute("UPDATE people SET name = ? WHERE id = ?", (name, known["id"]))
        else:
            db.execute(
                "INSERT INTO people (id, wa_id, user_id, user_ids, username, name, country, instagram) VALUES (?, "
                "?, ?, ?, ?, ?, ?, ?)",
                (
                    "p" + secrets.token_hex(5),
                    wa_id or None,
                    user_id or spare,
                    json.dumps(user_ids or {}),
                    username,
                    name,
                    country,
                    name_there,
                ),
            )
        found = person(str(known["id"]) if known else (wa_id or user_id or f"@{instagram}"))
        for account, scoped_id in (scoped or {}).items():
            db.execute("INSERT OR REPLACE INTO scoped VALUES (?, ?, ?)", (account, found["id"], scoped_id))
    return found


def _handle(name: str) -> str:
    """A name as Instagram would have it: `Lena Fields` is lena.fields."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return ".".join(re.findall(r"[a-z0-9]+", plain)) or f"tea.{secrets.randbelow(10**6):06}"


def person(reference: str) -> sqlite3.Row:
    """By the sandbox's own id, wa_id (with or without +), BSUID, PSID, IGSID or @name on Instagram. Raises Unknown."""
    found = world.row(
        "SELECT * FROM people WHERE id = ? OR user_id = ? OR wa_id = ? OR '@' || instagram = ? OR id IN "
        "(SELECT person FROM scoped WHERE id = ?) LIMIT 1",
        *(reference, reference, reference.lstrip("+") or "-", reference, reference),
    )
    if not found:
        raise Unknown("There is no such person in the sandbox.")
    return found


def number(phone_number_id: str) -> sqlite3.Row:
    """A business number with its business's columns (`waba_id`, `subscribed`, …). Raises Unknown."""
    found = world.row(
        "SELECT n.*, b.subscribed, b.portfolio, b.name AS business, b.callback AS waba_callback "
        "FROM numbers n JOIN businesses b USING (waba_id) WHERE n.phone_number_id = ?",
        phone_number_id,
    )
    if not found:
        raise Unknown("There is no such business number in the sandbox.")
    return found


def channel(channel_id: str) -> str:
    """The id itself, if a number, a Page or an Instagram account has it. Raises Unknown."""
    for table, column in (("numbers", "phone_number_id"), ("accounts", "id")):
        if world.row(f"SELECT 1 FROM {table} WHERE {column} = ?", channel_id):  # noqa: S608 - names from this line
            return channel_id
    raise Unknown("There is no such number, Page or Instagram account in the sandbox.")


def as_number(found: sqlite3.Row) -> envelopes.Number:
    """For webhook bodies."""
    return envelopes.Number(found["phone_number_id"], found["waba_id"], found["display"])


def as_person(found: sqlite3.Row, waba_id: str) -> envelopes.Person:
    """For webhook bodies: as this business sees the person."""
    seen = json.loads(found["user_ids"]).get(waba_id) or found["user_id"]
    return envelopes.Person(found["wa_id"] or "", seen, found["name"], found["username"])


def callback(found: sqlite3.Row) -> str:
    """Where webhooks of a number go (number before WABA before app); empty while nobody is subscribed."""
    if not found["subscribed"]:
        return ""
    return str(found["callback"] or found["waba_callback"] or world.app_callback("whatsapp"))


def set_offline(person_id: str, offline: bool) -> None:
    """Switch a phone off or on."""
    with world.write() as db:
        db.execute("UPDATE people SET offline = ? WHERE id = ?", (int(offline), person_id))


def token_row(token: str) -> sqlite3.Row | None:
    """A token that is alive, or None."""
    found = world.row("SELECT * FROM tokens WHERE token = ? AND revoked = 0", token)
    return None if found and found["expires"] and found["expires"] < world.now() else found


def revoke(token: str, revoked: bool = True) -> None:
    """What happens when a customer removes the app, and back."""
    with world.write() as db:
        db.execute("UPDATE tokens SET revoked = ? WHERE token = ?", (int(revoked), token))


def proof(token: str) -> str:
    """The appsecret_proof that belongs to a token."""
    return hmac.new(settings.META_APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()
