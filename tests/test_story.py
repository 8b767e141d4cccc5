"""The whole story in a real browser, on real processes: a message comes in, is answered, and is purged on time."""

import os
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from accounts.models import Workspace
from channels_app.sandbox import world
from conversations import demo
from conversations.models import Conversation, Message
from omnistra.core.tenancy import workspace_scope
from privacy import retention
from tests.browser_ready import find
from tests.product import Product

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """A Chromium; without one the test is skipped, and with CI=true that is a failure."""
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("No Chromium for the browser tests.")
        pytest.skip("NO CHROMIUM: the browser tests are skipped.")
    # The driver runs an event loop in this thread; our own database calls in between are plain ones.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def product(committed, servers, tmp_path) -> Iterator[Product]:
    """The product with its demo workspace, as processes."""
    world.reset()
    running = Product(tmp_path, SANDBOX_PACE="0.2")
    call_command("demo", verbosity=0)
    running.start("platform", "web", "worker")
    try:
        yield running
    finally:
        running.stop()


def _sign_in(page, product: Product) -> None:
    page.goto(f"{product.url}/accounts/login/")
    page.fill("[name=login]", demo.EMAIL)
    page.fill("[name=password]", demo.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/inbox/"))


@pytest.mark.browser
@pytest.mark.timeout(150)
def test_a_message_arrives_without_a_reload_is_answered_by_keyboard_and_its_ticks_move(browser, product):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if "Content Security Policy" in line.text else None)
    page.on(
        "request",
        lambda each: troubles.append(each.url) if not each.url.startswith((product.url, "data:", "blob:")) else None,
    )
    _sign_in(page, product)
    page.wait_for_timeout(1000)  # the event stream opens

    write = {"phone_id": demo.PHONE_ID, "wa_id": "351910000455", "text": "Chegamos às três, pode ser?"}
    platform = f"http://127.0.0.1:{product.platform_port}/sandbox/api"
    assert "result" in requests.post(f"{platform}/write/", json=write, timeout=10).json()
    first = page.locator("#rows .conversation").first
    first.get_by_text("Chegamos às três").wait_for(timeout=10_000)
    assert "is-unread" in (first.get_attribute("class") or "")

    first.click()
    composer = page.locator("#composer-text")
    composer.wait_for()
    composer.fill("Claro, até já!")
    composer.press("Enter")
    bubble = page.locator(".bubble", has_text="Claro, até já!").last
    bubble.wait_for(timeout=5000)
    bubble.get_by_text("Delivered").or_(bubble.locator("[aria-label='Delivered']")).first.wait_for(
        state="attached", timeout=15_000
    )
    requests.post(f"{platform}/look/", json={"phone_id": demo.PHONE_ID, "wa_id": "351910000455"}, timeout=10)
    bubble.get_by_text("Read", exact=True).or_(bubble.locator("[aria-label='Read']")).first.wait_for(
        state="attached", timeout=15_000
    )
    sent = requests.post(f"{platform}/sent/", json={}, timeout=10).json()["messages"]
    assert [each["text"] for each in sent].count("Claro, até já!") == 1
    assert troubles == []
    context.close()


@pytest.mark.clause("10b")
@pytest.mark.timeout(150)
def test_retention_of_one_day_purges_what_is_older_and_nothing_else(product):
    workspace = Workspace.objects.get(slug=demo.SLUG)
    with workspace_scope(workspace.pk):
        with transaction.atomic():
            edge = timezone.now() - timedelta(days=1)
            old = set(Conversation.objects.filter(last_message_at__lt=edge).values_list("pk", flat=True))
            kept = set(Conversation.objects.filter(last_message_at__gte=edge).values_list("pk", flat=True))
            from accounts.audit import Actor
            from accounts.models import Membership

            retention.change(
                retention.Settings(retention.Days(conversation=1), {}), Actor.member(Membership.objects.first())
            )
            preview = retention.preview(retention.current())
        assert old and kept
        run = retention.purge(workspace.pk, "member")
        with transaction.atomic():
            assert set(Conversation.objects.values_list("pk", flat=True)) == kept
            assert not Message.objects.exclude(conversation_id__in=kept).exists()
    assert run is not None and run.finished_at
    assert {name: run.counts.get(name, 0) for name in preview} == preview


@pytest.mark.browser
@pytest.mark.timeout(120)
def test_the_inbox_works_without_javascript(browser, product):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{product.url}/accounts/login/")
    page.fill("[name=login]", demo.EMAIL)
    page.fill("[name=password]", demo.PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(re.compile("/inbox/"))
    page.locator("#rows .conversation").first.click()
    page.fill("#composer-text", "Sent without a script")
    page.locator("#composer button[type=submit]").click()
    page.locator(".bubble", has_text="Sent without a script").wait_for(timeout=10_000)
    context.close()
