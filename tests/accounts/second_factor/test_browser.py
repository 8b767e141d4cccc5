"""Second factors in a real Chromium, with its virtual authenticator."""

import re

import pytest

from accounts.models import AuthenticatorApp
from conversations import demo
from tests.factors import code_from
from tests.product import Product
from tests.test_story import product as running  # noqa: F401  (a fixture)
from tests.test_story import sign_in, watched

SECURITY = "/accounts/security/"


@pytest.fixture
def product(running) -> Product:  # noqa: F811
    """The product by its name: a passkey belongs to a name, and an address of numbers is none."""
    running.url = f"http://localhost:{running.port}"
    return running


def begin(page, product: Product) -> None:
    """Signed in, on the page of security, freshly confirmed."""
    sign_in(page, product)
    page.goto(product.url + SECURITY)


def sign_in_again(page, product: Product) -> None:
    """Password, up to the second step."""
    page.context.clear_cookies()
    page.goto(f"{product.url}/accounts/login/")
    page.fill("[name=login]", demo.EMAIL)
    page.fill("[name=password]", demo.PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(re.compile("/accounts/second-factor/"))


@pytest.mark.browser
@pytest.mark.clause("12b")
@pytest.mark.timeout(150)
def test_a_passkey_is_made_and_used_and_a_recovery_code_helps_when_it_is_gone(browser, product):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    troubles = watched(page, product)
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    begin(page, product)
    page.goto(f"{product.url}/accounts/second-factor/set-up/passkey/")
    page.fill("[name=name]", "Virtual key")
    page.get_by_role("button", name="Make the passkey").click()
    codes = page.locator("body").inner_text()
    code = re.search(r"\b[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}\b", codes)
    assert code, codes
    sign_in_again(page, product)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile("/inbox/|/w/"))
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": made["authenticatorId"]})
    sign_in_again(page, product)
    page.fill("[name=code]", code.group(0))
    page.press("[name=code]", "Enter")
    page.wait_for_url(re.compile("/inbox/|/w/"))
    assert troubles == []
    context.close()


@pytest.mark.browser
@pytest.mark.clause("12b")
@pytest.mark.timeout(150)
def test_an_app_is_added_by_the_letters_on_the_page_without_javascript(browser, product):
    from base64 import b32decode

    page = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}).new_page()
    begin(page, product)
    page.goto(f"{product.url}/accounts/second-factor/set-up/app/")
    secret = b32decode(page.locator("#secret").inner_text().replace(" ", ""))
    assert page.locator("svg.qr, .qr-ground svg").count() == 1
    page.fill("[name=code]", code_from(secret))
    page.locator("form button[type=submit]", has_text="Add the app").click()
    page.get_by_text("recovery codes").first.wait_for()
    sign_in_again(page, product)
    page.fill("[name=code]", code_from(secret, 1))  # the one before was spent by adding the app
    page.press("[name=code]", "Enter")
    page.wait_for_url(re.compile("/inbox/|/w/"))
    assert AuthenticatorApp.objects.count() == 1
