"""What the Graph API shows of its objects: numbers, business accounts, tokens, and the choice of fields."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from . import directory, world
from .errors import GraphError

JSON = dict[str, Any]
NUMBER_DEFAULTS = (
    *("id", "verified_name", "code_verification_status", "display_phone_number"),
    *("quality_rating", "platform_type", "throughput", "webhook_configuration"),
)
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
        "is_on_biz_app": False,
        "account_mode": "LIVE",
        "health_status": _health("PHONE_NUMBER", found["phone_number_id"]),
        "webhook_configuration": {
            name: uri
            for name, uri in (
                ("phone_number", found["callback"]),
                ("whatsapp_business_account", found["waba_callback"]),
                ("application", world.setting("callback") or f"{settings.BASE_URL}/webhooks/whatsapp/"),
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


def token(value: str) -> JSON:
    """What debug_token says of a token."""
    found = directory.token_row(value)
    if not found:
        error = {"code": 190, "message": "Error validating access token: it has expired or was invalidated."}
        return {"is_valid": False, "error": error, "scopes": []}
    wabas, scopes = json.loads(found["waba_ids"]), json.loads(found["scopes"])
    return {
        "app_id": str(settings.META_APP_ID),
        "type": "SYSTEM_USER",
        "application": "Omnistra",
        "data_access_expires_at": 0,
        "expires_at": found["expires"],
        "is_valid": True,
        "issued_at": found["issued"],
        "scopes": scopes,
        "granular_scopes": [{"scope": scope, "target_ids": wabas[::-1]} for scope in scopes],
        "user_id": "122000000000001",
    }


def select(node: JSON, fields: str, defaults: Sequence[str]) -> JSON:
    """The fields asked for (comma-separated), or the usual ones; always the id. GraphError 100 for an
    unknown one."""
    names = [name.strip() for name in fields.split(",") if name.strip()] or list(defaults)
    for name in names:
        if name not in node:
            words = f"Tried accessing nonexisting field ({name})"
            raise GraphError(100, words, message=f"(#100) {words}")
    return {name: node[name] for name in dict.fromkeys([*names, "id"])}


def _health(kind: str, object_id: str) -> JSON:
    entity = {"entity_type": kind, "id": object_id, "can_send_message": "AVAILABLE"}
    return {"can_send_message": "AVAILABLE", "entities": [entity]}
