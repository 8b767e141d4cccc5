"""The pages of campaigns. Values and numbers travel in the body of a POST, never in an address."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages as notices
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import MemberRequest, requires
from accounts.audit import Actor
from accounts.roles import Permission
from channels_app.models import Channel, ChannelHealth, MessageTemplate
from channels_app.templates import form as reading
from channels_app.templates import shown as template_shown
from channels_app.templates.words import USABLE
from conversations import delivery, moments
from conversations.campaigns import flow, judging, shown
from conversations.campaigns.forms import SegmentForm, initial
from conversations.campaigns.segments import Segment
from conversations.listing import cursor, read_cursor
from conversations.models import Campaign, CampaignRecipient
from conversations.opt_ins import ledger
from conversations.policy import Refused
from conversations.sending import ValuesMissing
from conversations.views import clean
from omnistra.core.sealing import preload
from privacy import policies

P = Permission
PAGE = 30


def _campaign(identity: UUID) -> Campaign:
    rows = Campaign.objects.select_related("channel").defer("channel__credentials")
    return get_object_or_404(rows, pk=identity)


@require_GET
@requires(P.CAMPAIGNS_MANAGE)
def campaign_list(request: MemberRequest) -> HttpResponse:
    """All of them, the newest first."""
    rows = Campaign.objects.select_related("channel").defer("channel__credentials", "values", "segment")
    if place := read_cursor(request.GET.get("after", "")):
        rows = rows.filter(Q(created_at__lt=place[0]) | Q(created_at=place[0], id__lt=place[1]))
    page = list(rows.order_by("-created_at", "-id")[: PAGE + 1])
    more, page = len(page) > PAGE, page[:PAGE]
    far = shown.progress(page)
    context = {
        "campaigns": [(each, far[each.pk], shown.TONES[each.state], shown.hold(each)) for each in page],
        "after": cursor(page[-1].created_at, page[-1].pk) if more else "",
    }
    return render(request, "campaigns/list.html", context)


def _choices() -> list[tuple[Channel, list[MessageTemplate]]]:
    """The channels that send templates, each with those that a campaign can send. Two queries."""
    channels = list(Channel.objects.filter(status=Channel.Status.ACTIVE).defer("credentials").order_by("created_at"))
    rows = list(
        MessageTemplate.objects.filter(status=USABLE, account_id__in={each.account_id for each in channels})
        .exclude(category="authentication")
        .order_by("name", "language")
    )
    preload(rows)
    fit = [each for each in rows if not (read := reading.read(each.components)).problem and not read.header_file]
    found = [
        (channel, [each for each in fit if (each.provider, each.account_id) == (channel.provider, channel.account_id)])
        for channel in channels
    ]
    return [(channel, templates) for channel, templates in found if templates]


@require_http_methods(["GET", "HEAD", "POST"])
@requires(P.CAMPAIGNS_MANAGE)
def new(request: MemberRequest) -> HttpResponse:
    """What is sent: a name, a channel with a template, and what fills it."""
    choices = _choices()
    wanted = request.POST.get("what") or request.GET.get("what", "")
    options = {f"{channel.pk}:{each.pk}": (channel, each) for channel, templates in choices for each in templates}
    channel, template = options.get(wanted, (None, None))
    read = reading.read(template.components) if template else reading.TemplateForm()
    values = {slot.key: clean(request.POST.get(slot.key, "")) for slot in read.slots}
    name = clean(request.POST.get("name", ""))[:120]
    problems: Mapping[str, str] = {}
    error, status = "", 200
    if request.method == "POST" and channel and template and "preview" not in request.POST:
        try:
            if not name:
                raise Refused("name_missing", _("Give the campaign a name."))
            made = flow.draft(name, channel, template, values, Actor.member(request.member))
            return redirect("conversations:campaign", request.member.workspace.slug, made.pk)
        except Refused as refused:
            status, error = 422, str(refused)
            problems = refused.problems if isinstance(refused, ValuesMissing) else {}
    context = {
        "choices": [
            (each, [(f"{each.pk}:{one.pk}", one) for one in templates]) for each, templates in choices
        ],
        "wanted": wanted, "channel": channel, "template": template, "name": name, "error": error,
        "slots": [(slot, values[slot.key], problems.get(slot.key, "")) for slot in read.slots],
        "preview": template_shown.preview(read, {key: text for key, text in values.items() if text}) if template else None,
    }  # fmt: skip
    return render(request, "campaigns/new.html", context, status=status)


@require_GET
@requires(P.CAMPAIGNS_MANAGE)
def campaign(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """A draft with its people and the start, or how far it is. `?part=progress` gives what changes by itself."""
    found = _campaign(campaign_id)
    if request.GET.get("part") == "progress":
        context = _progress(found)
        if context["stage"] != request.GET.get("stage"):  # other buttons: the whole page
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "campaigns/_progress.html", context)
    return _page(request, found)


def _progress(found: Campaign) -> dict[str, Any]:
    far = shown.progress([found])[found.pk]
    state = Campaign.State
    is_draft = found.state == state.DRAFT
    is_counting = is_draft and found.segment is not None and found.counted_at is None
    return {
        "campaign": found, "far": far, "tone": shown.TONES[found.state], "hold": shown.hold(found),
        "is_draft": is_draft, "stage": "counting" if is_counting else found.state, "is_counting": is_counting,
        "is_live": is_counting or found.state in (state.RUNNING, state.SCHEDULED),
        "can_pause": found.state in (state.RUNNING, state.SCHEDULED), "can_resume": found.state == state.PAUSED,
        "can_stop": found.state in (state.RUNNING, state.SCHEDULED, state.PAUSED),
        "left_out": shown.left_out(found) if far.skipped else [],
        "seconds": far.pending // delivery.campaign_rate(found.channel),
    }  # fmt: skip


def _page(
    request: MemberRequest, found: Campaign, form: SegmentForm | None = None, error: str = "", status: int = 200
) -> HttpResponse:
    slug = request.member.workspace.slug
    template = judging.template_of(found, found.channel)
    read = reading.read(template.components) if template else reading.TemplateForm()
    context = _progress(found) | {
        "template": template, "error": error,
        "preview": template_shown.preview(read, found.values) if template else None,
        "attested": policies.opt_in_attested(), "zone": timezone.get_current_timezone_name(),
        "send_at": request.POST.get("send_at", ""),
    }  # fmt: skip
    if context["is_draft"]:
        segment = Segment.of(found.segment) if found.segment else None
        topic = _topic(template)
        context |= {
            "form": form or SegmentForm(initial=initial(segment, topic)), "segment": segment,
            "sample": shown.rows(found, slug, CampaignRecipient.State.PENDING, limit=5)[0],
            "health": ChannelHealth.objects.filter(channel_id=found.channel_id).exclude(limit="").first(),
        }  # fmt: skip
    return render(request, "campaigns/detail.html", context, status=status)


def _topic(template: MessageTemplate | None) -> str:
    """What people must have agreed to for this template."""
    return ledger.UTILITY if template and template.category == "utility" else ledger.MARKETING


@require_POST
@requires(P.CAMPAIGNS_MANAGE)
def people(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Choose who gets a draft; with `again` the same people are counted once more."""
    found, by = _campaign(campaign_id), Actor.member(request.member)
    segment: Segment | None = None
    if not request.POST.get("again"):
        form = SegmentForm(request.POST, request.FILES)
        segment = form.segment(found.channel) if form.is_valid() else None
        if segment is None:
            return _page(request, found, form, status=422)
    try:
        flow.choose(found.pk, segment, by)
    except Refused as refused:
        return _page(request, found, error=str(refused), status=422)
    return redirect(reverse("conversations:campaign", args=[request.member.workspace.slug, found.pk]) + "#people")


@require_POST
@requires(P.CAMPAIGNS_MANAGE)
def start(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Begin now, or at `send_at`."""
    found = _campaign(campaign_id)
    try:
        flow.start(found.pk, Actor.member(request.member), moments.read(request.POST.get("send_at", "")))
    except Refused as refused:
        return _page(request, found, error=str(refused), status=422)
    return redirect("conversations:campaign", request.member.workspace.slug, found.pk)


_VERBS: Mapping[str, tuple[Callable[[UUID, Actor], Any], Any]] = {
    "pause": (flow.pause, lambda: _("Paused. What is on its way already still goes out.")),
    "resume": (flow.resume, lambda: _("It goes on.")),
    "stop": (flow.stop, lambda: _("Stopped. Who waited gets nothing.")),
}


@require_POST
@requires(P.CAMPAIGNS_MANAGE)
def change(request: MemberRequest, campaign_id: UUID, verb: str) -> HttpResponse:
    """Pause, resume, stop."""
    found = _campaign(campaign_id)
    act, done = _VERBS[verb]
    try:
        act(found.pk, Actor.member(request.member))
    except Refused as refused:
        notices.error(request, str(refused))
    else:
        notices.success(request, done())
    return redirect("conversations:campaign", request.member.workspace.slug, found.pk)


@require_POST
@requires(P.CAMPAIGNS_MANAGE)
def discard(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Delete a draft."""
    found, slug = _campaign(campaign_id), request.member.workspace.slug
    try:
        flow.discard(found.pk, Actor.member(request.member))
    except Refused as refused:
        notices.error(request, str(refused))
        return redirect("conversations:campaign", slug, found.pk)
    notices.success(request, _("The draft is deleted."))
    return redirect("conversations:campaigns", slug)


@require_GET
@requires(P.CAMPAIGNS_MANAGE)
def recipients(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """One row for each person, by state."""
    found = _campaign(campaign_id)
    state = request.GET.get("state", "")
    state = state if state in CampaignRecipient.State.values else ""
    try:
        after: UUID | None = UUID(request.GET.get("after", ""))
    except ValueError:
        after = None
    rows, following = shown.rows(found, request.member.workspace.slug, state, after)
    far = shown.progress([found])[found.pk]
    context = {
        "campaign": found, "rows": rows, "state": state, "far": far, "is_first": after is None,
        "next": urlencode({name: value for name, value in (("state", state), ("after", following)) if value})
        if following
        else "",
    }  # fmt: skip
    return render(request, "campaigns/recipients.html", context)


@require_POST
@requires(P.CAMPAIGNS_MANAGE)
def results(request: MemberRequest, campaign_id: UUID) -> HttpResponseBase:
    """The results as a file. Recorded."""
    found, workspace = _campaign(campaign_id), request.member.workspace
    audit.record("campaign.exported", Actor.member(request.member), found.pk)
    response = StreamingHttpResponse(shown.as_csv(workspace, found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{workspace.slug}-campaign-{found.pk}.csv"'
    response["Cache-Control"] = "no-store"
    return response
