"""What messages hold (D of the conformance cases): the parser's side."""

import pytest

from channels_app.contract import Arrival, Edit, InboundMessage, Media, Reaction, Unsent
from channels_app.providers.whatsapp.payloads import sha256_hex
from channels_app.providers.whatsapp.provider import WhatsApp
from tests.channels_app.providers.meta import payload
from tests.channels_app.providers.whatsapp.bodies import LENA_HANDLES, TARGET, only, read, reasons

IMAGE_HASH = "cc292b92ce7f10f2e4f727ecdf4b12528127c51b6ddf6058e213674603190d06"
QUESTION = "wamid.HBgMNDkxNzAxMTEyMjMzFQIAERgUNDhDQTE1ODk5QTM2NjlFRUExMDEA"


def test_meta_048_a_picture_has_its_caption_and_a_file_to_be_looked_up_by_id():
    message = only("048_image")
    assert (message.type, message.content) == ("image", {"text": "The box arrived like this"})
    assert message.files == (Media("510000000000001", "image", "image/jpeg", sha256=IMAGE_HASH),)
    assert only("048_video").files[0].mime == "video/mp4" and only("048_video").content == {}


def test_meta_048_hashes_in_hex_and_in_base64_are_one():
    assert sha256_hex(IMAGE_HASH.upper()) == sha256_hex("zCkrks5/EPLk9yfs30sSUoEnxRtt32BY4hNnRgMZDQY=") == IMAGE_HASH
    assert [sha256_hex(each) for each in ("", "abc", None, "AAAA", 7)] == [""] * 5


def test_meta_053_voice_notes_sound_files_and_stickers_are_told_apart():
    voice, sound, sticker = only("053_voice_note"), only("053_audio_file"), only("053_sticker")
    assert (voice.type, voice.files[0].voice, sound.files[0].voice) == ("audio", True, False)
    assert (sticker.type, sticker.files[0].mime) == ("sticker", "image/webp")


def test_meta_053_a_files_name_is_passed_on_as_untrusted_as_it_came():
    (file,) = only("053_document_with_a_path_for_a_name").files
    assert file.name == "../../etc/\u202egpj.passwd" and file.kind == "document"


def test_meta_054_a_place_has_its_coordinates_and_perhaps_a_name():
    assert only("054_place").content == {
        "location": {
            "latitude": 41.1496, "longitude": -8.6109, "name": "Northwind Tea", "address": "Rua das Flores 12, Porto",
        }
    }  # fmt: skip
    assert only("054_place_without_a_name").content == {"location": {"latitude": 41.1496, "longitude": -8.6109}}
    assert only("054_place_outside_of_the_earth").content == {"location": {"name": "7"}}


def test_meta_055_cards_are_read_from_whatever_they_hold():
    vcard, phones, neither = only("055_vcard_only"), only("055_phones_only"), only("055_neither")
    assert vcard.content["cards"] == [
        {"name": "Rui Prado", "phones": ["+351 910 000 321"], "emails": ["rui@example.com"], "org": ""}
    ]
    assert phones.content["cards"] == [{"name": "", "phones": ["+351 910 000 321"], "emails": [], "org": ""}]
    assert neither.content["cards"] == [{"name": "", "phones": [], "emails": [], "org": ""}] * 2


@pytest.mark.parametrize(
    ("name", "text", "choice"),
    [
        ("056_button_reply", "Cancel order", {"id": "order-4711:cancel", "title": "Cancel order", "kind": "button"}),
        ("056_list_reply", "09:00", {"id": "slot-09", "title": "09:00", "kind": "list"}),
        ("056_template_button", "Very likely", {"id": "NPS-9", "title": "Very likely", "kind": "button"}),
    ],
)
def test_meta_056_a_tap_is_its_title_with_the_id_beside_and_the_question_quoted(name, text, choice):
    message = only(name)
    assert (message.type, message.content) == ("text", {"text": text, "choice": choice})
    assert message.reply_to == QUESTION


def test_meta_056_a_tap_of_an_unknown_kind_is_unsupported_with_the_words_it_has():
    product, call = read("056_unknown_interactive").updates
    assert (product.type, product.content) == ("unsupported", {"kind": "product_reply", "text": "Green tea"})
    assert (call.type, call.content) == ("unsupported", {"kind": "call_permission_reply"})


def test_meta_057_a_form_is_its_fields():
    message = only("057_form")
    assert message.type == "form" and message.content["text"] == "Sent"
    assert [(each["label"], each["value"]) for each in message.content["fields"]] == [
        ("email", "lena@example.com"), ("guests", "2"), ("terms", "✓"), ("days", "Monday, Friday"), ("city", "Berlin"),
        ("zip", "10115"),
    ]  # fmt: skip


def test_meta_057_an_address_is_a_form_too():
    assert {"label": "city", "value": "Porto"} in only("057_address").content["fields"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("057_form_broken", 'Sent\n{"email": "lena@'), ("057_form_array", 'Sent\n["lena@example.com"]'),
        ("057_form_missing", "Sent"), ("057_form_deep", "Sent\n" + "[" * 5000),
    ],
)  # fmt: skip
def test_meta_057_what_is_no_form_is_the_text_that_it_is(name, text):
    message = only(name)
    assert (message.type, message.content) == ("text", {"text": text})


def test_meta_058_a_cart_keeps_amounts_as_they_were_told():
    message = only("058_order_with_numbers_as_text")
    assert (message.type, message.content) == (
        "order",
        {
            "order": {
                "items": [
                    {"name": "TEA-EG-100", "quantity": "2", "price": "7.50", "currency": "EUR"},
                    {"name": "TEA-GR-50", "quantity": "1", "price": "7.5", "currency": "EUR"},
                ],
                "text": "Please gift-wrap",
            }
        },
    )


@pytest.mark.parametrize(
    ("name", "emoji"),
    [
        ("059_reaction", "👍"), ("059_reaction_changed", "❤️"), ("059_reaction_removed", ""),
        ("059_reaction_removed_by_empty", ""),
    ],
)  # fmt: skip
def test_meta_059_a_mark_is_no_message_and_is_taken_back_by_an_absent_or_empty_emoji(name, emoji):
    mark = only(name)
    assert isinstance(mark, Reaction)
    assert (mark.target, mark.emoji, mark.person.handles) == (TARGET, emoji, LENA_HANDLES) and mark.at


@pytest.mark.parametrize("counted", [False, True])
def test_a_mark_opens_the_window_only_where_the_setting_says_so_and_taking_it_back_never_does(settings, counted):
    settings.WA_REACTION_OPENS_WINDOW = counted
    for name, opens in (("059_reaction", counted), ("059_reaction_removed", False)):
        (mark,) = WhatsApp().parse(payload("whatsapp", name)).updates
        assert mark.opens_window is opens


def test_meta_060_a_reply_to_something_unknown_keeps_its_id():
    assert only("060_reply_to_an_unknown_message").reply_to == "wamid.NEVERSEEN"


@pytest.mark.parametrize("name", ["061_forwarded", "061_frequently_forwarded"])
def test_meta_061_what_was_forwarded_says_so(name):
    assert only(name).content == {"text": "Look", "forwarded": True} and only(name).reply_to == ""


def test_meta_062_who_comes_by_an_ad_brings_it_along_without_the_id_of_the_click():
    message = only("062_from_an_ad")
    assert message.content["referral"] == {
        "kind": "ad", "headline": "Autumn teas", "body": "Free shipping this week", "url": "https://fb.me/2TestAdLink",
        "id": "120200000000000001",
    }  # fmt: skip
    assert "ARTestClickId01" not in repr(message) and message.opens_window


def test_meta_062_who_asks_about_a_product_brings_its_id():
    message = only("062_about_a_product")
    assert message.content["referral"] == {"kind": "product", "id": "TEA-EG-100"} and message.reply_to == QUESTION


def test_meta_063_who_opens_the_chat_opens_the_window_and_says_nothing():
    arrival = only("063_request_welcome")
    assert isinstance(arrival, Arrival) and arrival.opens_window
    assert arrival.person.handles == LENA_HANDLES and arrival.referral == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("064_unsupported_131051", {"kind": "poll"}),
        ("064_unsupported_131060", {"kind": "unavailable", "warning": "This message is currently unavailable."}),
        ("064_unsupported_131052", {"kind": "media", "warning": "Failed to download the media from the sender."}),
        ("065_hologram", {"kind": "hologram"}),
    ],
)
def test_meta_064_and_065_what_is_not_handed_on_is_a_message_all_the_same(name, content):
    message = only(name)
    assert isinstance(message, InboundMessage)
    assert (message.type, message.content, message.opens_window) == ("unsupported", content, True)


def test_meta_066_an_edit_names_its_message_and_the_new_text():
    change = only("066_edit")
    assert isinstance(change, Edit) and change.person.handles == LENA_HANDLES and change.at
    assert (change.target, change.text) == (TARGET, "Hello, is the green one in stock?")
    assert only("066_edit_of_a_caption").text == "The green box"


def test_meta_066_an_edit_without_a_text_or_a_message_wipes_nothing():
    found = read("066_edit_without_text")
    assert (list(found.updates), reasons(found)) == ([], ["edit_without_text", "edit_without_target"])


def test_meta_067_what_is_taken_back_is_named_and_nothing_else():
    gone = only("067_revoke")
    assert gone == Unsent(gone.channel, gone.account, TARGET, gone.at) and gone.at
    assert reasons(read("067_revoke_without_target")) == ["revoke_without_target"]


def test_meta_069_hostile_text_stays_text_that_the_database_takes():
    script, emoji, nul, surrogate, marks = (each.content["text"] for each in read("069_hostile_text").updates)
    assert script == "<b>x</b><script>alert(1)</script>"
    assert (emoji, nul, surrogate, marks) == ("😀" * 4096, "ab", "a?b", "e" + "\u0301" * 200)


def test_meta_070_an_error_without_a_message_is_an_event_of_the_account():
    event = only("070_errors_without_messages")
    assert event.kind == "account_error" and event.channel
    assert event.facts == {"code": 131031, "title": "Account locked", "detail": "Your account has been locked."}


def test_meta_071_a_message_with_an_error_is_kept_with_a_warning():
    assert only("071_text_with_errors").content == {
        "text": "Hi", "warning": "A part of this message is unavailable.",
    }  # fmt: skip
