"""How far our messages came (E of the conformance cases): the parser's side."""

from channels_app.contract import StatusUpdate
from tests.channels_app.providers.meta import NUMBER_A, WABA
from tests.channels_app.providers.whatsapp.bodies import only, read, reasons

OURS = "wamid.HBgMNDkxNzAxMTEyMjMzFQIAERgURkU4REYxQTVBMTk4MDQ5M0NBOTQA"


def test_meta_072_each_status_has_its_time_our_reference_and_its_price():
    sent, delivered, read_ = read("072_sent_delivered_read").updates
    assert [each.status for each in (sent, delivered, read_)] == ["sent", "delivered", "read"]
    assert sent.at < delivered.at < read_.at
    assert {(each.external_id, each.reference, each.channel, each.account) for each in (sent, delivered, read_)} == {
        (OURS, "om1.7f3a91", NUMBER_A, WABA)
    }
    assert sent.price == {"category": "referral_conversion", "kind": "free_entry_point", "is_billable": False}
    assert delivered.price == {"category": "utility", "kind": "regular", "is_billable": True}
    assert read_.price == {}


def test_meta_073_statuses_keep_the_order_in_which_they_came():
    assert [each.status for each in read("073_read_before_delivered").updates] == ["read", "delivered"]


def test_meta_074_and_075_a_status_alone_is_enough():
    assert only("074_read_without_delivered").status == "read"
    assert only("075_status_of_an_unknown_message").external_id == "wamid.NEVERSEEN"


def test_meta_076_our_reference_comes_back():
    assert only("076_status_with_our_reference").reference == "0192f0c4-7c3e-7b3a-9a3f-2f6f3a1b9c55"


def test_meta_077_a_failure_has_its_code_and_words():
    failed = only("077_failed")
    assert (failed.status, failed.error_code) == ("failed", 131047)
    assert failed.error_detail == "More than 24 hours have passed since the recipient last replied."


def test_meta_078_played_is_read_and_says_that_it_was_played():
    played = only("078_played")
    assert (played.status, played.is_played) == ("read", True)
    assert not only("074_read_without_delivered").is_played


def test_meta_079_deleted_and_unknown_statuses_change_nothing_and_are_counted():
    found = read("079_deleted_and_levitated")
    assert [each.status for each in found.updates] == ["delivered"]
    assert reasons(found) == ["unknown_status"] * 2


def test_meta_080_a_status_belongs_to_the_number_that_it_came_for():
    status = only("080_status_of_another_tenants_message")
    assert (status.channel, status.account, status.external_id) == (NUMBER_A, WABA, "wamid.OFTENANTTWO")


def test_meta_081_and_082_a_template_that_was_held_may_fail_later():
    failed = only("082_failed_after_held")
    assert isinstance(failed, StatusUpdate) and (failed.status, failed.error_code) == ("failed", 132015)


def test_meta_083_an_unknown_price_is_never_free():
    found = read("083_prices_of_new_kinds")
    assert [each.price for each in found.updates] == [{}, {"category": "service", "kind": "tidal"}, {}, {}]
    assert not found.problems


def test_meta_084_a_status_told_twice_is_the_same_twice():
    first, second = read("084_twice").updates
    assert first == second


def test_meta_085_one_participants_status_says_nothing_of_a_group():
    found = read("085_group_status")
    assert [each.status for each in found.updates] == ["delivered"] and reasons(found) == ["group_status"]
