"""What goes wrong on demand, and that webhooks come until they are answered with 200."""

from collections import Counter

import pytest
import requests

from channels_app.sandbox import checks
from tests.channels_app.sandbox.conftest import NUMBER, PERSON


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("rate_limit", 400, 130429),
        ("pair_rate", 400, 131056),
        ("window_closed", 400, 131047),
        ("token_revoked", 401, 190),
        ("temporary", 500, 131000),
        ("unavailable", 503, 2),
        ("error", 400, 131042),
    ],
)
def test_a_fault_strikes_once_and_only_its_number(text, meta, kind, status, code):
    meta.send(NUMBER, PERSON, text="Hello?")
    meta.fault(kind, scope="210000000009999")
    assert text().status_code == 200
    meta.fault(kind, scope=NUMBER)
    answer = text()
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert text().status_code == 200
    assert len(meta.sent()) == 2


def test_a_call_cut_off_after_accepting_was_heard_and_one_cut_off_before_was_not(text, meta, receiver):
    meta.send(NUMBER, PERSON, text="Hello?")
    for kind in ("cut_before_read", "cut_after_accept"):
        meta.fault(kind)
        with pytest.raises(requests.ConnectionError):
            text(data=kind)
    assert meta.sent_by_callback_data() == {"cut_after_accept": 1}
    assert meta.settle() and receiver.statuses() == ["sent", "delivered"]


def test_chance_is_repeatable(text, meta):
    meta.send(NUMBER, PERSON, text="Hello?")
    runs = []
    for _ in range(2):
        meta.fault("temporary", times=None, probability=0.5, seed=3)
        runs.append([text().status_code for _ in range(10)])
        meta.clear_faults()
    assert runs[0] == runs[1] and set(runs[0]) == {200, 500}


def test_a_webhook_comes_again_until_it_is_answered_with_200(meta, receiver):
    receiver.codes = [503, 500, 401]
    meta.send(NUMBER, PERSON, text="Hello?")
    assert meta.settle()
    assert len(receiver.posts) == 4 and len({body for _, body in receiver.posts}) == 1
    assert meta.log()["webhooks"][0]["attempts"] == 4


def test_statuses_come_backwards_when_asked(text, meta, receiver):
    meta.send(NUMBER, PERSON, text="Hello?")
    meta.fault("shuffled_statuses", times=None, seconds=0.15)
    text()
    assert meta.settle() and receiver.statuses() == ["delivered", "sent"]


def test_damaged_and_missing_media(graph, meta, receiver):
    meta.send(NUMBER, PERSON, sample="order")
    assert meta.settle()
    facts = graph("GET", receiver.values()[-1]["messages"][0]["document"]["id"]).json()
    whole = graph("GET", facts["url"]).content
    meta.fault("media_wrong_hash")
    assert graph("GET", facts["url"]).content != whole
    meta.fault("media_404")
    assert graph("GET", facts["url"]).status_code == 404
    assert graph("GET", facts["url"]).content == whole


def test_many_messages_come_shuffled_in_batches_each_as_often_as_asked(meta, receiver):
    given = [{"person": PERSON, "text": f"text {number}", "at": 1795000000 + number} for number in range(200)]
    made = meta.bulk(NUMBER, given, per_body=25, times=3, seed=7)
    assert len(made["webhooks"]) == 24 and meta.settle()
    seen = [each["id"] for value in receiver.values() for each in value["messages"]]
    assert Counter(seen) == dict.fromkeys(made["wamids"], 3)
    assert seen[:200] != made["wamids"]


def test_a_foreign_page_can_not_play_with_the_sandbox(meta):
    answer = requests.post(f"{meta.base_url}/sandbox/api/reset", data={"a": "b"}, timeout=10)
    assert answer.status_code == 403 and meta.log()["waiting"] == 0


def test_the_check_refuses_the_sandbox_in_production(settings):
    assert checks.refuse_in_production() == []
    settings.ENVIRONMENT = "production"
    assert [each.id for each in checks.refuse_in_production()] == ["sandbox.E001"]
