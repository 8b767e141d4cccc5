"""The pages of one's own account: what is held, taking it along, closing the account and undoing that."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import MemberRequest, signed_in
from accounts.models import Membership
from accounts.second_factor.fresh import fresh
from privacy import account_closure, account_export, closure


@signed_in(while_closing=True)
@require_safe
def account_data(request: MemberRequest) -> HttpResponse:
    """What is held of this person, and how to take it along or end it."""
    context = {"section": "data", "memberships": Membership.of_user(request.user)}
    return render(request, "privacy/account_data.html", context)


@signed_in(while_closing=True)
@require_http_methods(["GET", "HEAD", "POST"])
@fresh
def account_export_file(request: MemberRequest) -> HttpResponseBase:
    """What is in the file; POST gives it."""
    kind = request.POST.get("format", "")
    if request.method != "POST" or kind not in account_export.FORMATS:
        status = 200 if request.method != "POST" else 422
        return render(request, "privacy/account_export.html", {"section": "data"}, status=status)
    parts = account_export.export(request.user, kind)
    answer = StreamingHttpResponse(parts, content_type=account_export.FORMATS[kind][0])
    answer["Content-Disposition"] = f'attachment; filename="omnistra-account-{timezone.now():%Y-%m-%d}.{kind}"'
    return answer


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@fresh
def account_close(request: MemberRequest) -> HttpResponse:
    """What follows from closing the account; POST closes it, once its e-mail address is typed."""
    error, status = "", 200
    if request.method == "POST":
        status = 422
        if request.POST.get("confirm", "").strip().lower() != request.user.email:
            error = _("Type your e-mail address exactly as it stands. Nothing was closed.")
        else:
            try:
                account_closure.close(request.user)
            except account_closure.NotPossible as problem:
                error = str(problem)
            else:
                return redirect("account_data")
    context = {
        "section": "data", "days": closure.UNDO.days, "owned_alone": account_closure.owned_alone(request.user),
        "memberships": Membership.of_user(request.user), "error": error,
    }  # fmt: skip
    return render(request, "privacy/account_close.html", context, status=status)


@signed_in(while_closing=True)
@require_POST
def account_keep(request: MemberRequest) -> HttpResponse:
    """Undo the closing."""
    try:
        account_closure.keep(request.user)
    except account_closure.NotPossible as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("Everything is as before."))
    return redirect("account_data")
