"""What the sign-in tests share."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import get_hasher
from django.test import Client
from django.utils import timezone

PASSWORD = "correct-horse-battery"
LAPTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


def sign_in(client: Client, email: str, password: str = PASSWORD, **more):
    """Post the form."""
    return client.post("/accounts/login/", {"login": email, "password": password}, **more)


def is_in(client: Client) -> bool:
    """Whether the browser is signed in."""
    return client.get("/accounts/sessions/").status_code == 200


class Clock:
    """The time that Django tells, moved by hand."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def shift(self, **more: float) -> None:
        """Let time pass."""
        self.now += timedelta(**more)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """Time stands still until it is moved."""
    made = Clock()
    monkeypatch.setattr(timezone, "now", lambda: made.now)
    return made


@pytest.fixture
def hashes(monkeypatch) -> list[str]:
    """The passwords that were compared or hashed."""
    made: list[str] = []
    hasher = type(get_hasher())
    encode, verify = hasher.encode, hasher.verify

    def counted_encode(self, password, salt):
        made.append(password)
        return encode(self, password, salt)

    def counted_verify(self, password, encoded):
        made.append(password)
        return verify(self, password, encoded)

    monkeypatch.setattr(hasher, "encode", counted_encode)
    monkeypatch.setattr(hasher, "verify", counted_verify)
    return made


def link_in(body: str) -> str:
    """The page that a mail leads to."""
    found = re.search(r"https?://[^/\s]+(/accounts/\S+)", body)
    assert found
    return found[1]
