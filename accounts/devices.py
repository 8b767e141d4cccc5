"""Browsers that have signed in to an account before: they are told from strangers by a signed cookie.

1. Strangers' wrong passwords do not shut out the account's own browsers (accounts.tries), and a sign-in from a browser
   without the cookie is mailed to the person (accounts.adapter).
2. The cookie opens nothing. It is strictly necessary (security; policy clause 9): set by a completed sign-in or password
   reset only, never to recognise anyone elsewhere.
3. It holds until the password changes: who had got in with the old one is a stranger again.
4. Nothing of it is stored on our side.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from accounts.models import User
from omnistra.core.ids import uuid7

LIFE = timedelta(days=180)  # from the last sign-in
PEOPLE = 5  # accounts that one browser remembers
_SALT = "accounts.devices"


def _read(request: HttpRequest) -> dict[str, Any]:
    """What the cookie says: `device`, an id, and `people`, accounts by id with the mark of their password. Empty where
    nothing valid is."""
    try:
        said: dict[str, Any] = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=_SALT, max_age=LIFE
        )
    except signing.BadSignature:
        return {}
    return said


def _mark(user: User) -> str:
    return salted_hmac(_SALT, user.password).hexdigest()[:16]


def known(request: HttpRequest, user: User | None) -> str | None:
    """The browser's id, if the account was signed in to from it with the present password; None for a stranger."""
    said = _read(request)
    return said["device"] if user and said.get("people", {}).get(str(user.pk)) == _mark(user) else None


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """From now on this browser is one of the account's own."""
    said = _read(request)
    others = {key: mark for key, mark in said.get("people", {}).items() if key != str(user.pk)}
    people = {str(user.pk): _mark(user), **dict(list(others.items())[: PEOPLE - 1])}
    value = {"device": said.get("device") or uuid7().hex, "people": people}
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME, signing.dumps(value, salt=_SALT), max_age=LIFE,
        secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax",
    )  # fmt: skip
