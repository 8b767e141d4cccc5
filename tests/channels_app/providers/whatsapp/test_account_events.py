"""What befalls an account, a number, a template, and what people allow (F and G of the conformance cases)."""

from datetime import UTC, datetime

import pytest

from channels_app.contract import AccountEvent, Consent, InboundMessage
from tests.channels_app.providers.meta import NUMBER_A, WABA
from tests.channels_app.providers.whatsapp.bodies import LENA_HANDLES, only, read, reasons

TEMPLATE = {"template_id": "7100000000000000123", "name": "order_ready", "language": "pt_PT"}


def event(name: str) -> AccountEvent:
    found = only(name)
    assert isinstance(found, AccountEvent) and (found.channel, found.account) == ("", WABA)
    return found


def test_meta_092_and_104_what_a_person_forbids_at_whatsapp_comes_with_its_own_time():
    stop = only("092_stop_of_marketing")
    assert stop == Consent(
        NUMBER_A, WABA, stop.person, "marketing", False, datetime.fromtimestamp(1795000400, UTC),
        "User requested to stop marketing messages",
    )  # fmt: skip
    assert stop.person.handles == LENA_HANDLES
    assert only("092_failed_131050").error_code == 131050


def test_meta_104_the_order_of_telling_is_not_the_order_of_deciding():
    found = read("104_resume_older_than_stop")
    stop, resume, signup = found.updates
    assert [each.is_granted for each in (stop, resume, signup)] == [False, True, True]
    assert stop.at > resume.at > signup.at and reasons(found) == ["unknown_preference"]


def test_meta_107_a_connection_taken_back_names_the_account_and_the_reason():
    removed = event("107_partner_removed")
    assert removed.kind == "partner_removed" and removed.at == datetime.fromtimestamp(1795000600, UTC)
    assert removed.facts == {
        "event": "PARTNER_REMOVED", "reason": "PRIMARY_INACTIVITY", "initiated_by": "SYSTEM", "number": "493012345678",
    }  # fmt: skip


def test_meta_107_the_account_is_found_where_the_entry_names_the_portfolio():
    removed = event("107_app_uninstalled_by_the_portfolio")
    assert (removed.kind, removed.facts["reason"]) == ("partner_removed", "PARTNER_APP_UNINSTALLED")


def test_meta_107_what_is_only_to_be_noted_is_no_event_and_the_unknown_a_problem():
    found = read("107_noted_and_unknown")
    assert (list(found.updates), reasons(found)) == ([], ["unknown_account_update"])


def test_meta_108_bans_restrictions_and_violations():
    assert event("108_disabled").facts == {"state": "DISABLE", "date": "April 17, 2026"}
    assert event("108_restricted").facts == {
        "restrictions": [
            {
                "type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "until": "2026-11-25T09:46:40+00:00",
                "remediation": "Improve your quality.",
            },
            {"type": "RESTRICTED_UTILITY_TEMPLATES"},
        ]
    }  # fmt: skip
    assert event("108_violation").facts == {"violation": "ALCOHOL"}
    kinds = [event(name).kind for name in ("108_disabled", "108_restricted", "108_violation")]
    assert kinds == ["account_disabled", "account_restricted", "account_restricted"]


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        (
            "109_template_rejected",
            {
                "event": "REJECTED", "reason": "INCORRECT_CATEGORY", "advice": "Use the marketing category",
                "category": "UTILITY",
            },
        ),
        (
            "109_template_paused",
            {
                "event": "PAUSED", "reason": "FIRST_PAUSE", "advice": "Paused for 3 hours for low quality.",
                "category": "UTILITY",
            },
        ),
        ("109_template_disabled", {"event": "DISABLED", "date": "1795000700", "category": "UTILITY"}),
    ],
)  # fmt: skip
def test_meta_109_what_happened_to_a_template_with_reason_and_advice(name, facts):
    assert event(name).kind == "template_status"
    assert event(name).facts == TEMPLATE | facts


def test_meta_109_templates_come_and_go_and_change():
    archived, approved = read("109_template_archived_and_approved").updates
    assert [each.facts["event"] for each in (archived, approved)] == ["ARCHIVED", "APPROVED"]
    assert event("109_template_components").kind == "template_components"
    assert event("109_template_components").facts == TEMPLATE


def test_meta_110_a_category_is_announced_and_then_changed():
    coming, done = event("110_category_announced"), event("110_category_changed")
    assert (coming.kind, done.kind) == ("template_category", "template_category")
    assert coming.facts == TEMPLATE | {
        "category": "MARKETING", "previous": "UTILITY", "is_announced": True, "due": "2026-11-19T14:53:20+00:00",
    }  # fmt: skip
    assert done.facts == TEMPLATE | {"category": "MARKETING", "previous": "UTILITY", "is_announced": False}


def test_meta_111_the_keys_decide_and_not_the_fields_name():
    named, misnamed = event("111_quality"), event("111_quality_under_the_name_of_status")
    assert named == misnamed and named.kind == "template_quality"
    assert named.facts == TEMPLATE | {"quality": "YELLOW", "previous": "GREEN"}


def test_meta_112_a_numbers_quality_without_the_limits_of_before():
    assert event("112_throughput_without_a_limit").facts == {
        "event": "THROUGHPUT_UPGRADE", "limit": "TIER_UNLIMITED", "number": "493012345678",
    }  # fmt: skip
    bare = event("112_no_limit_at_all")
    assert (bare.kind, bare.facts) == ("number_quality", {"event": "DOWNGRADE", "number": "493012345678"})


def test_meta_113_a_pin_reset_is_told_without_who_asked():
    asked = event("113_pin_reset_request")
    assert (asked.kind, asked.facts) == ("security", {"event": "PIN_RESET_REQUEST", "number": "493012345678"})


def test_meta_114_the_small_fields_of_an_account():
    found = read("114_account_fields")
    assert not found.problems and {each.account for each in found.updates} == {WABA}
    assert [(each.kind, each.channel, each.facts) for each in found.updates] == [
        (
            "account_alert", NUMBER_A,
            {
                "type": "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED", "severity": "WARNING", "status": "ACTIVE",
                "description": "Your limit was not raised yet.",
            },
        ),
        ("capability", "", {"limit": "2000", "numbers": "2"}),
        ("capability", "", {"limit": "TIER_2K", "numbers": "25"}),
        ("username", "", {"username": "northwindtea", "status": "approved", "number": "493012345678"}),
        ("account_review", "", {"decision": "APPROVED"}),
        (
            "number_name", "",
            {"decision": "REJECTED", "name": "Northwind", "reason": "NAME_NOT_RELATED", "number": "493012345678"},
        ),
    ]  # fmt: skip


def test_meta_114_calls_are_passed_over_and_an_unknown_field_is_a_problem_beside_its_neighbours():
    found = read("114_calls_and_an_unknown_field")
    assert [type(each) for each in found.updates] == [InboundMessage]
    assert reasons(found) == ["unknown_field"]


def test_meta_121_statuses_without_messages_are_statuses():
    assert only("121_statuses_alone").status == "delivered"
