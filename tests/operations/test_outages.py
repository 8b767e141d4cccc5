"""A real database and a real broker that go away while the product runs, and come back."""

import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from django.db import connections, transaction

from channels_app.models import RawEvent
from conversations.models import Contact, Conversation, Message
from omnistra.core.tenancy import system_scope, workspace_scope
from tests.channels_app.test_webhooks import sign
from tests.conversations.webhooks import body, connect, text
from tests.product import Product

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


@pytest.fixture
def product(committed, servers, tmp_path) -> Iterator[Product]:
    running = Product(tmp_path)
    running.start("web", "worker")
    try:
        yield running
    finally:
        running.stop()


def webhook(channel, number: int) -> bytes:
    return body((channel, text(f"wamid.{number}", f"text {number}", START + timedelta(seconds=number))))


def post(product: Product, content: bytes) -> int:
    """The status of one signed webhook."""
    headers = {"X-Hub-Signature-256": sign(content), "Content-Type": "application/json"}
    return requests.post(f"{product.url}/webhooks/whatsapp/", content, headers=headers, timeout=30).status_code


def status(product: Product, path: str) -> int:
    return requests.get(product.url + path, timeout=30, allow_redirects=False).status_code


def forget_connections() -> None:
    """This process' own connections were cut as well."""
    for each in connections.all():
        each.close()
        if getattr(each, "pool", None):
            each.close_pool()


def messages(workspace) -> list[str]:
    with workspace_scope(workspace.pk), transaction.atomic():
        return [message.text for message in Message.objects.order_by("provider_at")]


def wait_for(workspace, wanted: int, seconds: float) -> list[str]:
    end = time.monotonic() + seconds
    while len(found := messages(workspace)) < wanted and time.monotonic() < end:
        time.sleep(0.2)
    return found


@pytest.mark.fault
@pytest.mark.clause("3b")
@pytest.mark.timeout(180)
def test_with_the_database_away_webhooks_are_answered_503_and_nothing_is_lost_or_half_written(
    product, workspace, servers
):
    channel = connect(workspace)
    assert post(product, webhook(channel, 0)) == 200
    answers: dict[int, list[int]] = {number: [] for number in range(1, 41)}

    def deliver_until_taken() -> None:
        for number, got in answers.items():  # as the platform does: again until it is taken
            while not got or got[-1] != 200:
                got.append(post(product, webhook(channel, number)))
                time.sleep(0.02)

    platform = threading.Thread(target=deliver_until_taken)
    platform.start()
    time.sleep(0.2)
    servers.postgres.stop()
    try:
        begun = time.monotonic()
        assert post(product, webhook(channel, 99)) == 503
        assert time.monotonic() - begun < 10, "the platform would have hung up"
        assert status(product, "/healthz") == 200
        assert status(product, "/readyz") == 503
        for path in ("/accounts/login/", "/w/northwind/inbox/", "/privacy/"):
            answer = requests.get(product.url + path, timeout=30)
            assert answer.status_code == 503 and "Back in a moment" in answer.text, path
    finally:
        servers.postgres.start()
        forget_connections()
    platform.join(60)
    assert not platform.is_alive()
    assert {code for got in answers.values() for code in got} == {200, 503}
    assert wait_for(workspace, 41, 30) == [f"text {number}" for number in range(41)]
    with workspace_scope(workspace.pk), transaction.atomic():
        assert Contact.objects.count() == Conversation.objects.count() == 1
        assert Conversation.objects.get().unread_count == 41
    with system_scope("test"), transaction.atomic():
        assert RawEvent.objects.filter(state="done").count() == RawEvent.objects.count() == 41
    for path in ("/readyz", "/accounts/login/", "/privacy/"):
        assert status(product, path) == 200, path


@pytest.mark.fault
@pytest.mark.clause("3b")
@pytest.mark.timeout(120)
def test_with_the_broker_away_webhooks_and_pages_go_on_and_the_sweep_catches_up(product, workspace, owner, servers):
    channel = connect(workspace)
    servers.valkey.stop()
    try:
        for number in range(5):
            begun = time.monotonic()
            assert post(product, webhook(channel, number)) == 200
            assert time.monotonic() - begun < 2
        assert status(product, "/readyz") == 200
        browser = requests.Session()
        page = browser.get(f"{product.url}/accounts/login/", timeout=30)
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[0]
        form = {"login": owner.email, "password": "correct-horse-battery", "csrfmiddlewaretoken": token}
        page = browser.post(f"{product.url}/accounts/login/", form, timeout=30)
        assert page.status_code == 200 and page.url.endswith("/w/northwind/inbox/"), (page.status_code, page.url)
    finally:
        servers.valkey.start()
    assert wait_for(workspace, 5, 40) == [f"text {number}" for number in range(5)]
