"""The pages of channels: what is connected, connecting, checking, a new token, disconnecting.

Views that ask the platform open no transaction around it (channels_app.connect).
"""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import MemberRequest, requires
from accounts.audit import Actor
from accounts.roles import Permission
from channels_app import connect as connecting
from channels_app import notices, stops
from channels_app.connect import NotConnected
from channels_app.forms import ConnectForm, DisconnectForm, TokenForm
from channels_app.models import Channel, ChannelHealth
from omnistra.core.addresses import client_address
from omnistra.core.sealing import preload
from privacy import policies


@requires(Permission.CHANNELS_VIEW)
@require_GET
def channel_list(request: HttpRequest) -> HttpResponse:
    """The workspace's channels."""
    channels = Channel.objects.defer("credentials").order_by("created_at")
    return render(request, "channels/list.html", {"section": "channels", "channels": channels})


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: MemberRequest) -> HttpResponse:
    """Connect a WhatsApp number by hand; errors say what the platform said."""
    with transaction.atomic():
        accepted = policies.processing_accepted()
    form = ConnectForm(request.POST or None, accepted=accepted)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            wanted = connecting.Wanted(
                provider="whatsapp", external_id=data["external_id"], account_id=data["account_id"],
                token=data["token"], terms_accepted=data.get("terms_accepted", False),
            )  # fmt: skip
            try:
                channel = connecting.connect(
                    wanted, Actor.member(request.member), request.member, client_address(request) or None
                )
            except NotConnected as problem:
                _blame(form, problem)
            else:
                messages.success(request, f"{channel.name} is connected.")
                return redirect("channels:detail", request.member.workspace.slug, channel.pk)
    return render(
        request, "channels/connect.html", {"section": "channels", "form": form, "accepted": accepted}, status=status
    )


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_VIEW)
@require_GET
def detail(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """One channel: its state and what can be done."""
    return _detail(request, _find(channel_id), TokenForm())


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_MANAGE)
@require_POST
def check(request: MemberRequest, channel_id: UUID) -> HttpResponse:
    """Ask the platform whether the token still works."""
    channel = _find(channel_id)
    try:
        connecting.check(channel, Actor.member(request.member))
    except NotConnected as problem:
        messages.error(request, problem.reason)
    else:
        messages.success(request, "The number answers.")
    return redirect("channels:detail", request.member.workspace.slug, channel.pk)


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_MANAGE)
@require_POST
def new_token(request: MemberRequest, channel_id: UUID) -> HttpResponse:
    """Replace the token, when the platform takes the new one."""
    channel, form = _find(channel_id), TokenForm(request.POST)
    if form.is_valid() and channel.status != Channel.Status.DISCONNECTED:
        try:
            connecting.reconnect(channel, form.cleaned_data["token"], Actor.member(request.member))
        except NotConnected as problem:
            _blame(form, problem)
        else:
            messages.success(request, "The new token works.")
            return redirect("channels:detail", request.member.workspace.slug, channel.pk)
    return _detail(request, channel, form, status=422)


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_MANAGE)
@require_POST
def disconnect(request: MemberRequest, channel_id: UUID) -> HttpResponse:
    """Disconnect, once the box is ticked; erase everything of it as well, once its name is typed."""
    channel = _find(channel_id)
    form = DisconnectForm(request.POST, name=channel.name)
    if not form.is_valid():
        return _detail(request, channel, TokenForm(), leaving=form, status=422)
    erase = bool(form.cleaned_data["erase"])
    connecting.disconnect(channel, Actor.member(request.member), erase=erase)
    words = "Disconnected. Everything of it is being erased." if erase else "Disconnected. The token is deleted."
    messages.success(request, words)
    return redirect("channels:list", request.member.workspace.slug)


def _find(channel_id: UUID) -> Channel:
    try:
        return connecting.find(channel_id)
    except Channel.DoesNotExist as error:
        raise Http404 from error


def _blame(form: Form, problem: NotConnected) -> None:
    form.add_error(problem.field if problem.field in form.fields else None, problem.reason)


def _detail(
    request: HttpRequest, channel: Channel, form: TokenForm, *, leaving: DisconnectForm | None = None, status: int = 200
) -> HttpResponse:
    with transaction.atomic():
        health = ChannelHealth.objects.filter(channel=channel).first()
        held = [(notice, notices.KINDS[notice.kind]) for notice in notices.open_notices(channel.pk)]
        preload([notice for notice, _ in held])
        for notice, _ in held:
            notice.detail  # noqa: B018  (opened here, while there is a transaction)
    context = {
        "section": "channels", "channel": channel, "form": form, "leaving": leaving or DisconnectForm(name=channel.name),
        "health": health, "notices": held,
        "stop": None if channel.status in (Channel.Status.ACTIVE, Channel.Status.DISCONNECTED) else stops.stop_of(channel),
    }  # fmt: skip
    return render(request, "channels/detail.html", context, status=status)
