"""The API keys of a workspace: making, rotating, revoking. A secret stands in one answer and nowhere else."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import MemberRequest, requires
from accounts.audit import Actor, record
from accounts.forms.api_keys import ApiKeyForm
from accounts.models import ApiKey, StillRotating
from accounts.registry import channel_names
from accounts.roles import Permission
from accounts.scopes import SCOPES

_ENDED_SHOWN = 20


@requires(Permission.API_KEYS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def api_keys(request: MemberRequest) -> HttpResponse:
    """The workspace's keys; POST makes one and shows its secret this once."""
    names = channel_names()
    form = ApiKeyForm(request.POST or None, member=request.member, channel_names=names)
    if request.method != "POST":
        return _page(request, names, form=form)
    if not form.is_valid():
        return _page(request, names, form=form, status=422)
    key, secret = ApiKey.issue(
        form.cleaned_data["name"], form.cleaned_data["scopes"], request.user, form.expires_at, form.channel_ids
    )
    record("api_key.created", Actor.member(request.member), key.pk, ["scopes", "channel_ids", "expires_at"])
    return _page(request, names, fresh=key, secret=secret)


@requires(Permission.API_KEYS_MANAGE)
@require_POST
def rotate_api_key(request: MemberRequest, key_id: UUID) -> HttpResponse:
    """A new secret for the key, shown this once; the old one goes on working for a day."""
    key = _locked(key_id)
    if not key.usable:
        messages.error(request, "This key has ended. Make a new one.")
    elif not request.member.covers(scope for scope in SCOPES if scope in key.scopes):
        messages.error(request, "This key may do more than you may. Ask somebody who may do all of it.")
    else:
        try:
            secret = key.rotate()
        except StillRotating:
            messages.error(request, "The secret before this one still works. End it first.")
        else:
            record("api_key.rotated", Actor.member(request.member), key.pk)
            return _page(request, channel_names(), fresh=key, secret=secret)
    return redirect("accounts:api_keys", request.member.workspace.slug)


@requires(Permission.API_KEYS_MANAGE)
@require_POST
def end_old_secret(request: MemberRequest, key_id: UUID) -> HttpResponse:
    """After a rotation: the old secret stops working now."""
    key = _locked(key_id)
    if key.is_rotating:
        key.end_old_secret()
        record("api_key.old_secret_ended", Actor.member(request.member), key.pk)
        messages.success(request, "The old secret no longer works.")
    return redirect("accounts:api_keys", request.member.workspace.slug)


@requires(Permission.API_KEYS_MANAGE)
@require_POST
def revoke_api_key(request: MemberRequest, key_id: UUID) -> HttpResponse:
    """The key stops working at once."""
    key = _locked(key_id)
    key.revoke()
    record("api_key.revoked", Actor.member(request.member), key.pk)
    messages.success(request, "The key no longer works.")
    return redirect("accounts:api_keys", request.member.workspace.slug)


def _locked(key_id: UUID) -> ApiKey:
    return get_object_or_404(ApiKey.objects.select_for_update(of=("self",)), pk=key_id, revoked_at__isnull=True)


def _page(
    request: MemberRequest, names: dict[UUID, str], *, form: ApiKeyForm | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    """`more`: the key whose `secret` is shown (`fresh`)."""
    keys = [
        {
            "key": key,
            "scopes": [scope for scope in SCOPES if scope in key.scopes],
            "channels": None if key.channel_ids is None else [names[each] for each in key.channel_ids if each in names],
        }
        for key in ApiKey.objects.select_related("created_by").order_by("-created_at")
    ]
    context = {
        "section": "api_keys",
        "form": form or ApiKeyForm(member=request.member, channel_names=names),
        "has_channels": bool(names),
        "keys": [each for each in keys if each["key"].usable],
        "ended": [each for each in keys if not each["key"].usable][:_ENDED_SHOWN],
    }
    response = render(request, "accounts/api_keys.html", context | more, status=status)
    response["Cache-Control"] = "no-store"
    return response
