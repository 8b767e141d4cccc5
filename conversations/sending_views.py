"""The composer's other modes (template, buttons), marks on messages, and what waits for its time. All of it works without a
script; values of a template travel in the body of a POST, never in an address.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import MemberRequest, requires
from accounts.audit import Actor
from accounts.roles import Permission
from channels_app.models import MessageTemplate
from channels_app.templates import form, shown
from conversations import jobs, media, moments, policy, scheduled, sending, threads, views
from conversations.listing import Filters
from conversations.models import Conversation, Message
from conversations.replies import Refused, StoredFile
from omnistra.core.ids import uuid7

P = Permission
ROWS = 10


def _page(
    request: MemberRequest, conversation: Conversation, mode: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """The thread with the composer in another mode."""
    filters = Filters.read(request.GET)
    page = threads.load(conversation, request.member, filters.query())
    page["thread"].mode, page[mode] = mode, context
    return render(
        request, "conversations/inbox.html", views.page(request, filters, conversation.pk, **page), status=status
    )


@transaction.non_atomic_requests
@require_http_methods(["GET", "HEAD", "POST"])
@requires(P.CONVERSATIONS_REPLY)
def template(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Choose a template, fill it in, look at it, send it. Outside the request's transaction: a file goes to the storage."""
    with transaction.atomic():
        conversation = views.conversation_of(identity)
        choices = sending.usable(conversation.channel)
        wanted = request.POST.get("template") or request.GET.get("template", "")
        chosen = next((each for each in choices if str(each.pk) == wanted), None)
        read = form.read(chosen.components) if chosen else form.TemplateForm()
        values = {slot.key: request.POST.get(slot.key, "") for slot in read.slots}
    problems: Mapping[str, str] = {}
    error, status = "", 200
    if request.method == "POST" and chosen is not None and "preview" not in request.POST:
        try:
            _send_template(request, conversation, chosen, values)
            with transaction.atomic():
                return views.answer(request, identity)
        except Refused as refused:
            status, error = 422, f"{refused.reason} {refused.next_step}".strip()
            problems = refused.problems if isinstance(refused, sending.ValuesMissing) else {}
    with transaction.atomic():
        context = {
            "choices": choices, "chosen": chosen, "problems": problems, "error": error,
            "slots": [(slot, values[slot.key], problems.get(slot.key, "")) for slot in read.slots],
            "preview": shown.preview(read, values) if chosen else None, "header_file": read.header_file,
            "send_at": request.POST.get("send_at", ""), "nonce": uuid7(),
        }  # fmt: skip
        return _page(request, views.conversation_of(identity), "template", context, status)


def _send_template(
    request: MemberRequest, conversation: Conversation, chosen: MessageTemplate, values: Mapping[str, str]
) -> None:
    send_at, nonce = moments.read(request.POST.get("send_at", "")), views.uuid_of(request.POST.get("nonce", ""))
    file: StoredFile | None = None
    with transaction.atomic():
        sending.template_content(chosen, values)  # before a file is stored
        repeated = bool(nonce and Message.objects.filter(pk=nonce).exists())
    if (upload := request.FILES.get("file")) and not repeated:
        file = media.store_upload(conversation, upload, nonce or uuid7())
    sending.send_template(
        conversation, chosen, values, Actor.member(request.member), file=file, nonce=nonce, send_at=send_at
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@requires(P.CONVERSATIONS_REPLY)
def choices(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Words with buttons or a list to tap."""
    conversation = views.conversation_of(identity)
    text = views.clean(request.POST.get("text", ""))
    given = {name: request.POST.get(name, "").strip() for name in ("header", "footer", "button", "rows", "kind")}
    buttons = [title.strip() for title in request.POST.getlist("buttons")]
    error, status = "", 200
    if request.method == "POST":
        try:
            sending.send_choices(
                conversation, text, _choices(given, buttons), Actor.member(request.member),
                nonce=views.uuid_of(request.POST.get("nonce", "")), send_at=moments.read(request.POST.get("send_at", "")),
            )  # fmt: skip
            return views.answer(request, identity)
        except Refused as refused:
            status, error = 422, f"{refused.reason} {refused.next_step}".strip()
    context = given | {
        "text": text, "buttons": [*buttons, "", "", ""][:3], "error": error, "nonce": uuid7(),
        "kind": given["kind"] or "buttons", "send_at": request.POST.get("send_at", ""),
    }  # fmt: skip
    return _page(request, conversation, "choices", context, status)


def _choices(given: Mapping[str, str], titles: list[str]) -> dict[str, Any]:
    edges = {name: given[name] for name in ("header", "footer") if given[name]}
    if given["kind"] != "list":
        named = [title for title in titles if title]
        return {"buttons": [{"id": str(number), "title": title} for number, title in enumerate(named, 1)]} | edges
    rows = []
    for number, line in enumerate(filter(None, map(str.strip, given["rows"].splitlines())), 1):
        title, _bar, description = (part.strip() for part in line.partition("|"))
        rows.append({"id": str(number), "title": title} | ({"description": description} if description else {}))
    return {"button": given["button"], "sections": [{"title": "", "rows": rows}]} | edges


@require_POST
@requires(P.CONVERSATIONS_REPLY)
def react(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Put a mark on a message, or take it back (an empty `emoji`)."""
    messages = Message.objects.select_related("conversation__channel").defer("conversation__channel__credentials")
    message = get_object_or_404(messages, pk=identity)
    try:
        sending.react(message, request.POST.get("emoji", "").strip(), Actor.member(request.member))
    except Refused as refused:
        return views.answer(request, message.conversation_id, f"{refused.reason} {refused.next_step}".strip())
    return views.answer(request, message.conversation_id)


@require_POST
@requires(P.CONVERSATIONS_REPLY)
def typing(request: MemberRequest, identity: UUID) -> HttpResponse:
    """A member writes an answer: told to the person by a job, if the workspace wants it."""
    conversation = views.conversation_of(identity)
    if policy.why_not(conversation) is None:
        jobs.tell_typing.enqueue(conversation.workspace_id, conversation.pk)
    return HttpResponse(status=204)


@require_POST
@requires(P.CONVERSATIONS_REPLY)
def reschedule(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Another time or other words for what waits."""
    message = get_object_or_404(Message.objects, pk=identity)
    text = request.POST.get("text")
    try:
        scheduled.change(
            message.pk, Actor.member(request.member), send_at=moments.read(request.POST.get("send_at", "")),
            text=None if text is None else views.clean(text),
        )  # fmt: skip
    except Refused as refused:
        return views.answer(request, message.conversation_id, f"{refused.reason} {refused.next_step}".strip())
    return views.answer(request, message.conversation_id)


@require_POST
@requires(P.CONVERSATIONS_REPLY)
def cancel_scheduled(request: MemberRequest, identity: UUID) -> HttpResponse:
    """It is not sent."""
    message = get_object_or_404(Message.objects, pk=identity)
    try:
        scheduled.cancel(message.pk, Actor.member(request.member))
    except Refused as refused:
        return views.answer(request, message.conversation_id, f"{refused.reason} {refused.next_step}".strip())
    return views.answer(request, message.conversation_id)
