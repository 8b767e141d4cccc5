"""What a thread shows of everything that a message can hold: nothing is fetched from elsewhere, nothing is believed."""

import re

import pytest

from channels_app.contract import Media
from conversations.models import Attachment, Conversation, Message
from omnistra.core.tenancy import workspace_scope
from tests.conversations.updates import LENA, echo, edit, give, text, unsent
from tests.conversations.webhooks import connect


@pytest.fixture
def channel(workspace):
    return connect(workspace)


@pytest.fixture
def page(workspace, channel, client, owner):
    """What the thread's page says after these updates."""

    def show(*updates) -> str:
        give(channel, *updates)
        with workspace_scope(workspace.pk):
            conversation = Conversation.objects.get()
        client.force_login(owner)
        answer = client.get(f"/w/{workspace.slug}/inbox/{conversation.pk}/?part=thread")
        assert answer.status_code == 200
        return re.sub(r"\s+", " ", answer.content.decode())

    return show


def holding(channel, kind: str = "text", words: str = "", /, **content):
    return text(channel, "m1", type=kind, content={"text": words, **content} if words else content)


def test_meta_058_an_order_is_shown_with_the_prices_as_they_were_told(page, channel):
    items = [{"name": "Assam", "quantity": "2", "price": "8.50", "currency": "EUR"}, {"quantity": 1}]
    shown = page(holding(channel, "order", order={"items": items, "text": "Wrapped, please"}))
    for words in ("Order", "Wrapped, please", "Assam", "8.50 EUR", "Unnamed item"):
        assert words in shown


def test_meta_057_a_form_is_shown_field_by_field(page, channel):
    shown = page(holding(channel, "form", fields=[{"label": "Day", "value": "<b>Friday</b>"}]))
    assert '<dt dir="auto">Day</dt><dd dir="auto">&lt;b&gt;Friday&lt;/b&gt;</dd>' in shown


@pytest.mark.parametrize(
    "address", ["/reel/1", "javascript:alert(1)", "data:text/html,x", "https://", "//evil.example", "http://[", None]
)
@pytest.mark.parametrize("kind", ["link", "story", "referral"])
def test_meta_151_only_an_address_of_the_web_becomes_a_link(page, channel, kind, address):
    shown = page(holding(channel, "text", "look", **{kind: {"url": address, "title": "A reel", "kind": "reel"}}))
    assert not re.search(r'href="[^"]*(alert|evil|/reel|text/html)', shown) and 'target="_blank"' not in shown


def test_meta_151_a_shared_post_is_a_card_that_leads_there(page, channel):
    shown = page(holding(channel, "link", link={"url": "https://www.instagram.com/p/1/", "kind": "post"}))
    assert (
        'href="https://www.instagram.com/p/1/" target="_blank" rel="noopener noreferrer"' in shown and "Post" in shown
    )


def test_meta_149_a_story_is_a_link_without_a_file_and_over_after_a_day(page, channel, workspace):
    story = {"url": "https://lookaside.fbsbx.com/story", "kind": "mention"}
    mention = text(channel, "m1", type="story", content={"story": story}, files=[Media("", "image", url=story["url"])])
    shown = page(mention)
    assert "Mentioned you in a story" in shown and f'href="{story["url"]}"' in shown
    with workspace_scope(workspace.pk):
        assert not Attachment.objects.exists()
    shown = page(text(channel, "m2", seconds=-90_000, type="story", content={"story": story}))
    assert "The story is over." in shown


def test_meta_150_an_answer_to_a_story_has_its_card(page, channel):
    shown = page(holding(channel, "text", "Lovely!", story={"url": "https://cdn.example/s", "kind": "reply"}))
    assert "Lovely!" in shown and "Answered your story" in shown


def test_meta_062_an_ad_leaves_its_chip(page, channel):
    shown = page(
        holding(channel, "text", "hi", referral={"kind": "ad", "headline": "Winter", "url": "https://fb.me/1"})
    )
    assert "Came by an ad" in shown and "Winter" in shown and 'href="https://fb.me/1"' in shown


@pytest.mark.parametrize(
    ("kind", "title"),
    [("poll", "Message not supported"), ("ephemeral", "To be seen once"), ("hologram", "Message not supported")],
)
def test_meta_064_065_152_what_is_not_handed_on_says_so_counts_and_opens_the_window(
    page, channel, workspace, kind, title
):
    assert title in page(holding(channel, "unsupported", kind=kind))
    with workspace_scope(workspace.pk):
        row = Conversation.objects.get()
    assert row.unread_count == 1 and row.last_inbound_at is not None


def test_meta_056_061_071_marks_of_a_message_stand_beside_its_time(page, channel):
    shown = page(
        holding(channel, "text", "Yes", choice={"id": "yes", "title": "Yes", "kind": "button"}, forwarded=True,
                warning="The file was too large."),
        edit(channel, "m1", "Yes, please", 5),
    )  # fmt: skip
    for words in ("forwarded", "tapped", "edited", "Yes, please", "The file was too large."):
        assert words in shown


def test_meta_123_several_files_of_one_message_stand_in_one_bubble(page, channel):
    files = [Media("1", "image"), Media("2", "image"), Media("3", "document", name="prices.pdf")]
    shown = page(text(channel, "m1", "see here", type="image", content={"text": "see here"}, files=files))
    assert shown.count("Being fetched") == 3 and shown.count('class="message is-in') == 1 and "prices.pdf" in shown


def test_meta_067_156_what_was_taken_back_is_gone_from_the_page(page, channel):
    assert "my passport" in page(text(channel, "m1", "my passport"))
    shown = page(unsent(channel, "m1", 60))
    assert "my passport" not in shown and "Deleted by the customer" in shown and "data-quote" not in shown


@pytest.mark.parametrize(("sent_from", "words"), [("phone", "phone"), ("inbox", "own inbox"), ("app", "another app")])
def test_meta_115_what_was_sent_elsewhere_says_where(page, channel, sent_from, words):
    shown = page(text(channel, "m1"), echo(channel, "e1", seconds=5, sent_from=sent_from))
    assert words in shown.replace("platform&#x27;s own", "own").replace("platform&#x27;s", "own")


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", "😀" * 4096, "a" + "\u0301" * 200, "\u202efdp.exe"])
def test_meta_069_any_text_is_stored_and_shown_escaped(page, channel, workspace, words):
    shown = page(holding(channel, "text", words))
    assert "<script>alert" not in shown
    with workspace_scope(workspace.pk):
        assert Message.objects.get().text == words


def test_meta_048_054_no_page_makes_the_browser_ask_another_server(page, channel):
    shown = page(
        holding(
            channel, "text", "hi", location={"latitude": 1.5, "longitude": 2.5}, cards=[{"name": "Dan", "phones": ["+49"]}],
            link={"url": "https://a.example"}, story={"url": "https://b.example"}, referral={"url": "https://c.example"},
        ),
        text(channel, "m2", "pic", 5, type="image", files=[Media("", "image", url="https://d.example/x.jpg")]),
    )  # fmt: skip
    assert not re.search(r'(?:src|srcset|poster|data-src)="(?!/)', shown) and "d.example" not in shown
    assert "Open map" in shown


@pytest.mark.parametrize("content", [{"order": 1}, {"cards": "x"}, {"fields": [1]}, {"link": []}, {"story": None}, {}])
def test_content_of_no_known_shape_is_shown_as_nothing(page, channel, content):
    assert LENA.name in page(text(channel, "m1", content=content))
