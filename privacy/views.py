"""The pages of privacy: how long things are kept, what would go, what went."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import MemberRequest, requires
from accounts.audit import Actor, record
from accounts.roles import Permission
from privacy import jobs, registry, retention
from privacy.forms import RetentionForm
from privacy.models import PurgeRun, TermsAcceptance

_RUNS = 10


@requires(Permission.RETENTION_VIEW)
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The promise at work: the rules in force, the last run, what was accepted."""
    return render(
        request,
        "privacy/home.html",
        {
            "days": retention.current().default,
            "last_run": PurgeRun.objects.order_by("-started_at").first(),
            "acceptances": TermsAcceptance.objects.order_by("-accepted_at"),
        },
    )


@requires(Permission.RETENTION_VIEW)
@require_GET
def retention_page(request: HttpRequest) -> HttpResponse:
    """The settings, and the last runs (`?part=runs`: these alone)."""
    if request.GET.get("part") == "runs":
        return render(request, "privacy/_runs.html", {"runs": _runs()})
    return _page(request, _form())


@requires(Permission.RETENTION_MANAGE)
@require_POST
def retention_save(request: MemberRequest) -> HttpResponse:
    """Save the settings, or with `preview` only tell what a purge would delete under them."""
    form = RetentionForm(request.POST, settings=retention.current(), channels=registry.channel_names())
    if not form.is_valid():
        return _page(request, form, status=422)
    if "preview" in request.POST:
        return _page(request, form, preview=retention.preview(form.settings()))
    retention.change(form.settings(), Actor.member(request.member))
    messages.success(request, "Saved. The next purge follows the new rule.")
    return redirect("privacy:retention", request.member.workspace.slug)


@requires(Permission.RETENTION_MANAGE)
@require_POST
def purge_now(request: MemberRequest) -> HttpResponse:
    """Start a purge under the saved settings; the workspace's name has to be typed where it would delete something."""
    counts = retention.preview(retention.current())
    if not any(counts.values()):
        messages.info(request, "Nothing is older than the rule allows.")
    elif request.POST.get("confirm", "").strip() != request.member.workspace.name:
        return _page(request, _form(), preview=counts, confirm_error=True, status=422)
    else:
        record("retention.purge_started", Actor.member(request.member))
        retention.begin(PurgeRun.Trigger.MEMBER, retention.current().selection())
        jobs.purge_workspace.enqueue(request.member.workspace_id)
        messages.success(request, "The purge has started.")
    return redirect("privacy:retention", request.member.workspace.slug)


def _form() -> RetentionForm:
    return RetentionForm(settings=retention.current(), channels=registry.channel_names())


def _runs() -> list[PurgeRun]:
    return list(PurgeRun.objects.order_by("-started_at")[:_RUNS])


def _page(
    request: HttpRequest, form: RetentionForm, *, preview: dict[str, int] | None = None,
    confirm_error: bool = False, status: int = 200,
) -> HttpResponse:  # fmt: skip
    context = {
        "section": "retention",
        "form": form,
        "preview": preview,
        "preview_total": sum((preview or {}).values()),
        "confirm_error": confirm_error,
        "runs": _runs(),
    }
    return render(request, "privacy/retention.html", context, status=status)
