"""The phone page in a real browser: each app, what is tapped, and a bubble's menu."""

import pytest

from tests.channels_app.sandbox.conftest import ACCOUNT, ACCOUNT_TOKEN, IGSID, NUMBER, PAGE, PERSON, WABA


@pytest.fixture
def open_phone(browser, pages):
    """The page at a width, in a theme, with Lena's chat open; it must run without an error."""
    opened, errors = [], []

    def show(width=1440, theme="light", path=""):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.goto(f"{pages.base_url}/sandbox/?theme={theme}{path}")
        page.locator("#people [data-person]").first.wait_for(state="attached")
        opened.append(page)
        return page

    yield show
    for page in opened:
        page.close()
    assert errors == []


@pytest.fixture
def busy(pages, graph):
    """A chat in each app, with something to tap."""
    pages.use_on_phone(NUMBER)
    for channel in (NUMBER, PAGE, ACCOUNT):
        pages.send(channel, PERSON, text="Is it green?")
        pages.send(channel, PERSON, sample="leaf")
    buttons = [{"type": "reply", "reply": {"id": "yes", "title": "Yes, today"}}]
    interactive = {"type": "button", "body": {"text": "Shall we send it?"}, "action": {"buttons": buttons}}
    sent = {"messaging_product": "whatsapp", "to": f"+{PERSON}", "type": "interactive", "interactive": interactive}
    assert graph("POST", f"{NUMBER}/messages", json=sent).status_code == 200
    replies = [{"content_type": "text", "title": "Blue", "payload": "BLUE"}]
    message = {"text": "Which colour?", "quick_replies": replies}
    sent = {"recipient": {"id": IGSID}, "message": message}
    assert graph("POST", f"{ACCOUNT}/messages", token=ACCOUNT_TOKEN, json=sent).status_code == 200
    assert pages.settle()


@pytest.mark.browser
def test_what_is_tapped_edited_and_taken_back_on_the_phone_is_told(open_phone, busy, pages, receiver):
    page = open_phone()
    page.get_by_role("button", name="Yes, today").click()
    page.locator(".mine", has_text="Yes, today").wait_for()
    page.get_by_role("button", name="Instagram").click()
    page.get_by_role("button", name="Blue").click()
    page.locator(".mine", has_text="Blue").wait_for()
    page.locator(".mine", has_text="Is it green?").click(button="right")
    page.get_by_role("menuitem", name="Edit").click()
    page.fill("#composer-text", "Is it blue?")
    page.press("#composer-text", "Enter")
    page.locator(".mine", has_text="Is it blue?").get_by_text("edited").wait_for()
    page.locator(".mine", has_text="Is it blue?").press("m")
    page.get_by_role("menuitem", name="Unsend").click()
    page.get_by_text("You took this message back").wait_for()
    assert pages.settle()
    elements = receiver.elements()
    assert [each["message_edit"]["text"] for each in elements if "message_edit" in each] == ["Is it blue?"]
    assert elements[-1]["message"]["is_deleted"] is True
    assert receiver.values()[-1]["messages"][0]["interactive"]["button_reply"]["id"] == "yes"


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_app_is_accessible_and_fits(open_phone, busy, pages, theme, width):
    from axe_playwright_python.sync_playwright import Axe

    pages.place_template(WABA, "order_ready", "en", [{"type": "BODY", "text": "Your order is ready."}])
    page = open_phone(width, theme)
    for app in ("WhatsApp", "Messenger", "Instagram"):
        page.get_by_role("button", name=app, exact=True).click()
        page.locator(".mine", has_text="Is it green?").wait_for()
        if width > 1000:
            page.locator(".mine", has_text="Is it green?").click(button="right")
            page.get_by_role("menu").wait_for()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
def test_an_app_without_a_channel_opens_one(browser, meta):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{meta.base_url}/sandbox/")
    page.get_by_role("button", name="Messenger").click()
    page.get_by_role("button", name="Open Northwind Tea's Page").click()
    page.locator("#connect", has_text="Access token").wait_for()
    assert meta.create_page(page_id="110000000004101", name="Northwind Tea")["token"] in page.inner_text("#connect")
    page.close()
