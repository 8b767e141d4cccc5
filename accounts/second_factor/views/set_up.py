"""Adding a second factor: an authenticator app or a passkey."""

from typing import Any
from urllib.parse import urlencode

import segno
from allauth.account.utils import get_next_redirect_url
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import signed_in
from accounts.models import AuthenticatorApp
from accounts.second_factor import enrolment, factors, passkeys, policy, session
from accounts.second_factor.forms import AppForm, PasskeyForm
from accounts.second_factor.fresh import fresh


def _context(request: Any, **more: Any) -> dict[str, Any]:
    back = get_next_redirect_url(request) or ""
    return {"next": back, "query": f"?{urlencode({'next': back})}" if back else "", **more}


@signed_in(while_closing=True)
@require_safe
@fresh
def set_up(request: Any) -> HttpResponse:
    """Which factor to add, and why where one is demanded."""
    standing = policy.standing(request.user)
    context = _context(
        request,
        must_have=standing.must_have and not standing.has_factor,
        workspaces=policy.strict_workspaces(request.user),
        passkeys_elsewhere="" if passkeys.work_here(request) else passkeys.origin(),
    )
    return render(request, "accounts/second_factor/set_up.html", context)


@signed_in(while_closing=True)
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@fresh
def add_app(request: Any) -> HttpResponse:
    """The secret as a picture and as letters; POST with the first code keeps the app."""
    app = enrolment.pending(request, request.user)
    form = AppForm(app, request.POST or None, initial={"name": _("Authenticator app")})
    if form.is_valid():
        try:
            with transaction.atomic():
                codes = factors.add(request.user, lambda: enrolment.keep(app, form.cleaned_data["name"]))
        except factors.TooMany as error:
            form.add_error(None, str(error))
        except IntegrityError:  # the same form, sent twice
            return redirect("account_security")
        else:
            enrolment.forget(request)
            return _added(request, app, codes)
    letters = app.secret_letters()
    secret = " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))  # for typing
    context = _context(request, form=form, picture=_picture(app), secret=secret)
    return render(request, "accounts/second_factor/add_app.html", context, status=422 if form.errors else 200)


def _picture(app: AuthenticatorApp) -> str:
    """The QR code as an SVG element: made of numbers alone, and without a style of its own."""
    code = segno.make(app.address(), error="m", micro=False)
    return mark_safe(code.svg_inline(omitsize=True, border=2, svgclass="qr", lineclass=None))  # noqa: S308


@signed_in(while_closing=True)
@require_http_methods(["GET", "HEAD", "POST"])
@fresh
def add_passkey(request: Any) -> HttpResponse:
    """The browser makes a passkey; POST with its answer keeps it."""
    form = PasskeyForm(request.POST or None, initial={"name": _("Passkey")})
    if form.is_valid():
        name, answer = form.cleaned_data["name"], form.cleaned_data["passkey"]
        made = []

        def make() -> Any:
            made.append(passkeys.register(request, request.user, answer, name))
            return made[0]

        try:
            codes = factors.add(request.user, make)
        except (factors.TooMany, passkeys.PasskeyRefused) as error:
            form.add_error(None, str(error))
        else:
            return _added(request, made[0], codes)
    here = passkeys.work_here(request)
    context = _context(
        request,
        form=form,
        options=passkeys.ask_to_register(request, request.user) if here else "",
        passkeys_elsewhere="" if here else passkeys.origin(),
    )
    return render(request, "accounts/second_factor/add_passkey.html", context, status=422 if form.errors else 200)


def _added(request: Any, device: Any, codes: list[str]) -> HttpResponse:
    """The session counts as verified: the person just showed the factor. Recovery codes are shown this once."""
    if not request.user.is_verified():
        session.verify(request, device)
    messages.success(request, _("“%s” was added. You are asked for it when you sign in.") % device.name)
    back = get_next_redirect_url(request) or ""
    if codes:
        return show_codes(request, codes, back)
    return redirect(back or "account_security")


def show_codes(request: HttpRequest, codes: list[str], back: str = "") -> HttpResponse:
    """The page that shows new recovery codes, the only time they are seen."""
    text = "\r\n".join(
        [_("Omnistra recovery codes for %s") % request.user.email, _("Each works once."), "", *codes, ""]
    )  # type: ignore[union-attr]
    context = {"codes": codes, "text": text, "back": back}
    return render(request, "accounts/second_factor/codes_shown.html", context)
