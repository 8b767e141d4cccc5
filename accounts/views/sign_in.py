"""Sign-in, sign-up, passwords and the address: allauth's pages with what this product adds to them."""

from typing import Any

from allauth.account import views as allauth
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts import devices, sessions, tries
from accounts.access import public, signed_in
from accounts.audit import record_of_person
from accounts.models.limits import Limit
from accounts.second_factor.fresh import fresh


def _blocked(response: HttpResponse, limit: Limit) -> HttpResponse:
    response.status_code = 429
    response["Retry-After"] = str(limit.seconds)
    return response


def _is_blocked(form: Any, field: str) -> bool:
    return bool(form.has_error(field, "too_many_login_attempts"))


class SignInView(allauth.LoginView):  # type: ignore[misc]
    """The password. Not in one transaction: a try counts whatever comes after it, and none waits for a hash."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():  # while the database is away no form is shown that could not be answered
            return super().get(request, *args, **kwargs)  # type: ignore[no-any-return]

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            return super().form_valid(form)  # type: ignore[no-any-return]

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        return _blocked(response, tries.PASSWORDS) if _is_blocked(form, NON_FIELD_ERRORS) else response


class SignUpView(allauth.SignupView):  # type: ignore[misc]
    """A new person and workspace. Nothing is counted, and nothing kept, before the form is right in all its parts."""

    def form_valid(self, form: Any) -> HttpResponse:
        if tries.may(tries.SIGN_UPS, self.request):
            return super().form_valid(form)  # type: ignore[no-any-return]
        form.add_error(None, _("Too many workspaces were opened from your network. Try again in an hour."))
        return _blocked(self.form_invalid(form), tries.SIGN_UPS)


class ResetView(allauth.PasswordResetView):  # type: ignore[misc]
    """Asks for the mail with the link."""

    def form_valid(self, form: Any) -> HttpResponse:
        if tries.may(tries.RESETS, self.request):
            return super().form_valid(form)  # type: ignore[no-any-return]
        form.add_error(None, _("Too many links were asked for from your network. Try again in an hour."))
        return _blocked(self.form_invalid(form), tries.RESETS)


class NewPasswordView(allauth.PasswordResetFromKeyView):  # type: ignore[misc]
    """The new password behind a mailed link: it ends every session and every wait."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        user = self.reset_user
        record_of_person("password.reset", user.pk)
        sessions.end_all(user.pk)
        tries.end_wait(self.request, user)
        devices.remember(self.request, response, user)
        return response


class ChangePasswordView(allauth.PasswordChangeView):  # type: ignore[misc]
    """A new password for the old one: it ends the person's other sessions."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_usable_password():
            return redirect("account_reset_password")  # the mailbox is the proof that is left
        return super().dispatch(request, *args, **kwargs)  # type: ignore[no-any-return]

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        record_of_person("password.changed", form.user.pk)
        sessions.end_all(form.user.pk, but=sessions.current_id(self.request))
        devices.remember(self.request, response, form.user)
        return response


class AddressView(allauth.EmailView):  # type: ignore[misc]
    """The person's address, and a new one that replaces it once it is confirmed."""

    def form_valid(self, form: Any) -> HttpResponse:
        if tries.may(tries.NEW_ADDRESSES, self.request, str(self.request.user.pk)):
            return super().form_valid(form)  # type: ignore[no-any-return]
        form.add_error("email", _("You asked for too many changes. Try again in an hour."))
        return _blocked(self.form_invalid(form), tries.NEW_ADDRESSES)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"section": "security"}


sign_in = public(transaction.non_atomic_requests(SignInView.as_view()))
sign_up = public(SignUpView.as_view())
sign_out = public(allauth.logout)
inactive = public(allauth.account_inactive)
verification_sent = public(allauth.email_verification_sent)
confirm_address = public(allauth.confirm_email)
reset = public(ResetView.as_view())
reset_sent = public(allauth.password_reset_done)
new_password = public(NewPasswordView.as_view())
reset_done = public(allauth.password_reset_from_key_done)
change_password = signed_in(ChangePasswordView.as_view())
address = signed_in(fresh(AddressView.as_view()))
