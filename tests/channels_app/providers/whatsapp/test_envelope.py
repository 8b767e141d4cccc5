"""Bodies, batches and times (A and B of the conformance cases): what each element is, and whose."""

import json
from datetime import UTC, datetime

import pytest

from channels_app.contract import InboundMessage, StatusUpdate
from channels_app.providers.whatsapp.payloads import parse
from channels_app.registry import PROVIDERS
from tests.channels_app.providers.meta import LENA, NUMBER_A, NUMBER_B, NUMBER_C, WABA, WABA_2, payload
from tests.channels_app.providers.whatsapp.bodies import LENA_HANDLES, only, read, reasons
from tests.channels_app.test_webhooks import VECTOR

NAMED = [
    "035_scoped_id_beside_the_number", "048_image", "058_order_with_numbers_as_text", "062_from_an_ad",
    "072_sent_delivered_read", "107_partner_removed", "115_echo_from_the_phone", "117_media_placeholder",
]  # fmt: skip
AT = datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)


def test_meta_003_the_published_body_is_one_message_with_its_person_and_time():
    (message,) = parse(VECTOR).updates
    assert message == InboundMessage(
        NUMBER_A, WABA, "wamid.TEST0001", message.person, "text", AT, {"text": "Hello, is this in stock?"}
    )
    assert message.person.handles == {"wa_id": "491701112233", "bsuid": "DE.7011223344556677"}
    assert message.person.name == LENA


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not json", "not_json"), (b"", "not_json"), (b"\xff\xfe", "not_json"), (b"[" * 10_000, "not_json"),
        (b'{"a":' * 10_000, "not_json"), (b"[]", "not_an_object"), (b"7", "not_an_object"), (b"null", "not_an_object"),
    ],
)  # fmt: skip
def test_meta_013_signed_nonsense_is_a_problem_and_no_exception(body, reason):
    assert (reasons(parse(body)), list(parse(body).updates)) == ([reason], [])


def test_meta_014_another_object_is_not_read():
    assert (reasons(read("014_unknown_object")), list(read("014_unknown_object").updates)) == (["unknown_object"], [])


def test_meta_024_each_message_of_a_mixed_batch_has_its_own_number_and_account():
    found = read("024_three_numbers_of_two_tenants")
    assert [(each.channel, each.account, each.content["text"]) for each in found.updates] == [
        (NUMBER_A, WABA, "to A"), (NUMBER_B, WABA, "to B"), (NUMBER_C, WABA_2, "to C"),
    ]  # fmt: skip
    assert found.updates[2].person.handles["bsuid"] == "PT.3311223344550001" and not found.problems


def test_meta_025_an_element_without_id_costs_none_of_its_neighbours():
    found = read("025_second_without_id")
    assert [each.content["text"] for each in found.updates] == ["first", "third"]
    assert reasons(found) == ["message_without_id"]


def test_meta_026_what_is_odd_inside_of_a_message_does_not_cost_it():
    found = read("026_one_is_odd")
    assert [each.content["text"] for each in found.updates] == ["first", "x" * 10, "third"]
    assert not found.problems


def test_meta_027_number_and_account_are_told_apart_so_that_a_crafted_pair_is_seen():
    assert (only("027_number_of_one_tenant_account_of_another").channel,) == (NUMBER_A,)
    assert only("027_number_of_one_tenant_account_of_another").account == WABA_2


def test_meta_028_and_029_parsing_knows_no_channels_and_names_what_stands_there():
    body = payload("whatsapp", "035_number_alone").replace(NUMBER_A.encode(), b"299999999999999")
    assert parse(body).updates[0].channel == "299999999999999"


@pytest.mark.parametrize("name", ["030_empty_lists", "030_no_entries"])
def test_meta_030_empty_lists_are_nothing_and_no_problem(name):
    found = read(name)
    assert (list(found.updates), list(found.problems)) == ([], [])


def test_meta_031_seconds_as_text_or_number_and_milliseconds_are_one_instant_and_nonsense_is_none():
    found = read("031_times")
    assert [each.at for each in found.updates] == [AT, AT, AT, *[None] * 6, AT]
    assert not found.problems


def test_meta_032_each_message_keeps_its_own_time_whatever_the_order():
    later, earlier = read("032_later_one_first").updates
    assert (later.at - earlier.at).total_seconds() == 60


def test_a_message_for_no_number_is_a_problem_and_its_neighbour_stays():
    body = json.loads(payload("whatsapp", "035_number_alone"))
    lost = json.loads(json.dumps(body["entry"][0]))
    del lost["changes"][0]["value"]["metadata"]
    body["entry"].insert(0, lost)
    found = parse(json.dumps(body).encode())
    assert reasons(found) == ["no_phone_number_id"]
    assert len(found.updates) == 1


@pytest.mark.clause("4a")
def test_what_nobody_named_is_carried_nowhere():
    canary = "canary-9d41"

    def laced(value):
        if isinstance(value, dict):
            return {key: laced(each) for key, each in value.items()} | {"new_key": canary, canary: canary}
        return [laced(each) for each in value] if isinstance(value, list) else value

    for name in NAMED:
        body = json.loads(payload("whatsapp", name))
        found = parse(json.dumps(laced(body)).encode())
        assert len(found.updates) == len(read(name).updates) and canary not in repr(found)


def test_the_provider_parses_with_its_app_and_its_settings(settings):
    settings.META_APP_ID, settings.WA_STANDBY_ENABLED = "880011223344556", True
    parse_it = PROVIDERS["whatsapp"].parse
    assert parse_it(payload("whatsapp", "120_handover_to_us")).updates[0].is_ours
    settings.WA_STANDBY_ENABLED = False
    for name in ("120_handover_to_us", "120_standby"):
        assert (list(parse_it(payload("whatsapp", name)).updates), reasons(parse_it(payload("whatsapp", name)))) == (
            [], ["standby_off"],
        )  # fmt: skip


def test_the_same_person_is_read_once_a_change_and_the_same_for_all_their_messages():
    found = read("069_hostile_text")
    assert {id(each.person) for each in found.updates} == {id(found.updates[0].person)}
    assert found.updates[0].person.handles == LENA_HANDLES


def test_messages_and_statuses_of_one_change_are_both_read():
    body = json.loads(payload("whatsapp", "035_number_alone"))
    value = body["entry"][0]["changes"][0]["value"]
    value["statuses"] = json.loads(payload("whatsapp", "074_read_without_delivered"))["entry"][0]["changes"][0][
        "value"
    ]["statuses"]
    assert [type(each) for each in parse(json.dumps(body).encode()).updates] == [InboundMessage, StatusUpdate]
