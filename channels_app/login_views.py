"""The pages of signing in at a platform: what is needed, coming back, choosing; and the workspace's own app.

Views that ask the platform open no transaction around it.
"""

from urllib.parse import urlsplit
from uuid import UUID

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import MemberRequest, enter, requires, signed_in
from accounts.roles import Permission
from channels_app import own_apps
from channels_app.connect import NotConnected
from channels_app.forms import LoginForm, OwnAppForm
from channels_app.login import flows
from channels_app.login.calls import Flow, LoginFailed
from omnistra.core.addresses import client_address
from omnistra.core.tenancy import workspace_scope
from privacy import policies

# A form that ends at the platform's sign-in: browsers hold redirects of forms to this rule, too.
SIGN_IN_AT = sorted(
    {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, (settings.META_LOGIN_URL, settings.INSTAGRAM_LOGIN_URL))}
)  # fmt: skip


@requires(Permission.CHANNELS_MANAGE)
@require_GET
def choose_platform(request: HttpRequest) -> HttpResponse:
    """The ways to connect a channel."""
    return render(request, "channels/choose.html", {"section": "channels", "flows": flows.offered()})


@csp_update({"form-action": SIGN_IN_AT})
@requires(Permission.CHANNELS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: MemberRequest, flow: str) -> HttpResponse:
    """What signing in needs and gives; then on to the platform."""
    chosen = _flow(flow)
    accepted = policies.processing_accepted()
    form = LoginForm(request.POST if request.method == "POST" else None, accepted=accepted)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            terms = bool(form.cleaned_data.get("terms_accepted"))
            try:
                address = flows.begin(chosen, request.member, request.session, terms, client_address(request) or None)
            except NotConnected as problem:
                form.add_error(problem.field if problem.field in form.fields else None, problem.reason)
            else:
                return HttpResponseRedirect(address)
    context = {
        "section": "channels", "form": form, "flow": chosen, "accepted": accepted,
        "is_set_up": flows.keys(chosen) is not None,
    }  # fmt: skip
    return render(request, "channels/sign_in.html", context, status=status)


@transaction.non_atomic_requests
@signed_in
@require_GET
def come_back(request: HttpRequest) -> HttpResponse:
    """Where the platform sends the person back to. The `state` says which workspace it is for, once."""
    taken = flows.take(request.session, request.GET.get("state", ""))
    if taken is None:
        return render(request, "channels/login_over.html", status=400)
    slug, attempt_id = taken
    with transaction.atomic():
        member = enter(request, slug, Permission.CHANNELS_MANAGE)
    with workspace_scope(member.workspace.pk, member.channel_ids):
        attempt = flows.find(attempt_id, member)
        flow = attempt.flow if attempt else ""
        try:
            if request.GET.get("error"):
                raise LoginFailed("You did not agree at the platform. Nothing was connected.")
            flows.come_back(attempt_id, member, request.GET.get("code", "")[:4096].removesuffix("#_"))
        except LoginFailed as problem:
            messages.error(request, problem.reason)
            return redirect("channels:sign_in", slug, flow) if flow else redirect("channels:choose", slug)
    return redirect("channels:login", slug, attempt_id)


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Choose among what the login opens."""
    slug = request.member.workspace.slug
    attempt = flows.find(identity, request.member)
    if attempt is None or attempt.found is None:
        raise Http404
    context = {"section": "channels", "attempt": attempt, "flow": flows.FLOWS[attempt.flow]}
    if request.method != "POST":
        return render(request, "channels/login.html", context | {"offers": flows.offers(attempt)})
    chosen = request.POST.getlist("channel")
    if not chosen:
        context |= {"offers": flows.offers(attempt), "nothing_chosen": True}
        return render(request, "channels/login.html", context, status=422)
    channels, pins, problems = flows.choose(attempt, chosen, request.member, client_address(request) or None)
    context |= {"channels": channels, "pins": pins, "problems": problems}
    if pins or problems or not channels:
        return render(request, "channels/connected.html", context, status=200 if channels else 422)
    names = ", ".join(channel.name for channel in channels)
    messages.success(request, f"Connected: {names}.")
    return redirect("channels:list", slug)


@requires(Permission.CHANNELS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def own_app(request: MemberRequest) -> HttpResponse:
    """The workspace's own Meta apps: ids, secrets (never shown again), and where their webhooks go."""
    form = OwnAppForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        own_apps.save(
            form.cleaned_data["app"], form.cleaned_data["app_id"], form.cleaned_data["secret"], request.member
        )
        messages.success(request, "Saved. Now enter the addresses and the verify token below at Meta.")
        return redirect("channels:own_app", request.member.workspace.slug)
    context = {"section": "channels", "form": form, "apps": own_apps.shown()}
    return render(request, "channels/own_app.html", context, status=422 if request.method == "POST" else 200)


@requires(Permission.CHANNELS_MANAGE)
@require_POST
def remove_own_app(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Remove an own app: its webhooks are refused from now on."""
    if not own_apps.remove(identity, request.member):
        raise Http404
    messages.success(request, "Removed. Its webhooks are refused from now on.")
    return redirect("channels:own_app", request.member.workspace.slug)


def _flow(slug: str) -> Flow:
    found = next((each for each in flows.offered() if each.slug == slug), None)
    if found is None:
        raise Http404
    return found
