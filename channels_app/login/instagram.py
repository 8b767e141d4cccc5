"""Instagram Login: a professional account without a Page (providers/instagram.md 2, flavour A)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone

from channels_app.login.calls import (
    AppKeys,
    Found,
    LoginFailed,
    Offer,
    call,
    ends_at,
    graph,
    lacking,
    redirect_uri,
    text,
)
from channels_app.models import App


class InstagramLogin:
    """See calls.Flow."""

    slug = "instagram"
    provider = "instagram"
    app: App = App.INSTAGRAM
    label = "Instagram"
    platform = "Instagram"
    rights: Mapping[str, str] = {
        "instagram_business_basic": "see the account",
        "instagram_business_manage_messages": "receive and send the account's messages",
    }

    def is_set_up(self) -> bool:
        """See calls.Flow."""
        return bool(settings.INSTAGRAM_APP_ID and settings.INSTAGRAM_APP_SECRET)

    def dialog(self, app: AppKeys, state: str) -> str:
        """Step 1."""
        query = {
            "client_id": app.id, "redirect_uri": redirect_uri(), "response_type": "code",
            "scope": ",".join(self.rights), "state": state,
        }  # fmt: skip
        return f"{settings.INSTAGRAM_LOGIN_URL}/oauth/authorize?{urlencode(query)}"

    def find(self, app: AppKeys, code: str) -> Found:
        """Steps 2 to 5. A token without the right to messages is dropped, and nothing is connected (case 169)."""
        form = {
            "client_id": app.id, "client_secret": app.secret, "grant_type": "authorization_code",
            "redirect_uri": redirect_uri(), "code": code.removesuffix("#_"),
        }  # fmt: skip
        short = _first(call("POST", f"{settings.INSTAGRAM_API_URL}/oauth/access_token", data=form))
        granted = short.get("permissions")
        names = granted.split(",") if isinstance(granted, str) else [text(each) for each in granted or []]
        if words := lacking(self.rights, [name.strip() for name in names]):
            raise LoginFailed(f"These rights were not given: {words}. Start again and leave everything ticked.")
        query = {
            "grant_type": "ig_exchange_token", "client_secret": app.secret,
            "access_token": text(short.get("access_token"), 4096),
        }  # fmt: skip
        now = timezone.now()
        long = call("GET", f"{settings.INSTAGRAM_GRAPH_URL}/access_token", params=query)
        token = text(long.get("access_token"), 4096)
        me = call(
            "GET", graph("me", settings.INSTAGRAM_GRAPH_URL), token=token,
            params={"fields": "id,user_id,username,name,account_type"},
        )  # fmt: skip
        account, username = text(me.get("user_id"), 64), text(me.get("username"), 63)
        if not token or not account:
            raise LoginFailed("Instagram gave no access. Try again.")
        kept = {"token": token, "issued_at": now.isoformat(), "expires_at": ends_at(long.get("expires_in"), now)}
        offer = Offer(
            provider="instagram", external_id=account, account_id=account, name=text(me.get("name"), 120) or username,
            address=f"@{username}" if username else "", credentials=kept,
        )  # fmt: skip
        # The id of deauthorise and deletion is the app-scoped one (whatsapp.md 17).
        return Found(text(me.get("id"), 64) or account, (offer,))


def _first(answer: dict[str, Any]) -> dict[str, Any]:
    """Step 3 has two shapes."""
    data = answer.get("data")
    return data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else answer


def renew(token: str, now: datetime) -> dict[str, str]:
    """Step 7: the credentials with another sixty days. Raises LoginFailed."""
    query = {"grant_type": "ig_refresh_token", "access_token": token}
    answer = call("GET", f"{settings.INSTAGRAM_GRAPH_URL}/refresh_access_token", params=query)
    fresh, end = text(answer.get("access_token"), 4096), ends_at(answer.get("expires_in"), now)
    if not fresh or not end:
        raise LoginFailed("Instagram's answer could not be read.")
    return {"token": fresh, "issued_at": now.isoformat(), "expires_at": end}
