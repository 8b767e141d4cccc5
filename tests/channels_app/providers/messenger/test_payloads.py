"""What Messenger tells, event by event. Numbers in names are those of the Meta conformance cases."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from channels_app.contract import (
    AccountEvent,
    Arrival,
    Consent,
    Echo,
    Edit,
    Handover,
    InboundMessage,
    Media,
    Person,
    Reaction,
    StatusUpdate,
    Unsent,
    Watermark,
)
from channels_app.providers.messenger.payloads import parse
from tests.channels_app.providers import meta
from tests.channels_app.providers.meta import LENA_PSID, PAGE, PAGE_2

AT = datetime.fromtimestamp(1795000001, UTC)
LENA = Person({"psid": LENA_PSID})
PLACE = (PAGE, PAGE)


def read(name: str):
    """The only update of a payload."""
    return meta.parsed(parse, "messenger", name)


def test_meta_122_a_text_in_milliseconds_and_in_seconds_is_the_same():
    wanted = InboundMessage(*PLACE, "m_1", LENA, "text", AT, {"text": "Is this still available?"})
    assert read("122_text_milliseconds") == read("122_text_seconds") == wanted


def test_meta_122_milliseconds_order_what_the_same_second_brought():
    found = parse(meta.payload("messenger", "007_escaped_unicode")).updates[0]
    assert found.at == datetime.fromtimestamp(1795000000, UTC) + timedelta(milliseconds=100)


@pytest.mark.parametrize("value", [0, -1, "", "abc", None, True, 1e300, 10**30, 4_200_000_000, [], {}])
def test_meta_031_a_time_without_sense_is_none(value):
    body = json.loads(meta.payload("messenger", "122_text_seconds"))
    body["entry"][0]["messaging"][0]["timestamp"] = value
    (update,) = parse(json.dumps(body).encode()).updates
    assert update.at is None


@pytest.mark.parametrize("entry", [{"messaging": []}, {}, {"messaging": None}, {"changes": []}])
def test_meta_030_an_empty_entry_holds_nothing(entry):
    found = parse(json.dumps({"object": "page", "entry": [{"id": PAGE, **entry}]}).encode())
    assert not found.updates and not found.problems
    assert not parse(b'{"object":"page","entry":[]}').problems


def test_meta_123_text_and_two_files_are_one_message():
    found = read("123_text_and_two_files")
    photo, receipt = found.files
    assert (found.type, found.content) == ("image", {"text": "Both"})
    assert photo.kind == "image" and photo.url.startswith("https://scontent") and photo.external_id == ""
    assert (receipt.kind, receipt.name) == ("document", "receipt.pdf")


@pytest.mark.parametrize("name", ["124_sticker", "124_sticker_as_image", "124_sticker_twice"])
def test_meta_124_a_sticker_is_one_sticker_however_it_is_told(name):
    found = read(name)
    url = "https://scontent.xx.fbcdn.net/v/t39.1997-6/test-sticker.png"
    assert found.type == "sticker" and found.files == (Media("", "sticker", url=url),)


@pytest.mark.parametrize("name", ["125_fallback_without_payload", "125_attachments_null", "125_mid_only"])
def test_meta_125_what_holds_nothing_is_a_neutral_message(name):
    found = read(name)
    assert found.type == "unsupported" and set(found.content) == {"kind"} and not found.files


def test_meta_125_a_link_under_a_text_stays_a_text():
    found = read("125_fallback_link")
    assert found.type == "text" and found.content["link"] == {
        "url": "https://tea.example/x", "title": "Tea", "kind": "link",
    }  # fmt: skip


def test_meta_126_a_quick_reply_is_its_title_with_its_payload():
    found = read("126_quick_reply")
    choice = {"id": "COLOUR-GREEN", "title": "Green", "kind": "quick_reply"}
    assert (found.type, found.content, found.reply_to) == ("text", {"text": "Green", "choice": choice}, "m_0")


def test_meta_127_an_echo_of_ours_brings_our_reference_back():
    found = read("127_echo_ours")
    text = {"text": "Yes, three left."}
    assert found == Echo(*PLACE, "m_out", LENA, "text", AT, text, (), sent_from="app", reference="om1.7f3a91")


def test_meta_127_an_echo_of_metas_own_inbox_and_of_another_app():
    inbox, other = read("127_echo_meta_inbox"), read("127_echo_other_app_template")
    assert (inbox.sent_from, inbox.reference, inbox.person) == ("inbox", "", LENA)
    assert (other.sent_from, other.type, other.content["text"]) == ("app", "template", "Choose")


@pytest.mark.parametrize("name", ["127_echo_ours", "127_echo_meta_inbox", "127_echo_other_app_template"])
def test_meta_128_an_echo_is_never_a_message_of_the_person(name):
    assert isinstance(read(name), Echo)


def test_meta_129_delivery_and_read_are_watermarks():
    named, mark = parse(meta.payload("messenger", "129_delivery")).updates
    assert named == StatusUpdate(*PLACE, "m_a", "delivered", named.at)
    until = datetime.fromtimestamp(1795000006, UTC) + timedelta(milliseconds=100)
    assert mark == read("129_delivery_without_mids") == Watermark(*PLACE, LENA, "delivered", named.at, until)
    seen = read("129_read")
    assert (seen.status, seen.until, seen.external_id) == ("read", until + timedelta(seconds=1), "")


def test_meta_130_a_reaction_and_its_end():
    assert read("130_reaction") == Reaction(*PLACE, "m_out", LENA, "❤️", AT, opens_window=True)
    assert read("130_unreact") == Reaction(*PLACE, "m_out", LENA, "", AT)


def test_meta_131_an_edit_has_its_number():
    assert read("131_edit_2") == read("131_edit_2_as_text") == Edit(*PLACE, "m_1", LENA, "second", AT, 2)
    assert read("131_edit_1").number == 1


def test_meta_132_a_tap_on_get_started_is_a_message_that_says_what_was_tapped():
    found = read("132_postback_get_started")
    assert isinstance(found, InboundMessage) and found.opens_window and not found.is_standby
    assert (found.external_id, found.type, found.content) == (
        "m_pb",
        "text",
        {
            "text": "Get started",
            "choice": {"id": "GET_STARTED", "title": "Get started", "kind": "postback"},
            "referral": {"kind": "link", "ref": "flyer-7"},
        },
    )


def test_meta_132_a_tap_in_standby_has_no_payload_and_one_id_however_often_it_comes():
    found = read("132_postback_in_standby")
    assert found.is_standby and found.content["choice"]["id"] == "" and found.content["text"] == "Get started"
    assert found.external_id.startswith("postback:") and found == read("132_postback_in_standby")


def test_meta_133_a_referral_is_no_message():
    assert read("133_referral") == Arrival(*PLACE, LENA, AT, {"kind": "link", "ref": "flyer-7"}, opens_window=True)
    ad = read("133_referral_from_ad")
    assert ad.at == datetime.fromtimestamp(1795000010, UTC) and not ad.opens_window
    assert ad.referral == {"kind": "ad", "id": "120200000000000001", "ref": "autumn"}


@pytest.mark.parametrize(
    ("name", "granted"), [("134_optin", True), ("134_optin_stopped", False), ("134_optin_resumed", True)]
)
def test_meta_134_an_opt_in_and_its_end_without_the_token(name, granted):
    found = read(name)
    assert found == Consent(*PLACE, LENA, "back-in-stock", granted, AT, "Back in stock")
    assert "8200000000000000001" not in repr(found)


def test_meta_134_an_opt_in_of_nobody_known_is_set_aside():
    found = parse(meta.payload("messenger", "134_optin_user_ref"))
    assert not found.updates and [each.reason for each in found.problems] == ["no_person"]


@pytest.mark.parametrize("action", ["block", "unblock", "warning"])
def test_meta_135_policy_enforcement_names_no_person(action):
    reason = "The Page sent messages that break the platform policy."
    wanted = AccountEvent(*PLACE, "page_policy", AT, {"action": action, "reason": reason})
    assert read(f"135_policy_{action}") == wanted


def test_meta_136_who_answers_now():
    assert read("136_taken_from_us") == Handover(*PLACE, LENA, False, AT, "26390203743090")
    ours = Handover(*PLACE, LENA, True, AT)
    assert read("136_passed_to_us") == read("136_passed_to_us_as_number") == ours
    assert read("136_passed_to_another") == Handover(*PLACE, LENA, False, AT, "26390203743090")


def test_meta_136_what_is_said_while_another_app_answers_is_marked():
    found = read("136_standby_message")
    assert found.is_standby and found.content == {"text": "Talk to a person please"}


def test_meta_144_a_batch_of_two_pages_names_each_ones_channel():
    first, second = parse(meta.payload("messenger", "144_two_pages")).updates
    assert (first.channel, first.account, first.person) == (PAGE, PAGE, LENA)
    assert (second.channel, second.account, second.content) == (PAGE_2, PAGE_2, {"text": "to W2"})


def test_what_led_a_person_here_stays_with_the_message_and_no_picture_of_it():
    found = read("message_from_ad")
    assert found.content == {
        "text": "Hi, I saw your ad",
        "referral": {"kind": "ad", "headline": "Autumn teas", "id": "120200000000000001", "ref": "autumn"},
    }
    assert read("message_about_product").content["referral"] == {"kind": "product", "id": "TEA-EG-100"}


def test_shared_places_bookings_reels_and_carts():
    link = read("shared_reel")
    assert link.type == "link" and not link.files and link.content["link"]["kind"] == "reel"
    assert read("location").content == {"location": {"latitude": 38.7, "longitude": -9.1}}
    booking = read("appointment")
    assert booking.type == "form" and {"label": "Booking", "value": "CONFIRMED"} in booking.content["fields"]
    cart = read("order")
    assert cart.type == "order" and cart.content["order"] == {
        "items": [{"name": "Green tea", "quantity": "2", "price": "500", "currency": "EUR"}], "text": "Gift",
    }  # fmt: skip


def test_an_unsend_is_taken_though_no_page_of_metas_names_it_for_messenger():
    assert read("is_deleted") == Unsent(*PLACE, "m_1", AT)


def test_what_concerns_no_conversation_is_set_aside_by_name():
    found = parse(meta.payload("messenger", "feedback_roles_request_unknown"))
    assert not found.updates and [each.reason for each in found.problems] == [
        "response_feedback", "app_roles", "thread_asked_for", "account_linking", "unknown_event", "unknown_event",
    ]  # fmt: skip
