"""A person's own page of sign-in and security: password, second factors, recovery codes."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_otp import login as bind_session
from django_otp.models import Device

from accounts.access import signed_in
from accounts.models import RecoveryCodes
from accounts.second_factor import factors, policy, session
from accounts.second_factor.forms import NameForm
from accounts.second_factor.fresh import fresh
from accounts.second_factor.views.set_up import show_codes


@signed_in
@require_safe
def security(request: Any) -> HttpResponse:
    """What the person signs in with."""
    codes = RecoveryCodes.objects.filter(user=request.user).first()
    left = codes.left() if codes else 0
    context = {
        "section": "security", "factors": factors.of(request.user), "codes_left": left,
        "codes_few": left <= RecoveryCodes.FEW, "most": factors.MOST,
    }  # fmt: skip
    return render(request, "accounts/second_factor/security.html", context)


def _own(request: Any, kind: str, identity: str) -> Device:
    device = factors.get(request.user, kind, identity)
    if device is None:
        raise Http404("There is no such second factor.")
    return device


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@fresh
def rename(request: Any, kind: str, identity: str) -> HttpResponse:
    """Call a factor something else."""
    device = _own(request, kind, identity)
    form = NameForm(request.POST or None, initial={"name": device.name})
    if form.is_valid():
        factors.rename(request.user, device, form.cleaned_data["name"])
        messages.success(request, _("The name was changed."))
        return redirect("account_security")
    context = {"section": "security", "form": form, "name": device.name}
    return render(request, "accounts/second_factor/rename.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@fresh
def remove(request: Any, kind: str, identity: str) -> HttpResponse:
    """Take a factor away, after a page that says what follows."""
    device = _own(request, kind, identity)
    last = len(factors.of(request.user)) == 1
    if request.method == "POST":
        shown_in_this_session = request.user.otp_device == device
        left = factors.remove(request.user, device)
        if left is None:
            session.forget(request)
        elif shown_in_this_session:
            bind_session(request, left)  # this session goes on; others that were opened with it end
        messages.success(request, _("“%s” was removed.") % device.name)
        return redirect("account_security")
    must_have = last and policy.standing(request.user).must_have
    context = {"section": "security", "name": device.name, "kind": kind, "last": last, "must_have": must_have}
    return render(request, "accounts/second_factor/remove.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@fresh
def recovery_codes(request: Any) -> HttpResponse:
    """How many codes are left; POST makes ten new ones and shows them this once."""
    if not factors.of(request.user):
        return redirect("account_security")
    if request.method == "POST":
        return show_codes(request, factors.renew_codes(request.user))
    codes = RecoveryCodes.objects.filter(user=request.user).first()
    context = {"section": "security", "codes_left": codes.left() if codes else 0}
    return render(request, "accounts/second_factor/recovery_codes.html", context)
