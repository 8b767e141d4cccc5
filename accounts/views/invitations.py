"""Inviting into a workspace: the form, sending again, revoking."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import invitations, registry
from accounts.access import MemberRequest, requires
from accounts.forms.members import InvitationForm
from accounts.members import Refused
from accounts.models import CustomRole, Invitation
from accounts.roles import Permission


@requires(Permission.MEMBERS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: MemberRequest) -> HttpResponse:
    """Invite somebody by mail."""
    form = InvitationForm(
        request.POST or None, giver=request.member, roles=list(CustomRole.objects.order_by("name")),
        channels=registry.channel_names(),
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            invitations.invite(request.member, form.cleaned_data["email"], form.place)
        except Refused as refused:
            form.add_error("email", refused.reason)
        else:
            messages.success(request, _("Invited. The link in the mail holds for seven days."))
            return redirect("accounts:members", request.member.workspace.slug)
    context = {"section": "members", "form": form}
    return render(request, "accounts/invite.html", context, status=422 if request.method == "POST" else 200)


@requires(Permission.MEMBERS_MANAGE)
@require_POST
def resend(request: MemberRequest, identity: UUID) -> HttpResponse:
    """A new mail with a new link."""
    try:
        invitations.resend(request.member, identity)
    except Invitation.DoesNotExist as error:
        raise Http404 from error
    except Refused as refused:
        messages.error(request, refused.reason)
    else:
        messages.success(request, _("Sent again. The link in the earlier mail no longer works."))
    return redirect("accounts:members", request.member.workspace.slug)


@requires(Permission.MEMBERS_MANAGE)
@require_POST
def revoke(request: MemberRequest, identity: UUID) -> HttpResponse:
    """The link stops working at once."""
    try:
        invitations.revoke(request.member, identity)
    except Invitation.DoesNotExist as error:
        raise Http404 from error
    messages.success(request, _("Revoked. The link no longer works."))
    return redirect("accounts:members", request.member.workspace.slug)
