"""The stage of a sign-in that asks for the second factor (allauth's login stages).

Until it is passed the session is nobody's: the half-done login lives in the session for five minutes
(ACCOUNT_LOGIN_TIMEOUT) and ends earlier when the password changes or the account is closed.
"""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.stagekit import clear_login
from allauth.account.stages import LoginStage, LoginStageController
from allauth.core.internal.httpkit import headed_redirect_response
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django_otp.models import Device

from accounts.second_factor import policy, session


class SecondFactorStage(LoginStage):
    """Holds the sign-in of a person who has a second factor until it was shown."""

    key = "second_factor"
    urlname = "account_second_factor"

    def handle(self) -> tuple[Any, bool]:
        user = self.login.user
        if user is None or not policy.has_factor(user):
            return None, True
        self.state["password"] = user.get_session_auth_hash()
        return headed_redirect_response(self.urlname), True

    @classmethod
    def of(cls, request: HttpRequest) -> "SecondFactorStage | None":
        """The half-done login of this session that waits here, or None."""
        stage = LoginStageController.enter(request, cls.key)
        if stage is None:
            return None
        user = stage.login.user
        known = user is not None and user.is_active
        if not known or not constant_time_compare(stage.state.get("password", ""), user.get_session_auth_hash()):
            clear_login(request)
            return None
        return stage  # type: ignore[no-any-return]

    def finish(self, device: Device) -> HttpResponse:
        """The factor was shown: the person is signed in, under a new session id."""
        user = self.login.user
        user.otp_device = device  # django-otp keeps it in the session when the person is signed in
        record_authentication(self.request, user, method="second_factor")
        response: HttpResponse = self.exit()
        if self.request.user.is_authenticated:
            session.remember(self.request)
        return response
