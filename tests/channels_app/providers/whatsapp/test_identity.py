"""Who somebody is (C of the conformance cases): the parser's side."""

import pytest

from channels_app.contract import InboundMessage, PersonChange
from tests.channels_app.providers.meta import LENA, LENA_BSUID, LENA_USERNAME, LENA_WA
from tests.channels_app.providers.whatsapp.bodies import LENA_HANDLES, only, read, reasons

NEW_NUMBER, NEW_BSUID = "491709998877", "DE.9900112233445566"


def test_meta_035_a_known_number_comes_with_its_scoped_id():
    assert only("035_number_alone").person.handles == {"wa_id": LENA_WA}
    assert only("035_scoped_id_beside_the_number").person.handles == LENA_HANDLES


def test_meta_036_somebody_with_a_user_name_alone_has_no_number():
    person = only("036_username_only").person
    assert person.handles == {"bsuid": LENA_BSUID, "username": LENA_USERNAME} and person.name == LENA


def test_meta_037_the_number_that_appears_later_comes_with_the_same_scoped_id():
    before, after = only("036_username_only").person, only("035_scoped_id_beside_the_number").person
    assert before.handles["bsuid"] == after.handles["bsuid"] and after.handles["wa_id"] == LENA_WA


def test_meta_038_a_scoped_id_in_the_place_of_a_number_is_no_number():
    person = only("038_scoped_id_in_the_place_of_the_number").person
    assert person.handles == {"bsuid": LENA_BSUID} and person.name == LENA


def test_meta_039_without_contacts_or_without_a_name_the_message_is_there():
    bare, nameless = only("039_no_contacts"), only("039_no_name")
    assert bare.person.handles == nameless.person.handles == {"wa_id": LENA_WA, "bsuid": LENA_BSUID}
    assert bare.person.name == nameless.person.name == "" and bare.content == {"text": "Hi"}


def test_meta_040_a_user_name_is_the_same_with_and_without_at():
    assert only("040_username_with_at").person.handles == only("035_scoped_id_beside_the_number").person.handles
    assert only("040_username_changed").person.handles == LENA_HANDLES | {"username": "lena.f"}


@pytest.mark.parametrize(
    ("name", "former", "now"),
    [
        ("041_user_changed_number", {"wa_id": LENA_WA, "bsuid": LENA_BSUID}, {"wa_id": NEW_NUMBER, "bsuid": NEW_BSUID}),
        ("041_customer_changed_number", {"wa_id": LENA_WA}, {"wa_id": NEW_NUMBER}),
    ],
)
def test_meta_041_a_new_number_is_told_with_the_old_one_and_needs_no_contacts(name, former, now):
    change = only(name)
    assert isinstance(change, PersonChange) and change.kind == "number"
    assert (change.former, change.person.handles) == (former, now)
    assert change.external_id.startswith("wamid.") and change.at is not None


def test_meta_042_a_new_scoped_id_leaves_the_number():
    change = only("042_user_changed_user_id")
    assert change.kind == "id" and change.former == {"wa_id": LENA_WA, "bsuid": LENA_BSUID}
    assert change.person.handles == {"wa_id": LENA_WA, "bsuid": NEW_BSUID}


def test_meta_043_a_stranger_with_an_old_number_has_a_scoped_id_of_their_own():
    message = only("043_old_number_of_a_stranger")
    assert isinstance(message, InboundMessage)
    assert message.person.handles == {"wa_id": LENA_WA, "bsuid": "DE.5500000000000005"}


def test_meta_044_a_new_security_code_is_a_change_and_no_message():
    change = only("044_identity_changed")
    assert (change.kind, change.former, change.person.handles) == ("security", {}, {"wa_id": LENA_WA})


@pytest.mark.parametrize("name", ["045_requested_in_the_card", "045_requested_beside_the_cards"])
def test_meta_045_a_card_that_answers_our_request_says_so(name):
    assert only(name).content["cards"] == [
        {"name": LENA, "phones": ["+49 170 1112233"], "emails": [], "org": "", "requested": True}
    ]


def test_meta_045_any_other_card_is_a_card_alone():
    assert only("045_shared_card").content["cards"] == [
        {"name": "Rui Prado", "phones": ["+351 910 000 321"], "emails": ["rui@example.com"], "org": "Prado Lda"}
    ]


def test_meta_047_what_was_said_in_a_group_is_in_nobodys_private_thread():
    found = read("047_group_message")
    assert [each.content["text"] for each in found.updates] == ["to you"]
    assert reasons(found) == ["group_message"]
