"""Facebook Login: the Pages of a person, and the Instagram accounts that are linked to them (providers/messenger.md 2,
instagram.md 1, flavour B)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from channels_app.login.calls import AppKeys, Found, LoginFailed, Offer, call, graph, lacking, redirect_uri, rows, text
from channels_app.login.whatsapp import inspect
from channels_app.models import App

_PAGE_RIGHTS = {
    "pages_show_list": "see your Pages",
    "pages_messaging": "receive and send the Page's messages",
    "pages_manage_metadata": "have messages sent to us",
    "pages_read_engagement": "see the Page's name",
}
_TASKS = {"MESSAGING": "answer messages", "MODERATE": "manage what apps see"}
_ACCOUNT = "instagram_business_account{id,username,name}"
_MAX_PAGES = 5  # of 100 Pages each


class FacebookLogin:
    """See calls.Flow."""

    slug = "messenger"
    provider = "messenger"
    app: App = App.META
    label = "Messenger"
    platform = "Facebook"
    rights: Mapping[str, str] = _PAGE_RIGHTS
    fields = "id,name,access_token,tasks"

    def is_set_up(self) -> bool:
        """See calls.Flow."""
        return bool(settings.META_APP_ID and settings.META_APP_SECRET)

    def dialog(self, app: AppKeys, state: str) -> str:
        """Step 1."""
        query = {"client_id": app.id, "redirect_uri": redirect_uri(), "response_type": "code", "state": state}
        if settings.META_LOGIN_CONFIG_ID and not app.is_own:
            query["config_id"] = settings.META_LOGIN_CONFIG_ID
        else:
            query |= {"scope": ",".join([*self.rights, "business_management"]), "auth_type": "rerequest"}
        return f"{settings.META_LOGIN_URL}/{settings.META_GRAPH_VERSION}/dialog/oauth?{urlencode(query)}"

    def find(self, app: AppKeys, code: str) -> Found:
        """Steps 2 to 5: the Page tokens of a long-lived user token have no fixed end; the user token itself is dropped."""
        short = self._token(app, {"redirect_uri": redirect_uri(), "code": code})
        long = self._token(app, {"grant_type": "fb_exchange_token", "fb_exchange_token": short})
        facts = inspect(long)
        if words := lacking(self.rights, map(text, facts.get("scopes") or [])):
            raise LoginFailed(f"These rights were not given: {words}. Start again and leave everything ticked.")
        user_id = text(call("GET", graph("me"), token=long, params={"fields": "id"}).get("id"), 64)
        offers = tuple(self.offer(page) for page in self._pages(long))
        if not offers:
            raise LoginFailed("Facebook shows no Page of yours. Start again and tick the Pages to connect.")
        return Found(user_id, offers)

    def _token(self, app: AppKeys, what: Mapping[str, str]) -> str:
        query = {"client_id": app.id, "client_secret": app.secret, **what}
        token = text(call("GET", graph("oauth/access_token"), params=query).get("access_token"), 4096)
        if not token:
            raise LoginFailed("Facebook gave no access. Try again.")
        return token

    def _pages(self, token: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        after = ""
        for _ in range(_MAX_PAGES):
            query = {"fields": self.fields, "limit": "100"} | ({"after": after} if after else {})
            answer = call("GET", graph("me/accounts"), token=token, params=query)
            found += rows(answer)
            paging = answer.get("paging")
            cursors = paging.get("cursors") if isinstance(paging, dict) else None
            after = text(cursors.get("after"), 1000) if isinstance(cursors, dict) and paging.get("next") else ""  # type: ignore[union-attr]
            if not after:
                break
        return found

    def offer(self, page: Mapping[str, Any]) -> Offer:
        """A Page, with the tasks of it that the person lacks."""
        page_id = text(page.get("id"), 64)
        return Offer(
            provider="messenger", external_id=page_id, account_id=page_id, name=text(page.get("name"), 120),
            credentials={"token": text(page.get("access_token"), 4096)}, missing=missing_tasks(page),
        )  # fmt: skip


class InstagramByPage(FacebookLogin):
    """See calls.Flow; the account is offered under the Page that it is linked to."""

    slug = "instagram-page"
    provider = "instagram"
    label = "Instagram by a Facebook Page"
    rights: Mapping[str, str] = {
        **_PAGE_RIGHTS,
        "instagram_basic": "see the Instagram account",
        "instagram_manage_messages": "receive and send the account's messages",
    }
    fields = f"id,name,access_token,tasks,{_ACCOUNT}"

    def offer(self, page: Mapping[str, Any]) -> Offer:
        """The Instagram account of a Page."""
        page_id, account = text(page.get("id"), 64), page.get("instagram_business_account")
        token = text(page.get("access_token"), 4096)
        if not isinstance(account, dict):
            return Offer(
                provider="instagram", external_id=f"page-{page_id}", account_id=page_id, name=text(page.get("name"), 120),
                missing="No Instagram account is linked to this Page. Link it in the Page's settings, then start again.",
            )  # fmt: skip
        username = text(account.get("username"), 63)
        return Offer(
            provider="instagram", external_id=text(account.get("id"), 64), account_id=page_id,
            name=text(account.get("name"), 120) or username, address=f"@{username}" if username else "",
            credentials={"token": token, "page_id": page_id}, missing=missing_tasks(page),
        )  # fmt: skip


def missing_tasks(page: Mapping[str, Any]) -> str:
    """What the person may not do on the Page, in words."""
    tasks = page.get("tasks")
    held = {text(each) for each in tasks} if isinstance(tasks, list) else set()
    words = [f"{what} ({task})" for task, what in _TASKS.items() if task not in held]
    return f"You lack the right to {' and to '.join(words)} on this Page." if words else ""
