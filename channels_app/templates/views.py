"""The pages of templates, under their channel. Views that ask the platform open no transaction around it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import MemberRequest, requires
from accounts.audit import Actor
from accounts.roles import Permission
from channels_app import connect as connecting
from channels_app.models import Channel, MessageTemplate
from channels_app.templates import drafts, form, keeping, shown
from channels_app.templates.forms import TemplateForm, initial
from omnistra.core.sealing import preload


def _channel(channel_id: UUID) -> Channel:
    try:
        channel = connecting.find(channel_id)
    except Channel.DoesNotExist as error:
        raise Http404 from error
    if not keeping.has_templates(channel):
        raise Http404
    return channel


def _template(channel: Channel, template_id: UUID) -> MessageTemplate:
    with transaction.atomic():
        found = keeping.of_channel(channel).filter(pk=template_id).first()
        if found is None:
            raise Http404
        preload([found])
    return found  # type: ignore[no-any-return]


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_VIEW)
@require_GET
def template_list(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """The templates of the channel's account."""
    channel = _channel(channel_id)
    with transaction.atomic():
        rows = list(keeping.of_channel(channel).order_by("name", "language"))
        preload(rows)
        listed = [shown.row(each) for each in rows]
    return render(request, "channels/templates.html", {"section": "channels", "channel": channel, "templates": listed})


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_MANAGE)
@require_POST
def fetch(request: MemberRequest, channel_id: UUID) -> HttpResponse:
    """Take over what the platform has."""
    channel = _channel(channel_id)
    try:
        count = keeping.fetch(channel, Actor.member(request.member))
    except keeping.NotDone as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Fetched: %(count)d templates.") % {"count": count})
    return redirect("channels:templates", request.member.workspace.slug, channel.pk)


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_VIEW)
@require_GET
def template(request: HttpRequest, channel_id: UUID, template_id: UUID) -> HttpResponse:
    """One template: its state and what it looks like."""
    channel = _channel(channel_id)
    found = _template(channel, template_id)
    return render(
        request, "channels/template.html",
        {
            "section": "channels", "channel": channel, "template": shown.row(found),
            "preview": shown.preview(form.read(found.components)),
        },
    )  # fmt: skip


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: MemberRequest, channel_id: UUID) -> HttpResponse:
    """Write one, look at it, hand it in."""
    return _write(request, _channel(channel_id), None)


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: MemberRequest, channel_id: UUID, template_id: UUID) -> HttpResponse:
    """Change one."""
    channel = _channel(channel_id)
    known = _template(channel, template_id)
    if not shown.row(known).can_edit:
        messages.error(request, _("This template cannot be changed from here."))
        return redirect("channels:template", request.member.workspace.slug, channel.pk, known.pk)
    return _write(request, channel, known)


def _write(request: MemberRequest, channel: Channel, known: MessageTemplate | None) -> HttpResponse:
    asked = TemplateForm(request.POST or None, known=known, initial=initial(known) if known else None)
    context: dict[str, Any] = {"section": "channels", "channel": channel, "form": asked, "known": known}
    status = 200
    if request.method == "POST":
        status = 422
        if asked.is_valid():
            actor, wanted = Actor.member(request.member), asked.wanted()
            try:
                context["preview"] = shown.preview_of(wanted)
                if "preview" in request.POST:
                    status = 200
                else:
                    made = known or keeping.create(channel, wanted, actor)
                    if known:
                        keeping.edit(channel, known, wanted, actor)
                    messages.success(request, _("Handed in. Meta reviews it, usually within a day."))
                    return redirect("channels:template", request.member.workspace.slug, channel.pk, made.pk)
            except (drafts.NotValid, keeping.NotDone) as error:
                asked.blame(error.problems)
    return render(request, "channels/template_form.html", context, status=status)


@transaction.non_atomic_requests
@requires(Permission.CHANNELS_MANAGE)
@require_POST
def delete(request: MemberRequest, channel_id: UUID, template_id: UUID) -> HttpResponse:
    """Delete one language of it, once the box is ticked."""
    channel = _channel(channel_id)
    found = _template(channel, template_id)
    slug = request.member.workspace.slug
    if not request.POST.get("confirm"):
        messages.error(request, _("Tick the box to confirm."))
        return redirect("channels:template", slug, channel.pk, found.pk)
    try:
        keeping.delete(channel, found, Actor.member(request.member))
    except keeping.NotDone as refused:
        messages.error(request, str(refused))
        return redirect("channels:template", slug, channel.pk, found.pk)
    messages.success(request, _("Deleted. Meta keeps its name for 30 days."))
    return redirect("channels:templates", slug, channel.pk)
