"""The audit log: who did what, the proof that nobody changed it, and ways to take it along."""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import jobs
from accounts.access import MemberRequest, requires
from accounts.audit import Actor, chain, keeping, log
from accounts.audit.export import FORMATS, export
from accounts.forms.audit import AuditFilters, KeepingForm
from accounts.models import AuditChain, AuditHead
from accounts.roles import Permission

_WALKED_AT_ONCE = 50_000  # entries: about a second and a half; a longer chain is verified by a job


@requires(Permission.AUDIT_VIEW)
@require_GET
def audit_log(request: MemberRequest) -> HttpResponse:
    """The entries, the newest first, with filters that work without a script."""
    return _page(request, AuditFilters(request.GET))


@transaction.non_atomic_requests
@requires(Permission.AUDIT_VIEW)
@require_POST
def verify_audit(request: MemberRequest) -> HttpResponse:
    """Walk the chain and keep its head."""
    workspace = request.member.workspace
    with transaction.atomic():
        end = AuditChain.objects.first()
    if end is not None and end.number - end.removed_number > _WALKED_AT_ONCE:
        jobs.verify_audit.enqueue(workspace.pk)
        messages.info(request, _("The log is long: the result stands here in a few minutes."))
    else:
        head = chain.take_head(workspace.pk)
        if head.broken_number is None:
            messages.success(request, _("Every entry is as it was written."))
        else:
            messages.error(request, _("An entry is not as it was written."))
    return redirect("accounts:audit", workspace.slug)


@requires(Permission.AUDIT_EXPORT)
@require_POST
def export_audit(request: MemberRequest) -> HttpResponseBase:
    """The entries that the filters show, as a file. Recorded."""
    form, kind = AuditFilters(request.POST), request.POST.get("format", "")
    if not form.is_valid() or kind not in FORMATS:
        return _page(request, form, status=422)
    workspace = request.member.workspace
    parts = export(workspace, form.filters(), kind, Actor.member(request.member))
    response = StreamingHttpResponse(parts, content_type=FORMATS[kind][0])
    return _as_file(response, f"{workspace.slug}-audit-{timezone.localdate().isoformat()}.{kind}")


@requires(Permission.AUDIT_VIEW)
@require_GET
def audit_heads(request: MemberRequest) -> HttpResponse:
    """The heads of a whole chain that were kept, one a line, as `manage.py verify_audit --head` takes them."""
    heads = AuditHead.objects.filter(broken_number=None, number__gt=0).order_by("number", "at")
    kept = {number: bytes(digest).hex() for number, digest in heads.values_list("number", "hash")}
    text = "".join(f"{number}:{digest}\n" for number, digest in kept.items())
    return _as_file(HttpResponse(text, content_type="text/plain"), f"{request.member.workspace.slug}-audit-heads.txt")


@requires(Permission.AUDIT_VIEW)
@require_POST
def mail_audit_heads(request: MemberRequest) -> HttpResponse:
    """The daily head by mail to the member who asks, or no longer."""
    request.member.want_audit_heads(request.POST.get("wanted") == "on")
    messages.success(request, _("Saved."))
    return redirect("accounts:audit", request.member.workspace.slug)


@requires(Permission.WORKSPACE_MANAGE)
@require_POST
def keep_audit(request: MemberRequest) -> HttpResponse:
    """How many months entries are kept."""
    form = KeepingForm(request.POST)
    if not form.is_valid():
        return _page(request, AuditFilters({}), keeping_form=form, status=422)
    keeping.keep(request.member.workspace, form.cleaned_data["months"], Actor.member(request.member))
    messages.success(request, _("Saved."))
    return redirect("accounts:audit", request.member.workspace.slug)


def _as_file(response: Any, name: str) -> Any:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _page(
    request: MemberRequest, form: AuditFilters, *, keeping_form: KeepingForm | None = None, status: int = 200
) -> HttpResponse:
    valid = form.is_valid()
    filters = form.filters() if valid else log.Filters()
    shown = log.page(filters.apply(), request.GET.get("cursor", "")) if valid else log.Page([])
    lines = log.lines(shown.entries, request.member.workspace.slug)
    asked = {
        name: str(value) for name, value in form.cleaned_data.items() if value and name in AuditFilters.base_fields
    }
    end = AuditChain.objects.first()
    head = AuditHead.objects.order_by("-at", "-id").first()
    context = {
        "section": "audit",
        "form": form,
        "filters": filters,
        "asked": asked,
        "days": [(day, list(of_day)) for day, of_day in groupby(lines, lambda line: _day_of(line))],
        "older": shown.older and _query(asked | {"cursor": shown.older}),
        "newer": shown.newer and _query(asked | {"cursor": shown.newer}),
        "without_target": _query({name: value for name, value in asked.items() if name != "target"}),
        "head": head,
        "head_words": head.words if head else "",
        "head_short": head.words[:16] if head else "",
        "unverified": max(0, end.number - head.number) if end and head else (end.number if end else 0),
        "keeping_form": keeping_form or KeepingForm(initial={"months": request.member.workspace.audit_months}),
    }
    return render(request, "accounts/audit.html", context, status=422 if not valid else status)


def _day_of(line: log.Line) -> Any:
    return timezone.localtime(line.entry.at).date()


def _query(values: dict[str, str]) -> str:
    parameters = QueryDict(mutable=True)
    parameters.update(values)
    return parameters.urlencode()
