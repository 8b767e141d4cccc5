"""Where a factor is shown: the second step of a sign-in, and "confirm that it is you"."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import get_login_redirect_url, get_next_redirect_url
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.access import public, signed_in
from accounts.forms.sign_in import ConfirmForm
from accounts.second_factor.proof import Proof
from accounts.second_factor.stage import SecondFactorStage


@public
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """The second step of a sign-in. Without a first one there is nothing here."""
    if request.user.is_authenticated:
        return redirect(get_login_redirect_url(request))
    stage = SecondFactorStage.of(request)
    if stage is None:
        return redirect("account_login")
    if request.method == "POST" and "cancel" in request.POST:
        return stage.abort()  # type: ignore[no-any-return]
    proof = Proof(request, stage.login.user)
    if proof.device is not None:
        return stage.finish(proof.device)
    return render(request, "accounts/second_factor/sign_in.html", proof.context(), status=proof.status)


@signed_in(while_closing=True)
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def reauthenticate(request: HttpRequest) -> HttpResponse:
    """Password or factor again, before something that matters; then back to it."""
    user: Any = request.user
    password = ConfirmForm(request.POST if "password" in request.POST else None, user=user)
    proof = Proof(request, user)
    method = "second_factor" if proof.device is not None else "password" if password.is_valid() else ""
    if method:
        record_authentication(request, user, method=method, reauthenticated=True)
        request.session.cycle_key()  # as with every gain in rights
        return redirect(get_next_redirect_url(request) or "account_security")
    context = {**proof.context(), "password_form": password, "next": get_next_redirect_url(request) or ""}
    too_often = password.has_error("password", "too_many_login_attempts")
    status = 429 if too_often else 422 if password.errors else proof.status
    return render(request, "accounts/second_factor/reauthenticate.html", context, status=status)
