"""The public side of an invitation: who invites to what, and the ways in.

Who holds the link got it by mail at the invited address. Looking changes nothing: mail programs look too.
"""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.utils import perform_login
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import invitations
from accounts.access import public
from accounts.forms.joining import JoinForm
from accounts.invitations import Over
from accounts.models import Invitation, Membership, User


@public
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """What the link shows; POST accepts it for the person who is signed in."""
    found = Invitation.by_token(token)
    if found is None or found.state != "open":
        return _over(request, found)
    if request.method == "POST" and request.user.is_authenticated:
        addresses = _addresses(request.user)  # type: ignore[arg-type]
        try:
            invitations.accept(found, request.user, addresses)  # type: ignore[arg-type]
        except Over:
            return _over(request, Invitation.by_token(token))
        return _welcome(request, found)
    return _page(request, found, token)


@public
@require_POST
def join(request: HttpRequest, token: str) -> HttpResponseBase:
    """Sign up with the invited address and accept, in one step."""
    found = Invitation.by_token(token)
    if found is None or found.state != "open":
        return _over(request, found)
    if request.user.is_authenticated or _has_account(found.email):
        return redirect("invitation", token)
    form = JoinForm(request.POST, email=found.email)
    if not form.is_valid():
        return _page(request, found, token, form)
    try:
        with transaction.atomic():
            user = form.make_user(request)
            invitations.accept(found, user, [user.email])
    except IntegrityError:  # the same form, sent twice at the same time
        return redirect("invitation", token)
    except Over:
        return _over(request, Invitation.by_token(token))
    return perform_login(request, user, redirect_url=_home(found), signup=True, email=user.email)  # type: ignore[no-any-return]


def _home(found: Invitation) -> str:
    return reverse("accounts:workspace", args=[found.workspace.slug])


def _welcome(request: HttpRequest, found: Invitation) -> HttpResponse:
    messages.success(request, _("Welcome to %s.") % found.workspace.name)
    return redirect(_home(found))


def _addresses(user: User) -> set[str]:
    """The addresses that the person has confirmed."""
    return set(EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True))


def _has_account(email: str) -> bool:
    return User.objects.filter(Q(email__iexact=email) | Q(emailaddress__email__iexact=email)).exists()


def _page(request: HttpRequest, found: Invitation, token: str, form: JoinForm | None = None) -> HttpResponse:
    user: Any = request.user
    if user.is_authenticated:
        way = "accept" if any(found.is_for(each) for each in _addresses(user)) else "other"
    else:
        way = "sign_in" if _has_account(found.email) else "sign_up"
    context = {"found": found, "token": token, "way": way, "form": form or JoinForm(email=found.email)}
    return render(request, "accounts/invitation.html", context, status=422 if form else 200)


def _over(request: HttpRequest, found: Invitation | None) -> HttpResponse:
    """An invitation that does not stand (any more). Nothing of the workspace is told; who has accepted it goes on in."""
    mine = found is not None and found.accepted_by is not None and found.accepted_by.user_id == request.user.pk
    if mine and any(each.pk == found.accepted_by_id for each in Membership.of_user(request.user)):
        return redirect(_home(found))
    context = {"state": found.state if found else "unknown"}
    return render(request, "accounts/invitation_over.html", context, status=410 if found else 404)
