"""The whole story in a real browser, on real processes: a message comes in, is answered, and is purged on time."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from accounts.models import Workspace
from channels_app.sandbox import world
from conversations import demo, story
from conversations.models import Conversation, Message
from omnistra.core.tenancy import workspace_scope
from privacy.models import PurgeRun
from tests.product import Product

SOMEONE, ANOTHER = [each.name for each in story.STORY if each.at == story.BERLIN and not each.closed][:2]
QUESTION, ANSWER = "Do you open at nine on Sunday?", "At ten. The kettle is on!"


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


def sign_in(page, product: Product) -> None:
    """As the demo's owner, by keyboard."""
    page.goto(f"{product.url}/accounts/login/")
    page.fill("[name=login]", demo.EMAIL)
    page.fill("[name=password]", demo.PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(re.compile("/inbox/"))


def watched(page, product: Product) -> list[str]:
    """What a page must not do: fail in a script, break its policy, ask anybody else for anything."""
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if "Content Security Policy" in line.text else None)
    page.on(
        "request",
        lambda each: troubles.append(each.url) if not each.url.startswith((product.url, "data:", "blob:")) else None,
    )
    return troubles


def tick(bubble, words: str):
    """The tick of a message, by what it says."""
    return bubble.get_by_text(words, exact=True).or_(bubble.locator(f"[aria-label='{words}']")).first


def become(phone, name: str) -> None:
    """Play this person on the phone page."""
    phone.locator("#people button", has_text=name).click()
    phone.locator("#people button[aria-current=true]", has_text=name).wait_for()


@pytest.mark.browser
@pytest.mark.clause("10b")
@pytest.mark.timeout(200)
def test_the_whole_story_from_the_customers_phone_to_the_purge(browser, product):
    inbox = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    phone = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    troubles = watched(inbox, product)
    sign_in(inbox, product)
    phone.goto(f"http://127.0.0.1:{product.platform_port}/sandbox/")

    # A customer writes on the phone; the message is in the inbox without a reload.
    inbox.evaluate("window.neverReloaded = true")
    become(phone, SOMEONE)
    phone.fill("#composer-text", QUESTION)
    phone.press("#composer-text", "Enter")
    first = inbox.locator("#rows .conversation").first
    first.get_by_text(QUESTION).wait_for(timeout=20_000)
    assert "is-unread" in (first.get_attribute("class") or "")
    become(phone, ANOTHER)  # nobody looks at the chat for a while

    # It is answered by keyboard, and the ticks move: delivered, and read once the customer looks.
    first.click()
    composer = inbox.locator("#composer-text")
    composer.fill(ANSWER)
    composer.press("Enter")
    bubble = inbox.locator(".bubble", has_text=ANSWER).last
    bubble.wait_for()
    tick(bubble, "Delivered").wait_for(state="attached", timeout=20_000)
    become(phone, SOMEONE)
    phone.locator("#messages", has_text=ANSWER).wait_for(timeout=20_000)
    tick(bubble, "Read").wait_for(state="attached", timeout=20_000)
    assert phone.locator("#messages").get_by_text(ANSWER, exact=True).count() == 1
    assert troubles == []

    _retention(inbox, product)
    assert troubles == []


@pytest.mark.browser
@pytest.mark.timeout(200)
@pytest.mark.parametrize(("app", "place"), [("Messenger", story.PAGE), ("Instagram", story.INSTAGRAM)])
def test_the_story_of_the_other_apps_with_a_word_taken_back(browser, product, app, place):
    somebody = next(each.name for each in story.STORY if each.at == place)
    inbox = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    phone = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    troubles = watched(inbox, product)
    sign_in(inbox, product)
    inbox.evaluate("window.neverReloaded = true")
    phone.goto(f"http://127.0.0.1:{product.platform_port}/sandbox/")
    phone.get_by_role("button", name=app).click()
    become(phone, somebody)
    phone.fill("#composer-text", QUESTION)
    phone.press("#composer-text", "Enter")

    first = inbox.locator("#rows .conversation").first
    first.get_by_text(QUESTION).wait_for(timeout=20_000)
    first.get_by_text(somebody).wait_for()
    first.click()
    inbox.locator("#composer-text").fill(ANSWER)
    inbox.locator("#composer-text").press("Enter")
    phone.locator("#messages", has_text=ANSWER).wait_for(timeout=20_000)
    assert phone.locator("#messages").get_by_text(ANSWER, exact=True).count() == 1

    if app == "Instagram":  # Messenger tells nobody that a word was taken back
        phone.locator(".mine", has_text=QUESTION).click(button="right")
        phone.get_by_role("menuitem", name="Unsend").click()
        inbox.locator(".bubble", has_text=QUESTION).wait_for(state="detached", timeout=20_000)
        inbox.get_by_text("deleted").first.wait_for()
    assert inbox.evaluate("window.neverReloaded") is True
    assert troubles == []


def _retention(page, product: Product) -> None:
    """One day on the page: the preview tells, the purge does exactly that, and the page shows it."""
    workspace = Workspace.objects.get(slug=demo.SLUG)
    with workspace_scope(workspace.pk), transaction.atomic():
        edge = timezone.now() - timedelta(days=1)
        old = set(Conversation.objects.filter(last_message_at__lt=edge).values_list("pk", flat=True))
        kept = set(Conversation.objects.filter(last_message_at__gte=edge).values_list("pk", flat=True))
        messages = set(Message.objects.filter(conversation_id__in=kept).values_list("pk", flat=True))
    assert old and kept
    page.goto(f"{product.url}/w/{demo.SLUG}/privacy/retention/")
    for field in page.locator("input[name$=_days]:visible").all():
        field.fill("")
    page.fill("#id_conversation_days", "1")
    page.get_by_role("button", name="Preview").click()
    page.locator("#preview").wait_for()
    told = {
        stat.locator("dt").inner_text().strip().lower(): int(re.sub(r"\D", "", stat.locator("dd").inner_text()))
        for stat in page.locator("#preview .stats > div").all()
    }
    assert told["conversations"] == len(old)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved").first.wait_for()
    page.fill("#confirm", workspace.name)
    page.get_by_role("button", name="Purge now").click()
    run = page.locator("#runs tbody tr").first
    page.evaluate("window.neverReloaded = true")
    run.get_by_text("Done").wait_for(timeout=60_000)
    assert page.evaluate("window.neverReloaded") is True
    shown = run.locator("td").last.inner_text()
    done = {name: int(number) for number, name in re.findall(r"(\d+) ([a-z ]+)", shown)}
    assert {name: done.get(name, 0) for name in told} == told, "the purge is what the preview said"
    with workspace_scope(workspace.pk), transaction.atomic():
        assert set(Conversation.objects.values_list("pk", flat=True)) == kept
        assert set(Message.objects.values_list("pk", flat=True)) == messages
        assert PurgeRun.objects.latest("started_at").counts["conversations"] == len(old)
    page.goto(f"{product.url}/w/{demo.SLUG}/inbox/")
    assert 0 < page.locator("#rows .conversation").count() <= len(kept)


@pytest.mark.browser
@pytest.mark.timeout(120)
def test_the_inbox_and_retention_work_without_javascript(browser, product):
    page = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}).new_page()
    sign_in(page, product)
    page.locator("#rows .conversation", has_text=SOMEONE).click()
    page.fill("#composer-text", "Sent without a script")
    page.locator("#composer .composer-foot > button[type=submit]").click()
    page.locator(".bubble", has_text="Sent without a script").wait_for(timeout=10_000)
    page.goto(f"{product.url}/w/{demo.SLUG}/privacy/retention/")
    page.fill("#id_media_days", "7")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved").first.wait_for()
    assert page.input_value("#id_media_days") == "7"


@pytest.mark.browser
@pytest.mark.timeout(120)
def test_a_phone_goes_from_the_list_to_a_thread_and_back_to_the_same_place(browser, product):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    sign_in(page, product)
    far = page.locator("#rows .conversation").nth(12)
    far.scroll_into_view_if_needed()
    place = "(document.querySelector('#rows').closest('[data-scroll]') ?? document.scrollingElement).scrollTop"
    before = page.evaluate(place)
    far.click()
    page.locator("#composer-text, .composer").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    page.locator(".back:visible").first.click()
    far.wait_for()
    assert abs(page.evaluate(place) - before) < 40


AUDITED = (
    "inbox/", "settings/channels/", "settings/channels/whatsapp/connect/", "settings/members/", "settings/api-keys/",
    "settings/workspace/", "settings/operator-access/", "settings/members/invite/", "settings/members/transfer/",
    "settings/roles/", "settings/roles/new/", "settings/membership/", "settings/security/", "settings/audit/", "privacy/",
    "privacy/retention/", "settings/opt-ins/", "settings/channels/connect/", "settings/channels/connect/whatsapp/",
    "settings/channels/app/", "campaigns/", "campaigns/new/",
)  # fmt: skip
ONES_OWN = ("/accounts/workspaces/", "/accounts/workspaces/new/", "/accounts/security/", "/accounts/second-factor/set-up/",
            "/accounts/second-factor/set-up/app/", "/accounts/password/change/", "/accounts/email/", "/accounts/sessions/",
            "/accounts/reauthenticate/", "/accounts/data/", "/accounts/data/export/", "/accounts/data/close/")  # fmt: skip
OF_A_CHANNEL = ("", "templates/", "templates/new/")
OF_A_CONVERSATION = ("", "template/", "choices/")
FOR_ALL = ("/", "/privacy/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/styleguide/")


def inner_pages(page, product: Product) -> list[str]:
    """The pages of a channel and of a conversation."""
    page.goto(f"{product.url}/w/{demo.SLUG}/settings/channels/")
    channel = str(page.get_by_role("link", name=demo.SHOPS[0].name).get_attribute("href"))
    page.goto(f"{product.url}/w/{demo.SLUG}/inbox/")
    talk = str(page.locator("#rows .conversation").first.get_attribute("href")).partition("?")[0]
    return [*(channel + each for each in OF_A_CHANNEL), *(talk + each for each in OF_A_CONVERSATION)]


STICKS_OUT = """() => {
    const page = document.documentElement;
    return page.scrollWidth > innerWidth || (document.querySelector(".shell") && page.scrollHeight > innerHeight);
}"""


@pytest.mark.browser
@pytest.mark.timeout(200)
def test_nothing_sticks_out_of_a_phone_in_either_direction_of_writing(browser, product):
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    found: list[str] = []

    def look(address: str) -> None:
        page.goto(f"{product.url}{address}")
        for direction in ("ltr", "rtl"):
            page.evaluate("direction => { document.documentElement.dir = direction }", direction)
            if page.evaluate(STICKS_OUT):
                found.append(f"{address} {direction}")

    for address in FOR_ALL:
        look(address)
    sign_in(page, product)
    for address in (*(f"/w/{demo.SLUG}/{each}" for each in AUDITED), *ONES_OWN, *inner_pages(page, product)):
        look(address)
    assert found == []


@pytest.mark.browser
@pytest.mark.timeout(200)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_wcag_22_aa(browser, product, scheme):
    from axe_playwright_python.sync_playwright import Axe

    rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    page = browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    ).new_page()
    found: list[str] = []

    def look(address: str) -> None:
        page.goto(f"{product.url}{address}")
        for violation in Axe().run(page, options=rules).response["violations"]:
            found.extend(f"{address}: {violation['id']} {node['html'][:120]}" for node in violation["nodes"])

    for address in FOR_ALL:
        look(address)
    sign_in(page, product)
    for address in (*(f"/w/{demo.SLUG}/{each}" for each in AUDITED), *ONES_OWN, *inner_pages(page, product)):
        look(address)
    assert found == []
