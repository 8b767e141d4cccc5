"""The API keys of a workspace."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import MemberRequest, requires
from accounts.audit import Actor, record
from accounts.forms.api_keys import ApiKeyForm
from accounts.models import ApiKey
from accounts.roles import Permission


@requires(Permission.API_KEYS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def api_keys(request: MemberRequest) -> HttpResponse:
    """The workspace's keys; POST makes one and shows its secret this once."""
    form = ApiKeyForm(request.POST or None)
    context: dict[str, Any] = {"section": "api_keys", "form": form}
    status = 200
    if request.method == "POST":
        if form.is_valid():
            key, context["secret"] = ApiKey.issue(form.cleaned_data["name"], form.cleaned_data["scopes"], request.user)
            record("api_key.created", Actor.member(request.member), key.pk, ["scopes"])
            context["form"] = ApiKeyForm()
        else:
            status = 422
    context["keys"] = ApiKey.objects.order_by("-created_at")
    response = render(request, "accounts/api_keys.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


@requires(Permission.API_KEYS_MANAGE)
@require_POST
def revoke_api_key(request: MemberRequest, key_id: UUID) -> HttpResponse:
    """The key stops working at once."""
    key = get_object_or_404(ApiKey.objects, pk=key_id, revoked_at__isnull=True)
    key.revoke()
    record("api_key.revoked", Actor.member(request.member), key.pk)
    messages.success(request, "The key no longer works.")
    return redirect("accounts:api_keys", request.member.workspace.slug)
