"""Passkeys (WebAuthn), by django_otp_webauthn: what the browser is asked, and what is believed of its answer.

1. A challenge is of one person and one session, for registering or for signing in, and is spent by the first answer.
2. The answer comes from a stranger until it is verified: whatever is wrong with it, it is refused in the same words.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import WebAuthnCredential
from webauthn.helpers.structs import UserVerificationRequirement

from accounts.models import User
from omnistra.core.logs import get_logger

log = get_logger(__name__)
_REGISTER, _SHOW = "passkey_to_register", "passkey_to_show"
_LONGEST = 64 * 1024  # characters; an answer has about two thousand


class PasskeyRefused(Exception):
    """The browser's answer is not accepted; the text says what to do."""


class Helper(WebAuthnHelper):
    """What we ask for (OTP_WEBAUTHN_HELPER_CLASS)."""

    def get_credential_display_name(self, user: User) -> str:
        return user.name

    def get_generate_authentication_options_kwargs(self, **asked: Any) -> dict[str, Any]:
        options: dict[str, Any] = super().get_generate_authentication_options_kwargs(**asked)
        return {**options, "user_verification": UserVerificationRequirement.PREFERRED}

    def create_attestation(self, *args: Any) -> None:
        """Nothing: who made the authenticator is not asked, so there is nothing to keep."""


def origin() -> str:
    """Where this installation's passkeys work: they are tied to its name (BASE_URL)."""
    return str(settings.OTP_WEBAUTHN_ALLOWED_ORIGINS[0])


def work_here(request: HttpRequest) -> bool:
    """Whether passkeys can be used at the address by which the page was opened."""
    return request.build_absolute_uri("/") == f"{origin()}/"


def ask_to_register(request: HttpRequest, user: User) -> str:
    """What the browser needs to make a passkey, as JSON; its challenge is kept in the session."""
    options, state = Helper(request).register_begin(user)
    return _keep(request, _REGISTER, user, options, state)


def ask_to_show(request: HttpRequest, user: User) -> str:
    """What the browser needs to show one of the person's passkeys, as JSON; its challenge is kept in the session."""
    options, state = Helper(request).authenticate_begin(user, require_user_verification=False)
    return _keep(request, _SHOW, user, options, state)


def register(request: HttpRequest, user: User, answer: str, name: str) -> WebAuthnCredential:
    """Keep the passkey that the browser made. Raises PasskeyRefused."""
    state = _spend(request, _REGISTER, user)
    with _judging():
        device = Helper(request).register_complete(user, state, _parsed(answer))
        device.name = name
        device.save(update_fields=["name"])
    return device


def check(request: HttpRequest, user: User, answer: str) -> WebAuthnCredential:
    """The passkey of the person that the browser showed. Raises PasskeyRefused."""
    state = _spend(request, _SHOW, user)
    with _judging():
        # Locked, so that of two answers at the same time the second sees the count of the first.
        usable = set(WebAuthnCredential.objects.select_for_update().filter(user=user, confirmed=True))
        device = Helper(request).authenticate_complete(user, state, _parsed(answer))
        if device not in usable:
            raise PermissionError("The passkey is not in use.")
    return device


def _keep(request: HttpRequest, name: str, user: User, options: dict[str, Any], state: dict[str, Any]) -> str:
    request.session[name] = {**state, "user": str(user.pk)}
    return json.dumps(options)


def _spend(request: HttpRequest, name: str, user: User) -> dict[str, Any]:
    """Take a challenge out of the session for good: of two answers that come at the same time one finds it."""
    state = request.session.take(name)  # type: ignore[attr-defined]  # accounts.session_store
    if not state or state["user"] != str(user.pk):
        raise PasskeyRefused(_("This page was open too long. Please try again."))
    return dict(state)


def _parsed(answer: str) -> dict[str, Any]:
    if len(answer) > _LONGEST:
        raise ValueError("too long")
    return dict(json.loads(answer))


@contextmanager
def _judging() -> Iterator[None]:
    """Whatever the parsers and checks of three libraries stumble over, it was the answer that was wrong."""
    try:
        with transaction.atomic():
            yield
    except OperationalError:
        raise  # ours: the database went away
    except Exception as error:
        log.warning("second_factor.passkey_refused", error=type(error).__name__)
        raise PasskeyRefused(_("This passkey was not accepted. Try again, or choose another way.")) from None
