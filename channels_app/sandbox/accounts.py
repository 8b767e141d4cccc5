"""Facebook Pages and Instagram accounts: who they are, who a person is for each of them, and where their webhooks go
(facts of Messenger 1 and 2, of Instagram 1 to 3)."""

import json
import secrets
import sqlite3
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from . import directory, world

JSON = dict[str, Any]
TASKS = ("ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE")
PAGE_SCOPES = ("pages_show_list", "pages_messaging", "pages_manage_metadata", "pages_read_engagement")
LINKED_SCOPES = ("instagram_basic", "instagram_manage_messages")
INSTAGRAM_SCOPES = ("instagram_business_basic", "instagram_business_manage_messages")
PAGE_FIELDS = (
    "messages", "message_echoes", "message_deliveries", "message_reads", "message_reactions", "message_edits",
    "messaging_postbacks", "messaging_referrals", "messaging_optins", "messaging_handovers", "standby",
    "messaging_policy_enforcement", "response_feedback", "send_cart", "messaging_account_linking",
    "messaging_feedback", "messenger_template_status_update", "feed",
)  # fmt: skip
INSTAGRAM_FIELDS = (
    "messages", "message_edit", "message_reactions", "messaging_postbacks", "messaging_referral", "messaging_seen",
    "messaging_optins", "messaging_handover", "standby", "comments", "live_comments", "mentions", "message_echoes",
    "story_insights",
)  # fmt: skip
# What happens -> the field of a Page under which it is told. Echoes of Instagram come with `messages`.
FIELD_OF = {
    "message": "messages", "echo": "message_echoes", "delivery": "message_deliveries", "read": "message_reads",
    "reaction": "message_reactions", "message_edit": "message_edits", "postback": "messaging_postbacks",
    "referral": "messaging_referrals", "control": "messaging_handovers", "standby": "standby",
    "policy_enforcement": "messaging_policy_enforcement", "optin": "messaging_optins",
}  # fmt: skip


def create_page(
    *, page_id: str, name: str, username: str = "", token: str = "", subscribed: bool = False,
    tasks: Sequence[str] = TASKS,
) -> JSON:  # fmt: skip
    """A Facebook Page and a token that opens it. Webhooks flow only once an app subscribed to fields of it
    (`POST /{page_id}/subscribed_apps`), or with `subscribed`. `tasks`: what the person who signs in may do on it. Gives
    what one types into the product's connect form."""
    token = token or token_of(page_id) or "EAAP" + secrets.token_hex(48)
    with world.write() as db:
        _keep(page_id, "messenger", name, username, "", PAGE_FIELDS if subscribed else ())
        db.execute("UPDATE accounts SET tasks = ? WHERE id = ?", (json.dumps(list(tasks)), page_id))
        directory.open_with(token, page_id, (*PAGE_SCOPES, *LINKED_SCOPES), kind="page")
    return {"page_id": page_id, "name": name, "token": token, "subscribed": subscribed}


def create_instagram(
    *, ig_id: str, username: str, name: str = "", page_id: str = "", token: str = "", subscribed: bool = False
) -> JSON:
    """A professional Instagram account: with `page_id` linked to that Page, whose token opens it (flavour B), else with a
    token of its own (flavour A). Gives what one types into the product's connect form."""
    with world.write():
        if page_id:
            token = token_of(page_id)
        else:
            token = token or "IGAA" + secrets.token_hex(48)
            directory.open_with(token, ig_id, INSTAGRAM_SCOPES, kind="instagram")
        _keep(ig_id, "instagram", name or username, username, page_id, INSTAGRAM_FIELDS if subscribed else ())
    return {"ig_id": ig_id, "username": username, "page_id": page_id, "token": token, "subscribed": subscribed}


def _keep(account_id: str, app: str, name: str, username: str, page_id: str, fields: Sequence[str]) -> None:
    with world.write() as db:
        db.execute(
            "INSERT INTO accounts (id, app, name, username, page_id, fields) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) "
            "DO UPDATE SET name = excluded.name, username = excluded.username, page_id = excluded.page_id, "
            "fields = iif(excluded.fields = '[]', fields, excluded.fields)",
            (account_id, app, name, username, page_id, json.dumps(list(fields))),
        )


def find(account_id: str) -> sqlite3.Row | None:
    """A Page or an Instagram account, or None."""
    return world.row("SELECT * FROM accounts WHERE id = ?", account_id)


def account(account_id: str) -> sqlite3.Row:
    """A Page or an Instagram account. Raises directory.Unknown."""
    if found := find(account_id):
        return found
    raise directory.Unknown("There is no such Page or Instagram account in the sandbox.")


def linked(page_id: str) -> sqlite3.Row | None:
    """The Instagram account that is linked to a Page, or None."""
    return world.row("SELECT * FROM accounts WHERE app = 'instagram' AND page_id = ?", page_id)


def token_of(page_id: str) -> str:
    """The Page's own token."""
    found = world.row(
        "SELECT token FROM tokens WHERE kind = 'page' AND revoked = 0 AND opens = ?", json.dumps([page_id])
    )
    return str(found["token"]) if found else ""


def scoped_id(account_id: str, person_id: str) -> str:
    """The person's PSID or IGSID: another one for each Page and account, made at first use."""
    sql = "SELECT id FROM scoped WHERE account = ? AND person = ?"
    if found := world.row(sql, account_id, person_id):
        return str(found["id"])
    first = "61" if account(account_id)["app"] == "messenger" else "92"
    made = f"{first}{secrets.randbelow(10**14):014}"
    with world.write() as db:
        db.execute("INSERT OR IGNORE INTO scoped VALUES (?, ?, ?)", (account_id, person_id, made))
    return str(world.rows(sql, account_id, person_id)[0]["id"])


def person_of(account_id: str, scoped: str) -> sqlite3.Row | None:
    """Who is behind a PSID or an IGSID, or None."""
    return world.row(
        "SELECT p.* FROM people p JOIN scoped s ON s.person = p.id WHERE s.account = ? AND s.id = ?", account_id, scoped
    )


def doors(found: sqlite3.Row, kind: str) -> list[tuple[str, str]]:
    """Where the product is told of `kind` (see FIELD_OF): pairs of an address and whose secret signs (meta, instagram).
    Two, if an Instagram account is subscribed both by itself and through its Page."""
    url = world.app_callback(found["app"])
    if found["app"] == "messenger":
        return [(url, "meta")] if FIELD_OF[kind] in json.loads(found["fields"]) else []
    # Subscribing to one field of an Instagram account gives all of them.
    held = [(url, "instagram")] if json.loads(found["fields"]) else []
    page = find(found["page_id"])
    field = "messages" if kind == "echo" else FIELD_OF[kind]
    if page and field in json.loads(page["fields"]):
        held.append((url, "meta"))
    return held if found["access"] else []


def subscribe(account_id: str, fields: Sequence[str]) -> None:
    """What the app wants to be told from now on; nothing at all ends it."""
    with world.write() as db:
        db.execute("UPDATE accounts SET fields = ? WHERE id = ?", (json.dumps(list(fields)), account_id))


def allow_access(ig_id: str, allowed: bool) -> None:
    """The owner switches "Allow access to messages" in the Instagram app."""
    with world.write() as db:
        db.execute("UPDATE accounts SET access = ? WHERE id = ?", (int(allowed), ig_id))


def instagram_secret() -> str:
    """The Instagram app's secret; where none is set up, the Meta app's."""
    return str(getattr(settings, "INSTAGRAM_APP_SECRET", "") or settings.META_APP_SECRET)
