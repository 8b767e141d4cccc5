"""Webhooks in: signature, journal, and what is answered."""

import hashlib
import hmac

import pytest
from django.db import DatabaseError
from django.test import Client

from channels_app.models import RawEvent
from omnistra.core.tenancy import system_scope

VECTOR = (
    b'{"object":"whatsapp_business_account","entry":[{"id":"310000000000101","changes":[{"field":"messages","value":'
    b'{"messaging_product":"whatsapp","metadata":{"display_phone_number":"493012345678","phone_number_id":'
    b'"210000000000501"},"contacts":[{"profile":{"name":"Lena Fields"},"wa_id":"491701112233","user_id":'
    b'"DE.7011223344556677"}],"messages":[{"from":"491701112233","from_user_id":"DE.7011223344556677","id":'
    b'"wamid.TEST0001","timestamp":"1795000000","type":"text","text":{"body":"Hello, is this in stock?"}}]}}]}]}'
)
SIGNATURE = "sha256=3940fd2b36312fe5a9e9729aebc78b0b7f15a8a6fc67109aef1f2138b7668cb7"
URL = "/webhooks/whatsapp/"


def sign(body: bytes, secret: str = "omnistra-meta-test-secret") -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post(body: bytes, signature: str | None = None, **headers: str):
    given = {"X-Hub-Signature-256": sign(body) if signature is None else signature} if signature != "" else {}
    return Client().post(URL, body, content_type="application/json", headers={**given, **headers})


def rows() -> int:
    with system_scope("test"):
        return RawEvent.objects.count()


def test_the_handshake_echoes_the_challenge_for_the_right_token(db):
    answer = Client().get(
        URL,
        {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "vt-3f9c1a-omnistra"},
    )
    assert (answer.status_code, answer.content, answer["Content-Type"].split(";")[0]) == (
        200,
        b"1158201444",
        "text/plain",
    )


@pytest.mark.parametrize(
    "query",
    [
        {"hub.mode": "subscribe", "hub.challenge": "<script>", "hub.verify_token": "wrong"},
        {"hub.mode": "subscribe", "hub.challenge": "1"},
        {"hub.mode": "unsubscribe", "hub.challenge": "1", "hub.verify_token": "vt-3f9c1a-omnistra"},
        {"hub.mode": "subscribe", "hub.verify_token": "vt-3f9c1a-omnistra"},
        {},
    ],
)
def test_the_handshake_refuses_everything_else_and_echoes_nothing(db, query):
    answer = Client().get(URL, query)
    assert answer.status_code == 403
    assert b"script" not in answer.content


def test_the_published_vector_is_accepted_and_stored_once(db):
    for _ in range(3):
        assert post(VECTOR, SIGNATURE).status_code == 200
    assert rows() == 1


@pytest.mark.clause("4a")
def test_the_journal_holds_no_plain_text_and_cannot_be_read_by_the_runtime_role(db):
    post(VECTOR, SIGNATURE)
    with system_scope("test"):
        body = bytes(RawEvent.objects.get().body)
    assert b"Hello" not in body and b"491701112233" not in body
    with pytest.raises(Exception, match="system_scope"):
        RawEvent.objects.count()


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        "sha1=3940fd2b36312fe5a9e9729aebc78b0b7f15a8a6",
        SIGNATURE.removeprefix("sha256="),
        SIGNATURE[:-1] + "8",
        sign(VECTOR, "another-secret"),
        "sha256=ünïcode",
    ],
)
def test_a_missing_or_wrong_signature_is_refused_and_leaves_no_row(db, signature):
    assert post(VECTOR, signature).status_code == 401
    assert rows() == 0


def test_upper_case_hex_of_the_right_signature_is_accepted(db):
    assert post(VECTOR, "sha256=" + SIGNATURE.removeprefix("sha256=").upper()).status_code == 200


def test_the_previous_secret_holds_while_a_rotation_lasts(db, settings):
    settings.META_APP_SECRET_PREVIOUS = "the-old-one"
    assert post(VECTOR, sign(VECTOR, "the-old-one")).status_code == 200
    settings.META_APP_SECRET_PREVIOUS = ""
    assert post(VECTOR, sign(VECTOR, "the-old-one")).status_code == 401


def test_no_configured_secret_means_no_accepted_signature(db, settings):
    settings.META_APP_SECRET = ""
    assert post(VECTOR, sign(VECTOR, "")).status_code == 503
    assert rows() == 0


def test_a_body_above_three_megabytes_is_refused_and_one_below_is_taken(db):
    assert post(b"x" * (3 * 1024 * 1024 + 1)).status_code == 413
    assert rows() == 0
    assert post(b" " * (2_900_000) + VECTOR).status_code == 200


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"7", b'{"object":"user"}', b"[" * 10_000, b"\xff\xfe"])
def test_signed_bodies_that_mean_nothing_are_answered_200_and_set_aside_with_a_reason(db, body):
    from conversations import ingest

    assert post(body).status_code == 200
    assert ingest.drain() == 1
    with system_scope("test"):
        event = RawEvent.objects.get()
    assert event.state == "aside" and event.reason


def test_with_the_database_away_the_platform_is_asked_to_retry(db, monkeypatch):
    def away(*args):
        raise DatabaseError("gone")

    monkeypatch.setattr("channels_app.webhooks.append", away)
    assert post(VECTOR, SIGNATURE).status_code == 503


def test_with_the_broker_away_the_webhook_is_still_taken(db, settings, monkeypatch):
    def away(*args, **kwargs):
        raise ConnectionError("no broker")

    monkeypatch.setattr("celery.app.base.Celery.send_task", away)
    assert post(VECTOR, SIGNATURE).status_code == 200
    assert rows() == 1


def test_other_methods_and_other_providers_are_told_so(db):
    assert Client().put(URL).status_code == 405
    assert Client().post("/webhooks/telegram/").status_code == 404
