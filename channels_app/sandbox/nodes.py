"""What the Graph API shows of its objects: numbers, business accounts, tokens, and the choice of fields."""

import json
import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from . import accounts, directory, world
from .errors import GraphError

JSON = dict[str, Any]
NUMBER_DEFAULTS = (
    *("id", "verified_name", "code_verification_status", "display_phone_number"),
    *("quality_rating", "platform_type", "throughput", "webhook_configuration"),
)
_NESTED = re.compile(r"\{[^}]*\}|\.\w+\(\w+\)")  # what is chosen of an inner object: it is given whole
SIGNED_IN = "700000000000042"  # the one person who signs in at Facebook here
BUSINESS_DEFAULTS = ("id", "name", "timezone_id", "message_template_namespace")


def number(found: sqlite3.Row) -> JSON:
    """Every field of a business phone number that the stand-in knows."""
    registered = bool(found["registered"])
    return {
        "id": found["phone_number_id"],
        "display_phone_number": found["display"],
        "verified_name": found["verified_name"],
        "name_status": "APPROVED",
        "code_verification_status": "VERIFIED",
        "quality_rating": found["quality"],
        "throughput": {"level": "STANDARD"},
        "platform_type": "CLOUD_API" if registered else "NOT_APPLICABLE",
        "status": "CONNECTED" if registered else "DISCONNECTED",
        "is_official_business_account": False,
        "is_on_biz_app": bool(found["on_phone"]),
        "account_mode": "LIVE",
        "health_status": _health("PHONE_NUMBER", found["phone_number_id"]),
        "webhook_configuration": {
            name: uri
            for name, uri in (
                ("phone_number", found["callback"]),
                ("whatsapp_business_account", found["waba_callback"]),
                ("application", world.app_callback("whatsapp")),
            )
            if uri
        },
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
    }


def business(found: sqlite3.Row) -> JSON:
    """Every field of a WhatsApp Business Account that the stand-in knows."""
    return {
        "id": found["waba_id"],
        "name": found["name"],
        "currency": "EUR",
        "timezone_id": "71",
        "message_template_namespace": "9f5c1d2e_7a31_4c55_a7d0_000000000001",
        "account_review_status": "APPROVED",
        "owner_business_info": {"id": found["portfolio"], "name": found["name"]},
        "health_status": _health("WABA", found["waba_id"]),
    }


def app_id() -> str:
    """The id of the product's app at Meta."""
    return str(settings.META_APP_ID or "880011223344556")


def token(value: str) -> JSON:
    """What debug_token says of a token."""
    found = directory.token_row(value)
    if not found:
        error = {"code": 190, "message": "Error validating access token: it has expired or was invalidated."}
        return {"is_valid": False, "error": error, "scopes": []}
    opens, scopes = json.loads(found["opens"]), json.loads(found["scopes"])
    return {
        "app_id": app_id(),
        "type": {"page": "PAGE", "user": "USER"}.get(found["kind"], "SYSTEM_USER"),
        "application": "Omnistra",
        "data_access_expires_at": 0,
        "expires_at": found["expires"],
        "is_valid": True,
        "issued_at": found["issued"],
        "scopes": scopes,
        "granular_scopes": [{"scope": scope, "target_ids": opens[::-1]} for scope in scopes],
        "user_id": "122000000000001",
    }


def page(found: sqlite3.Row) -> JSON:
    """Every field of a Page that the stand-in knows."""
    linked = accounts.linked(found["id"])
    names = {"id": linked["id"], "username": linked["username"], "name": linked["name"]} if linked else None
    return {
        "id": found["id"],
        "name": found["name"],
        "username": found["username"],
        "tasks": json.loads(found["tasks"]),
        "access_token": accounts.token_of(found["id"]),
        "instagram_business_account": names,
        "picture": None,
    }


def app_scoped_id(ig_id: str) -> str:
    """How Instagram names an account to this app alone, at sign-in and in requests to delete data."""
    return f"27{ig_id[-12:]}"


def instagram(found: sqlite3.Row) -> JSON:
    """Every field of an Instagram account that the stand-in knows. `id` is the app-scoped one, and `user_id` comes as
    a number (facts of Instagram 2)."""
    return {
        "id": app_scoped_id(found["id"]),
        "user_id": int(found["id"]),
        "username": found["username"],
        "name": found["name"],
        "account_type": "BUSINESS",
        "profile_picture_url": "",
    }


def profile(app: str, person: sqlite3.Row, scoped_id: str) -> JSON:
    """What a person shows to a Page or to an Instagram account that they wrote to."""
    first, _, last = person["name"].partition(" ")
    if app == "instagram":
        return {
            "id": scoped_id,
            "name": person["name"],
            "username": person["instagram"],
            "profile_pic": "",
            "follower_count": 12,
            "is_user_follow_business": True,
            "is_business_follow_user": False,
            "is_verified_user": False,
        }
    return {
        "id": scoped_id,
        "first_name": first,
        "last_name": last,
        "name": person["name"],
        "profile_pic": "",
        "locale": "en_GB",
        "timezone": 0,
        "gender": "",
    }


def select(node: JSON, fields: str, defaults: Sequence[str]) -> JSON:
    """The fields asked for (comma-separated), or the usual ones; always the id. GraphError 100 for an
    unknown one."""
    names = [name.strip() for name in _NESTED.sub("", fields).split(",") if name.strip()] or list(defaults)
    for name in names:
        if name not in node:
            words = f"Tried accessing nonexisting field ({name})"
            raise GraphError(100, words, message=f"(#100) {words}")
    return {name: node[name] for name in dict.fromkeys([*names, "id"]) if node[name] is not None}


def _health(kind: str, object_id: str) -> JSON:
    entity = {"entity_type": kind, "id": object_id, "can_send_message": "AVAILABLE"}
    return {"can_send_message": "AVAILABLE", "entities": [entity]}
