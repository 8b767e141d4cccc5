"""How sign-in behaves (allauth's adapter).

1. Known and unknown addresses get the same answer for the same work: one hash, the same queries, a mail.
2. A password is compared only within the limits of accounts.tries, whichever page asks for it.
3. Mails leave after the transaction, and every link in one begins with BASE_URL: no Host header gets into a mail.
"""

from functools import partial
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts import devices, mails, sessions, tries
from accounts.access import landing
from accounts.audit import record_of_person
from accounts.models import User
from accounts.passwords import normalised
from omnistra.core.addresses import client_address
from omnistra.core.logs import get_logger

log = get_logger(__name__)
# Mails that anybody can cause by typing an address in; all others tell people what they did themselves.
_ANYBODYS_MAILS = {
    "account/email/account_already_exists", "account/email/email_confirmation",
    "account/email/email_confirmation_signup", "account/email/password_reset_key", "account/email/unknown_account",
}  # fmt: skip


class AccountAdapter(DefaultAccountAdapter):
    """E-mail as the only name; after sign-in the person lands in the workspace used last."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("E-mail or password is not right."),
        "incorrect_password": _("This is not your password."),
        "enter_current_password": _("This is not your present password."),
        "too_many_login_attempts": _(
            "Too many wrong passwords. Try again in 15 minutes, or set a new password by mail now."
        ),
        "duplicate_email": _("This is your address already."),
    }  # fmt: skip

    # What a request says

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_ajax(self, request: HttpRequest) -> bool:
        """Nobody asks for sign-in pages as JSON, so they are not to be had."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """A page of this site and nothing else, whatever hosts are ours."""
        return bool(url) and url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return landing(request.user)  # type: ignore[arg-type]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_sessions")

    # Accounts and passwords

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        user.name = form.cleaned_data["name"]
        user.email = form.cleaned_data["email"].lower()
        return super().save_user(request, user, form, commit)

    def clean_password(self, password: str, user: Any = None) -> str:
        """The rules hold for what is stored: `ｐａｓｓｗｏｒｄ` is a common password too."""
        return super().clean_password(normalised(password), user)  # type: ignore[no-any-return]

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Whose password this is, if anybody's. Raises ValidationError where it may not be tried now.

        An account is named by its own address alone, not by one that it merely asks for. An address that is nobody's
        costs the same hash.
        """
        email = credentials["email"].lower()
        user = User.objects.filter(email=email).first()
        attempt = tries.begin(request, email, user)
        if attempt is None:
            raise self.validation_error("too_many_login_attempts")
        if (user or User()).check_password(credentials["password"]):
            attempt.was_right()
            return user
        attempt.was_wrong(user.pk if user else None)
        return None

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        is_change = EmailAddress.objects.filter(user_id=email_address.user_id, verified=True).exists()
        try:
            with transaction.atomic():
                confirmed: bool = super().confirm_email(request, email_address)
        except IntegrityError:  # somebody has got it: an account whose address was never confirmed, or a moment ago
            failed = "account/messages/email_confirmation_failed.txt"
            self.add_message(request, messages.ERROR, failed, {"email": email_address.email})
            return False
        if confirmed and is_change:
            record_of_person("email.changed", email_address.user_id, ["email"])
        return confirmed

    # Signing in and out

    def get_login_stages(self) -> list[str]:
        """The second factor comes last: nothing may lead on after it."""
        return [*super().get_login_stages(), "accounts.second_factor.stage.SecondFactorStage"]

    def login(self, request: HttpRequest, user: Any) -> None:
        """The person is signed in: all stages are passed."""
        is_first, is_stranger = user.last_login is None, devices.known(request, user) is None
        super().login(request, user)
        session = sessions.begin(request)
        record_of_person("sign_in.succeeded", user.pk)
        if is_stranger and not is_first:
            self.send_mail("account/email/new_device", user.email, {"user": user, "session": session})

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        devices.remember(request, response, user)
        return response

    def logout(self, request: HttpRequest) -> None:
        if request.user.is_authenticated:
            record_of_person("sign_out.done", request.user.pk)
        super().logout(request)

    # Mails

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return settings.BASE_URL + reverse("account_confirm_email", args=[emailconfirmation.key])

    def get_reset_password_from_key_url(self, key: str) -> str:
        uid, _dash, token = key.partition("-")
        return settings.BASE_URL + reverse("account_reset_password_from_key", args=[uid, token])

    def send_account_already_exists_mail(self, email: str) -> None:
        self.send_mail("account/email/account_already_exists", email, {})

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Render now, send once the transaction has committed. Where too many were asked for, the ones before suffice."""
        if template_prefix in _ANYBODYS_MAILS and not tries.may_mail(template_prefix, email):
            return
        user = context.get("user")
        words = {**context, "base_url": settings.BASE_URL, "name": mails.tame(user.name) if user else ""}
        message = self.render_mail(template_prefix, email, words)
        transaction.on_commit(partial(_send, message, template_prefix))

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """allauth would add the whole address and the browser's whole name: a mail needs neither."""
        self.send_mail(template_prefix, email or user.email, {"user": user, **(context or {})})


def _send(message: EmailMessage, kind: str) -> None:
    """A mail server that is away costs the mail, not the page: the person can ask for another one."""
    try:
        message.send()
    except OSError as error:  # includes smtplib's
        log.error("mail.not_sent", kind=kind, error=type(error).__name__)
