"""The inbox: each view returns the page, or the fragment that the page's script asked for (`?part=`)."""

import re
from typing import Any
from uuid import UUID

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import MemberRequest, requires
from accounts.audit import Actor
from accounts.models import Membership
from accounts.roles import Permission
from conversations import jobs, listing, masking, media, moments, policy, replies, threads
from conversations.listing import Filters
from conversations.models import Attachment, Conversation, Handle, Message, OutOfSight
from omnistra.core import live
from omnistra.core.ids import uuid7
from omnistra.core.keyring import KeyMissing, SealBroken
from omnistra.core.sealing import preload

_SHOWN_INLINE = re.compile(r"(?:image/(?:jpeg|png|webp|gif)|(?:audio|video)/[a-z0-9.-]{1,40})\Z")
_RECORDED = {"close": "conversation.closed", "reopen": "conversation.reopened", "assign": "conversation.assigned"}
_DONE = {"close": "Closed. It opens again when they write.", "reopen": "Reopened."}
P = Permission


def uuid_of(text: str) -> UUID | None:
    """The id that a form names, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def conversation_of(identity: UUID) -> Conversation:
    """A conversation with its channel and contact, or 404."""
    rows = Conversation.objects.select_related("channel", "contact").defer("channel__credentials")
    return get_object_or_404(rows, pk=identity)


def clean(text: str) -> str:
    """A form's text as it is stored."""
    return text.replace("\r\n", "\n").replace("\x00", "").strip()


def page(request: MemberRequest, filters: Filters, active: UUID | None = None, **more: Any) -> dict[str, Any]:
    """List and views column, with what the page adds."""
    slug = request.member.workspace.slug
    rows, following = listing.rows(filters.apply(request.member), slug, filters, active, request.GET.get("after", ""))
    context = {
        "rows": rows,
        "next_url": listing.next_url(request.path, filters, following),
        "thread": None,
        "contact": None,
    }
    return context | listing.frame(filters, request.member) | more


def _rows(request: MemberRequest, filters: Filters, active: UUID | None = None) -> HttpResponse:
    slug = request.member.workspace.slug
    rows, following = listing.rows(filters.apply(request.member), slug, filters, active, request.GET.get("after", ""))
    context = {"rows": rows, "next_url": listing.next_url(request.path, filters, following)}
    return render(request, "conversations/_list.html", context)


@require_GET
@requires(P.CONVERSATIONS_VIEW)
def conversation_list(request: MemberRequest) -> HttpResponse:
    """The list; `?part=list` its rows alone, `?part=views` the views column."""
    filters = Filters.read(request.GET)
    part = request.GET.get("part")
    if part == "list":
        return _rows(request, filters)
    if part == "views":
        return render(request, "conversations/_views.html", listing.frame(filters, request.member))
    return render(request, "conversations/inbox.html", page(request, filters))


@require_GET
@requires(P.CONVERSATIONS_VIEW)
def conversation_detail(request: MemberRequest, identity: UUID) -> HttpResponse:
    """A thread in the page; `?part=` list, views, row, thread or messages (`before=`) alone."""
    filters = Filters.read(request.GET)
    part, member = request.GET.get("part"), request.member
    if part == "list":
        return _rows(request, filters, identity)
    if part == "views":
        return render(request, "conversations/_views.html", listing.frame(filters, member))
    if part == "row":
        rows, _ = listing.rows(filters.apply(member).filter(pk=identity), member.workspace.slug, filters, identity)
        return render(request, "conversations/_row.html", {"row": rows[0]}) if rows else HttpResponse(status=204)
    conversation = conversation_of(identity)
    shown = threads.load(
        conversation, member, filters.query(), request.GET.get("before", ""), request.GET.get("quote", "")
    )
    audit.record_opening(Actor.member(member), conversation.pk)
    if part == "messages":
        return render(request, "conversations/_messages.html", shown)
    if part == "thread":
        return render(request, "conversations/_thread.html", shown | {"partial": True})
    if conversation.unread_count and member.may(P.CONVERSATIONS_REPLY):
        conversation.mark_read()
        jobs.tell_read.enqueue(conversation.workspace_id, conversation.pk)
    return render(request, "conversations/inbox.html", page(request, filters, identity, **shown))


def answer(request: MemberRequest, identity: UUID, error: str = "", text: str = "") -> HttpResponse:
    """After a change: the thread for the page's script, else back to the page. A refusal keeps the text."""
    filters = Filters.read(request.GET)
    asked_by_script = bool(request.headers.get("HX-Request"))
    conversation = conversation_of(identity)
    if not asked_by_script and not error:
        query = filters.query()
        return redirect(conversation_url(request, identity) + (f"?{query}" if query else ""))
    shown = threads.load(conversation, request.member, filters.query())
    shown["thread"].composer_error, shown["thread"].composer_text = error, text
    status = 422 if error else 200
    if asked_by_script:
        return render(request, "conversations/_thread.html", shown | {"partial": True}, status=status)
    return render(request, "conversations/inbox.html", page(request, filters, identity, **shown), status=status)


def page_of(request: MemberRequest, identity: UUID, shown: dict[str, Any], status: int = 200) -> HttpResponse:
    """The whole page around a thread that is loaded already."""
    context = page(request, Filters.read(request.GET), identity, **shown)
    return render(request, "conversations/inbox.html", context, status=status)


def conversation_url(request: MemberRequest, identity: UUID) -> str:
    """The address of a conversation in the workspace of the request."""
    return reverse("conversations:detail", args=[request.member.workspace.slug, identity])


@transaction.non_atomic_requests
@require_POST
@requires(P.CONVERSATIONS_REPLY)
def reply(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Queue an answer. Outside the request's transaction, because files go to the storage first."""
    text = clean(request.POST.get("text", ""))
    nonce = uuid_of(request.POST.get("nonce", ""))
    files: list[replies.StoredFile] = []
    error = ""
    with transaction.atomic():
        conversation = conversation_of(identity)
        quoted = uuid_of(request.POST.get("reply_to", ""))
        original = Message.objects.filter(pk=quoted, conversation=conversation).first() if quoted else None
        blocked = policy.why_not(conversation)
        repeated = bool(nonce and Message.objects.filter(pk=nonce).exists())
    try:
        if blocked:
            raise blocked
        send_at = moments.read(request.POST.get("send_at", ""))
        if not repeated:
            for number, upload in enumerate(request.FILES.getlist("files")[:10]):
                message_id = nonce if number == 0 and nonce else uuid7()
                files.append(media.store_upload(conversation, upload, message_id))
            actor = Actor.member(request.member)
            replies.send_reply(conversation, text, actor, files=files, reply_to=original, nonce=nonce, send_at=send_at)
    except replies.Refused as refused:
        error = f"{refused.reason} {refused.next_step}".strip()
    with transaction.atomic():
        return answer(request, identity, error, text)


@require_POST
@requires(P.CONVERSATIONS_MANAGE)
def change(request: MemberRequest, identity: UUID, verb: str) -> HttpResponse:
    """Close, reopen, assign: one POST each."""
    conversation = conversation_of(identity)
    if verb == "close":
        conversation.close()
    elif verb == "reopen":
        conversation.reopen()
    else:
        try:
            conversation.assign(_assignee(request))
        except OutOfSight as error:
            raise Http404("This member does not see the conversation's channel.") from error
    audit.record(_RECORDED[verb], Actor.member(request.member), conversation.pk)
    live.publish(conversation.workspace_id, "conversation", {conversation.pk: conversation.channel_id})
    if verb in _DONE and not request.headers.get("HX-Request"):
        notices.success(request, _DONE[verb])
    return answer(request, identity)


def _assignee(request: HttpRequest) -> Membership | None:
    chosen = request.POST.get("assignee", "")
    if not chosen:
        return None
    identity = uuid_of(chosen)
    if identity is None:
        raise Http404("There is no such member.")
    return get_object_or_404(Membership.objects.select_for_update(no_key=True), pk=identity)  # not one who just goes


@require_POST
@requires(P.CONVERSATIONS_REPLY)
def mark_read(request: MemberRequest, identity: UUID) -> HttpResponse:
    """An agent has it on the screen."""
    conversation = conversation_of(identity)
    if conversation.unread_count:
        conversation.mark_read()
        jobs.tell_read.enqueue(conversation.workspace_id, conversation.pk)
        live.publish(conversation.workspace_id, "conversation", {conversation.pk: conversation.channel_id})
    return HttpResponse(status=204)


@require_POST
@requires(P.IDENTIFIERS_REVEAL)
def reveal(request: MemberRequest, identity: UUID) -> HttpResponse:
    """One handle of the contact in full, recorded: in this answer, and nowhere after it. The handle's row for the
    page's script, else the page."""
    if not request.member.may(P.CONVERSATIONS_VIEW):
        raise PermissionDenied("Your role does not include reading conversations.")
    conversation = conversation_of(identity)
    handles = Handle.objects.filter(contact_id=conversation.contact_id)
    handle = get_object_or_404(handles, pk=uuid_of(request.POST.get("handle", "")))
    revealed = masking.reveal([handle], Actor.member(request.member))
    if not revealed:
        raise Http404("This contact was erased.")
    filters = Filters.read(request.GET)
    if request.headers.get("HX-Request"):
        return render(request, "conversations/_handle.html", {"handle": threads.shown_handle(handle, revealed)})
    shown = threads.load(conversation, request.member, filters.query(), revealed=revealed)
    return render(request, "conversations/inbox.html", page(request, filters, identity, **shown))


@require_POST
@requires(P.CONVERSATIONS_REPLY)
def retry(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Send a failed or unclear message again, because a person says so."""
    message = get_object_or_404(Message.objects, pk=identity)
    try:
        replies.retry(message, Actor.member(request.member))
    except replies.Refused as refused:
        return answer(request, message.conversation_id, f"{refused.reason} {refused.next_step}".strip())
    return answer(request, message.conversation_id)


@require_POST
@requires(P.CONVERSATIONS_MANAGE)
def fetch_again(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Try once more to fetch a file from the platform."""
    row = get_object_or_404(Attachment.objects.select_related("message"), pk=identity)
    media.try_again(row)
    return answer(request, row.message.conversation_id)


def _range(header: str, size: int) -> tuple[int, int] | None:
    """The one byte range of a Range header, as (start, end exclusive): empty where the file has no such bytes. None for
    none, several or nonsense, which a server passes over (RFC 9110, 14.2)."""
    match = re.fullmatch(r"bytes=([0-9]{0,15})-([0-9]{0,15})", header)
    first, last = match.groups() if match else ("", "")
    if not first:
        return (max(0, size - int(last)), size) if last else None
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size


@transaction.non_atomic_requests
@require_GET
@requires(P.CONVERSATIONS_VIEW)
def attachment(request: MemberRequest, identity: UUID) -> HttpResponseBase:
    """A file, opened as it is sent. Only kinds that a browser shows safely are shown; the rest is downloaded. The
    storage may be a network away, so that no transaction is open then."""
    with transaction.atomic():
        row = get_object_or_404(Attachment.objects, pk=identity, state=Attachment.State.STORED)
    preload([row])
    stack = media.opened(row)
    try:
        mime, name = row.detail("mime").split(";")[0].strip(), row.detail("name") or row.kind
        sealed = stack.__enter__()
    except (FileNotFoundError, KeyMissing, SealBroken):
        raise Http404("This file is no longer there.") from None
    span = _range(request.headers.get("Range", ""), sealed.size)
    start, end = span or (0, sealed.size)
    if span and start >= end:
        stack.__exit__(None, None, None)
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{sealed.size}", "Content-Length": "0"})

    def body() -> Any:
        try:
            yield from sealed.chunks(start, end)
        finally:
            stack.__exit__(None, None, None)

    shown = bool(_SHOWN_INLINE.match(mime)) and row.kind != "document"
    content_type = mime if shown else "application/octet-stream"
    response = StreamingHttpResponse(body(), status=206 if span else 200, content_type=content_type)
    response["Content-Length"] = str(end - start)
    response["Accept-Ranges"] = "bytes"
    if span:
        response["Content-Range"] = f"bytes {start}-{end - 1}/{sealed.size}"
    response["Content-Disposition"] = content_disposition_header(not shown, name) or "inline"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
