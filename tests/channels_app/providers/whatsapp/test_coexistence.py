"""A number that is used elsewhere too (G of the conformance cases): the phone, its history, other apps."""

from datetime import UTC, datetime

import pytest

from channels_app.contract import AddressEntry, Echo, Edit, Handover, InboundMessage, StatusUpdate, Unsent
from channels_app.providers.whatsapp.payloads import parse
from tests.channels_app.providers.meta import LENA, LENA_BSUID, LENA_WA, NUMBER_A, WABA, payload
from tests.channels_app.providers.whatsapp.bodies import LENA_HANDLES, TARGET, only, read, reasons

BOTH = {"wa_id": LENA_WA, "bsuid": LENA_BSUID}


def test_meta_115_what_the_company_wrote_on_its_phone_is_an_echo_to_the_person():
    echo = only("115_echo_from_the_phone")
    assert isinstance(echo, Echo) and (echo.channel, echo.account) == (NUMBER_A, WABA)
    assert (echo.sent_from, echo.status, echo.is_history, echo.person.handles) == ("phone", "sent", False, BOTH)
    assert echo.content == {"text": "Yes, we have three left."}


def test_meta_115_an_echo_to_somebody_without_a_number():
    echo = only("115_echo_to_a_username")
    assert echo.person.handles == {"bsuid": LENA_BSUID}
    assert (echo.type, echo.content, echo.files[0].external_id) == ("image", {"text": "This one"}, "510000000000031")


def test_meta_115_the_company_edits_and_takes_back_on_its_phone():
    found = read("115_echo_edit_and_revoke")
    edit, gone = found.updates
    assert isinstance(edit, Edit) and (edit.target, edit.text) == (TARGET, "Yes, two left.")
    assert isinstance(gone, Unsent) and gone.target == TARGET
    assert reasons(found) == ["echo_reaction", "echo_without_recipient"]


def test_meta_116_history_is_told_apart_by_who_wrote_and_opens_nothing():
    found = read("116_history_chunk_2_before_1")
    asked, voice, left, thanks = found.updates
    assert [type(each) for each in found.updates] == [Echo, Echo, Echo, InboundMessage] and not found.problems
    assert all(each.is_history and each.person.handles == LENA_HANDLES for each in found.updates)
    assert [each.status for each in (asked, voice, left)] == ["failed", "read", "read"]
    assert {asked.sent_from, voice.sent_from} == {"phone"} and voice.files[0].voice
    assert not thanks.opens_window and thanks.content == {"text": "Thank you"}


def test_meta_116_a_message_in_two_chunks_has_one_id_and_old_system_lines_are_no_news():
    first, last = read("116_history_chunk_2_before_1"), read("116_history_chunk_3_last_with_a_duplicate")
    assert last.updates[0] == first.updates[3]
    assert [each.content["text"] for each in last.updates] == ["Thank you", "See you"] and not last.problems


def test_meta_117_a_placeholder_is_filled_by_the_message_of_the_same_id():
    empty, full = only("117_media_placeholder"), only("117_media_of_the_placeholder")
    assert (empty.type, empty.content, empty.files) == ("unsupported", {"kind": "media_placeholder"}, ())
    assert full.external_id == empty.external_id and full.is_history and not full.opens_window
    assert (full.type, full.content, full.files[0].external_id) == ("image", {"text": "Broken"}, "510000000000051")
    assert full.files[0].sha256 == "cc292b92ce7f10f2e4f727ecdf4b12528127c51b6ddf6058e213674603190d06"


def test_meta_118_history_that_was_declined_is_an_event_of_the_channel():
    declined = only("118_history_declined")
    assert (declined.kind, declined.channel, declined.facts) == ("history_declined", NUMBER_A, {"code": 2593109})


def test_meta_119_the_phones_address_book():
    found = read("119_address_book")
    added, removed = found.updates
    at = datetime.fromtimestamp(1795000501, UTC)
    assert added == AddressEntry(NUMBER_A, WABA, added.person, False, at)
    assert (added.person.handles, added.person.name) == (BOTH, LENA)
    assert removed.is_removed and removed.person.handles == {"wa_id": LENA_WA}
    assert reasons(found) == ["state_without_ids", "unknown_state"]


def test_meta_120_what_is_said_while_another_app_holds_the_conversation():
    message, first, template, question, status = read("120_standby").updates
    assert isinstance(message, InboundMessage) and message.is_standby and message.opens_window
    assert [(each.sent_from, each.type, each.content) for each in (first, template, question)] == [
        ("app", "text", {"text": "We open at nine."}), ("app", "template", {}), ("app", "text", {"text": "Shall we call?"}),
    ]  # fmt: skip
    assert isinstance(status, StatusUpdate) and not read("120_standby").problems


@pytest.mark.parametrize(
    ("name", "is_ours", "by"),
    [("120_handover_to_another_app", False, "990011223344556"), ("120_handover_to_us", True, "")],
)
def test_meta_120_who_answers_from_now_on(name, is_ours, by):
    handover = only(name)
    assert isinstance(handover, Handover) and handover.person.handles == BOTH
    assert (handover.is_ours, handover.by, handover.at) == (is_ours, by, datetime.fromtimestamp(1795000600, UTC))


def test_meta_120_a_handover_that_cannot_be_read_changes_nothing():
    unknown = read("120_handover_of_unknown_form")
    assert (list(unknown.updates), reasons(unknown)) == ([], ["unknown_handover"])
    blind = parse(payload("whatsapp", "120_handover_to_us"))
    assert (list(blind.updates), reasons(blind)) == ([], ["no_app_id"])
