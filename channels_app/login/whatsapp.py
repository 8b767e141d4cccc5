"""WhatsApp: Embedded Signup as a redirect, without a script of Meta's on our page (providers/whatsapp.md 3.1).

The ids that Meta's window would tell the page are not needed: the new token itself says which accounts it opens.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from channels_app.login.calls import AppKeys, Found, LoginFailed, Offer, call, graph, lacking, redirect_uri, rows, text
from channels_app.models import App

_NUMBER = "id,display_phone_number,verified_name,code_verification_status,platform_type,status,is_on_biz_app"
_MAX_ACCOUNTS = 20


class EmbeddedSignup:
    """See calls.Flow."""

    slug = "whatsapp"
    provider = "whatsapp"
    app: App = App.META
    label = "WhatsApp"
    platform = "Facebook"
    rights: Mapping[str, str] = {
        "whatsapp_business_management": "see the account, its numbers and templates",
        "whatsapp_business_messaging": "receive and send messages",
    }

    def is_set_up(self) -> bool:
        """See calls.Flow."""
        return bool(settings.META_APP_ID and settings.META_APP_SECRET and settings.META_SIGNUP_CONFIG_ID)

    def dialog(self, app: AppKeys, state: str) -> str:
        """Step 1, for the products that the login configuration names."""
        query = {"client_id": app.id, "redirect_uri": redirect_uri(), "response_type": "code", "state": state}
        if app.is_own:  # a company's own app opens the company's own accounts: plain Facebook Login does
            query["scope"] = ",".join([*self.rights, "business_management"])
        else:
            query |= {
                "config_id": settings.META_SIGNUP_CONFIG_ID, "override_default_response_type": "true",
                "extras": json.dumps({"setup": {}}),
            }  # fmt: skip
        return f"{settings.META_LOGIN_URL}/{settings.META_GRAPH_VERSION}/dialog/oauth?{urlencode(query)}"

    def find(self, app: AppKeys, code: str) -> Found:
        """Steps 3 and 4. The code lives 30 seconds."""
        query = {"client_id": app.id, "client_secret": app.secret, "redirect_uri": redirect_uri(), "code": code}
        token = text(call("GET", graph("oauth/access_token"), params=query).get("access_token"), 4096)
        if not token:
            raise LoginFailed("Facebook gave no access. Try again.")
        facts = inspect(token)
        if words := lacking(self.rights, map(text, facts.get("scopes") or [])):
            raise LoginFailed(f"These rights were not given: {words}. Start again and leave everything ticked.")
        offers = [offer for account in accounts(facts) for offer in _numbers(account, token)]
        if not offers:
            raise LoginFailed("No number was chosen at Facebook. Start again and choose or add one.")
        return Found(text(facts.get("user_id"), 64), tuple(offers))


def inspect(token: str) -> Mapping[str, Any]:
    """What the platform says of a token: is_valid, expires_at (0: never), scopes, granular_scopes. Raises LoginFailed."""
    facts = call("GET", graph("debug_token"), token=token, params={"input_token": token}).get("data")
    return facts if isinstance(facts, dict) else {}


def accounts(facts: Mapping[str, Any]) -> list[str]:
    """The business accounts that a token opens, the newest first."""
    found: dict[str, None] = {}
    for each in facts.get("granular_scopes") or []:
        if isinstance(each, dict) and each.get("scope") == "whatsapp_business_management":
            for target in each.get("target_ids") or []:
                if (name := text(target, 64)).isdigit():
                    found[name] = None
    return list(found)[:_MAX_ACCOUNTS]


def _numbers(account: str, token: str) -> list[Offer]:
    answer = call("GET", graph(f"{account}/phone_numbers"), token=token, params={"fields": _NUMBER, "limit": "200"})
    return [_offer(account, each, token) for each in rows(answer)]


def _offer(account: str, number: Mapping[str, Any], token: str) -> Offer:
    on_phone = number.get("is_on_biz_app") is True
    verified = number.get("code_verification_status") in ("VERIFIED", None) or on_phone
    return Offer(
        provider="whatsapp",
        external_id=text(number.get("id"), 64),
        account_id=account,
        name=text(number.get("verified_name"), 120),
        address=text(number.get("display_phone_number"), 64),
        credentials={"token": token},
        missing=""
        if verified
        else "The number is not verified. Verify it in Meta's WhatsApp manager, then start again.",
        needs_registration=not on_phone and number.get("platform_type") != "CLOUD_API",
    )


def register(external_id: str, token: str) -> str:
    """Step 6: the platform serves the number from now on; gives the PIN that protects it. Raises LoginFailed."""
    pin = f"{secrets.randbelow(10**6):06}"
    try:
        call(
            "POST", graph(f"{external_id}/register"), token=token,
            json={"messaging_product": "whatsapp", "pin": pin},
        )  # fmt: skip
    except LoginFailed as error:
        if error.code == 133005:
            raise LoginFailed(
                "This number already has a PIN. Switch two-step verification off in Meta's WhatsApp manager, then "
                "start again."
            ) from error
        if error.code == 133016:
            raise LoginFailed("This number was registered too often. Meta allows it again after 72 hours.") from error
        raise
    return pin
