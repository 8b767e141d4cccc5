"""What the tests of connecting share: a stand-in that plays Meta, and providers of Pages and Instagram accounts."""

from collections.abc import Mapping
from typing import Any

import pytest

from channels_app.contract import ChannelFacts
from channels_app.login import calls
from channels_app.registry import PROVIDERS
from channels_app.sandbox import login as sandbox_login
from channels_app.sandbox.server import StandIn

PAGE, IG, USER = "110000000000901", "17841400000004101", "700000000000042"


class PageProvider:
    """As much of a provider as connecting asks for: it subscribes at the stand-in as the platform's own one does."""

    label = "A platform"

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.unsubscribed: list[str] = []

    def check(self, external_id: str, account_id: str, credentials: Mapping[str, Any]) -> ChannelFacts:
        return ChannelFacts(f"{self.slug} {external_id}", "@northwind", 100)

    def subscribe(self, account_id: str, credentials: Mapping[str, Any]) -> None:
        from channels_app.providers.meta.messaging import PAGE_FIELDS

        sandbox_login.set_subscription(account_id, sorted(PAGE_FIELDS))

    def unsubscribe(self, account_id: str, credentials: Mapping[str, Any]) -> None:
        self.unsubscribed.append(account_id)


@pytest.fixture
def platforms(monkeypatch) -> dict[str, PageProvider]:
    """Messenger and Instagram are there."""
    made = {slug: PageProvider(slug) for slug in ("messenger", "instagram")}
    for slug, each in made.items():
        monkeypatch.setitem(PROVIDERS, slug, each)
    return made


@pytest.fixture
def meta(settings, tmp_path, monkeypatch):
    """The stand-in, on an address of its own, with one business number."""
    settings.SANDBOX_DB = tmp_path / "world.db"
    with StandIn() as running:
        settings.META_GRAPH_URL = settings.INSTAGRAM_GRAPH_URL = running.graph_url
        settings.INSTAGRAM_API_URL = f"{running.url}/sandbox/instagram"
        settings.META_LOGIN_URL = settings.INSTAGRAM_LOGIN_URL = f"{running.url}/sandbox/login"
        yield running


def redirect() -> str:
    """Where logins come back to."""
    return calls.redirect_uri()
