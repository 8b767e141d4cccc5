"""Passkeys: made and shown by a software authenticator, and every way to forge an answer."""

import json
import re
from html import unescape

import pytest
from django.conf import settings
from django.test import Client
from django_otp_webauthn.models import WebAuthnCredential

from accounts.models import AuditEntry, User
from omnistra.core.tenancy import workspace_scope
from tests.authenticator import Authenticator, letters, raw
from tests.factors import PASSWORD, is_signed_in, show_password

ADD, STEP = "/accounts/second-factor/set-up/passkey/", "/accounts/second-factor/"
ORIGIN = settings.OTP_WEBAUTHN_ALLOWED_ORIGINS[0]
HOST = ORIGIN.split("://")[1]


def new_client() -> Client:
    return Client(headers={"host": HOST})


def options_of(answer) -> dict:
    return json.loads(unescape(re.search(r'data-options="([^"]+)"', answer.content.decode()).group(1)))


def enrol(user: User) -> Authenticator:
    """A passkey of the person, made in the pages."""
    client, authenticator = new_client(), Authenticator(ORIGIN)
    client.force_login(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    answer = client.post(ADD, {"name": "Laptop", "passkey": authenticator.register(options_of(client.get(ADD)))})
    assert answer.status_code == 200 and "recovery codes" in answer.content.decode().lower()
    return authenticator


@pytest.fixture
def half_done(owner) -> tuple[Client, Authenticator]:
    """A sign-in that waits for the passkey."""
    authenticator, client = enrol(owner), new_client()
    assert show_password(client, owner)["Location"] == STEP
    return client, authenticator


@pytest.mark.clause("12b")
def test_a_passkey_is_made_and_signs_in_once_for_each_challenge(workspace, owner, half_done):
    client, authenticator = half_done
    shown = authenticator.show(options_of(client.get(STEP)))
    answer = client.post(STEP, {"passkey": shown})
    assert answer.status_code == 302 and is_signed_in(client)
    assert client.get(f"/w/{workspace.slug}/inbox/").status_code == 200
    other = new_client()
    show_password(other, owner)
    other.get(STEP)
    assert other.post(STEP, {"passkey": shown}).status_code == 422 and not is_signed_in(other)


def bent_signature(authenticator: Authenticator, options: dict) -> str:
    answer = json.loads(authenticator.show(options))
    signature = bytearray(raw(answer["response"]["signature"]))
    signature[-1] ^= 1
    answer["response"]["signature"] = letters(bytes(signature))
    return json.dumps(answer)


def counting_back(authenticator: Authenticator, options: dict) -> str:
    WebAuthnCredential.objects.update(sign_count=100)
    return authenticator.show(options)


def of_a_stranger(authenticator: Authenticator, options: dict) -> str:
    return Authenticator(ORIGIN).show(options)


def with_anothers_id(authenticator: Authenticator, options: dict) -> str:
    stranger = Authenticator(ORIGIN)
    stranger.id = authenticator.id
    return stranger.show(options)


def elsewhere(authenticator: Authenticator, options: dict) -> str:
    return authenticator.show(options, origin="https://evil.example")


FORGED = {
    "another challenge": lambda a, o: a.show({**o, "challenge": letters(b"x" * 32)}),
    "another origin": elsewhere,
    "another kind": lambda a, o: a.show(o, type="webauthn.create"),
    "altered signature": bent_signature,
    "counter that goes back": counting_back,
    "unknown passkey": of_a_stranger,
    "another's key under a known id": with_anothers_id,
    "no JSON": lambda a, o: "{",
    "a list": lambda a, o: "[]",
    "nothing": lambda a, o: "",
    "NUL": lambda a, o: '{"id": "\x00"}',
    "very long": lambda a, o: "x" * 100_000,
    "deep": lambda a, o: "[" * 50_000,
}


@pytest.mark.clause("12b")
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_answer_lets_nobody_in_and_the_challenge_is_spent(half_done, workspace, forge):
    client, authenticator = half_done
    options = options_of(client.get(STEP))
    answer = client.post(STEP, {"passkey": forge(authenticator, options)})
    assert answer.status_code == 422 and not is_signed_in(client)
    assert "evil.example" not in answer.content.decode()
    assert client.post(STEP, {"passkey": authenticator.show(options)}).status_code == 422, "each challenge holds once"
    assert not is_signed_in(client)
    with workspace_scope(workspace.pk):
        assert AuditEntry.objects.filter(action="second_factor.refused").count() == 2


@pytest.mark.clause("12b")
def test_the_passkey_of_another_person_is_refused(half_done, other):
    client, _ = half_done
    stranger = enrol(User.objects.get(email="max@elsewhere.example"))
    answer = client.post(STEP, {"passkey": stranger.show(options_of(client.get(STEP)))})
    assert answer.status_code == 422 and not is_signed_in(client)


@pytest.mark.parametrize("bent", [{"origin": "https://evil.example"}, {"type": "webauthn.get"}, {"challenge": "eHg"}])
def test_a_forged_registration_keeps_nothing(owner, workspace, bent):
    client, authenticator = new_client(), Authenticator(ORIGIN)
    client.force_login(owner)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    answer = client.post(ADD, {"name": "x", "passkey": authenticator.register(options_of(client.get(ADD)), **bent)})
    assert answer.status_code == 422 and not WebAuthnCredential.objects.exists()


def test_at_another_address_passkeys_say_where_they_work(owner, workspace):
    client = Client(headers={"host": "elsewhere.example"})
    client.force_login(owner)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get(ADD).content.decode()
    assert ORIGIN in page and "data-options" not in page
