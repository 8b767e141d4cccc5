"""A real Chromium for the browser tests."""

import os
from collections.abc import Iterator

import pytest

from tests.browser_ready import find

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
