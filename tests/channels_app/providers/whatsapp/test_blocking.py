"""Blocking a person: the call, and the answer that is read person by person."""

import json
from pathlib import Path

import pytest

from channels_app.contract import CredentialsRefused, Permanent, Retryable
from channels_app.providers.whatsapp.provider import WhatsApp
from omnistra.core import http
from omnistra.core.http import Answer

PAYLOADS = Path(__file__).parent / "payloads"


@pytest.fixture
def meta(monkeypatch):
    """Answers as it is told, and keeps what it was asked."""

    class Meta:
        def __init__(self):
            self.asked, self.answer = [], None

        def request(self, method, url, **kwargs):
            self.asked.append((method, url.split("/", 4)[-1], kwargs["json"]))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        def says(self, status, body):
            self.answer = Answer(status, {}, json.dumps(body).encode())

    given = Meta()
    monkeypatch.setattr(http, "client", lambda purpose: given)
    return given


def test_meta_105_the_person_is_named_by_number_or_by_scoped_id(meta):
    meta.says(200, {"block_users": {"added_users": [{"input": "+491701112233", "wa_id": "491701112233"}]}})
    WhatsApp().set_blocked("501", {"token": "t"}, {"wa_id": "491701112233", "bsuid": "DE.7"}, True)
    meta.says(200, {"block_users": {"removed_users": [{"input": "DE.7"}]}})
    WhatsApp().set_blocked("501", {"token": "t"}, {"bsuid": "DE.7"}, False)
    assert [(each[0], each[2]["block_users"]) for each in meta.asked] == [
        ("POST", [{"user": "+491701112233"}]),
        ("DELETE", [{"user_id": "DE.7"}]),
    ]
    assert all(each[1].endswith("501/block_users") for each in meta.asked)


def test_meta_105_a_mixed_answer_with_400_is_read_person_by_person(meta):
    meta.says(400, json.loads((PAYLOADS / "105_block_mixed.json").read_text()))
    WhatsApp().set_blocked("501", {}, {"wa_id": "491701112233"}, True)
    with pytest.raises(Retryable) as refused:
        WhatsApp().set_blocked("501", {}, {"wa_id": "491701112299"}, True)
    assert refused.value.code == 139100
    with pytest.raises(Retryable):  # not named at all: the answer as a whole counts
        WhatsApp().set_blocked("501", {}, {"wa_id": "491701112200"}, True)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": {"code": 190}}, CredentialsRefused),
        (500, "gone", Retryable),
        (200, {}, Permanent),
        (200, {"block_users": {"added_users": "x", "failed_users": [5]}}, Permanent),
        (200, [], Permanent),
    ],
)
def test_an_answer_that_names_nobody_blocks_nobody(meta, status, body, kind):
    meta.says(status, body)
    with pytest.raises(kind):
        WhatsApp().set_blocked("501", {}, {"wa_id": "491701112233"}, True)


def test_without_an_address_or_a_connection_nothing_is_blocked(meta):
    with pytest.raises(Permanent):
        WhatsApp().set_blocked("501", {}, {"username": "lena"}, True)
    assert meta.asked == []
    meta.answer = http.NotSent("no")
    with pytest.raises(Retryable):
        WhatsApp().set_blocked("501", {}, {"wa_id": "491701112233"}, True)
