"""The operators' side of access: asking for one conversation with a reason, reading it under a live grant, ending it.

The guard below (omnistra.core.reading) opens what this grant covers and nothing else: the messages and the contact of
one conversation, no file, until the minute the grant ends.
"""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from accounts import operators
from accounts.audit import Actor
from accounts.models import AccessGrant, User
from conversations import listing, naming
from conversations.models import Contact, Conversation, Handle, Message
from omnistra.core.keyring import KeyMissing
from omnistra.core.read_only import ReadOnlyAdmin
from omnistra.core.reading import operator_reading
from omnistra.core.sealing import preload
from omnistra.core.tenancy import workspace_scope

PAGE = 100  # messages


class AskForm(forms.Form):
    """What an operator wants to read, and why."""

    conversation = forms.UUIDField(help_text="The id at the end of the conversation's address; the customer has it.")
    reason = forms.CharField(
        min_length=10, max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The workspace decides on these words: the ticket, the fault, what you look for.",
    )  # fmt: skip
    hours = forms.TypedChoiceField(
        choices=[(number, str(number)) for number in range(1, AccessGrant.MAX_HOURS + 1)], coerce=int,
        initial=AccessGrant.DEFAULT_HOURS,
    )  # fmt: skip

    def clean_conversation(self) -> Conversation:
        found = Conversation.objects.filter(pk=self.cleaned_data["conversation"]).first()
        if found is None:
            raise forms.ValidationError("There is no conversation with this id.")
        return found  # type: ignore[no-any-return]


@admin.register(AccessGrant)
class AccessGrantAdmin(ReadOnlyAdmin):
    """Here and not in accounts, because reading is the conversations' business."""

    list_display = ("id", "workspace", "operator", "state", "requested_at", "expires_at")
    list_select_related = ("workspace", "operator")
    list_filter = ("state",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_fields(request, obj), "steps"]

    @admin.display(description="Steps")
    def steps(self, grant: AccessGrant) -> str:
        """Reading, while it is live."""
        if not grant.is_live:
            return "Nothing can be read."
        return format_html(
            '<a class="button" href="{}">Read</a>', reverse("admin:accounts_accessgrant_read", args=[grant.pk])
        )

    def get_urls(self) -> Any:
        wrap = self.admin_site.admin_view
        return [
            path("add/", wrap(self.ask), name="accounts_accessgrant_add"),
            path("<uuid:pk>/read/", wrap(self.read), name="accounts_accessgrant_read"),
            path("<uuid:pk>/end/", wrap(require_POST(self.end)), name="accounts_accessgrant_end"),
            *super().get_urls(),
        ]

    def ask(self, request: HttpRequest) -> HttpResponse:
        """Ask a workspace for one conversation."""
        form = AskForm(request.POST or None)
        back = reverse("admin:accounts_accessgrant_changelist")
        if request.method == "POST" and form.is_valid():
            wanted = form.cleaned_data["conversation"]
            operators.ask(
                _operator(request), wanted.workspace_id, wanted.pk, form.cleaned_data["reason"].strip(),
                form.cleaned_data["hours"],
            )  # fmt: skip
            messages.success(request, "Asked. The workspace's owners and privacy officers have been told.")
            return redirect(back)
        context = self.admin_site.each_context(request) | {
            "title": "Ask to read a conversation", "form": form, "back": back, "opts": self.model._meta,
            "words": "An owner or privacy officer of the workspace decides. What you read is shown to them.",
        }  # fmt: skip
        return render(request, "admin/operators/step.html", context, status=422 if form.is_bound else 200)

    def read(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The words of the granted conversation; each page of it is recorded, message by message."""
        grant = _own_live_grant(request, pk)
        with transaction.atomic(), workspace_scope(grant.workspace_id):
            conversation = get_object_or_404(Conversation.objects.select_related("contact"), pk=grant.conversation_id)
            with operator_reading(_Covers(grant, conversation)):
                page, older = _page(conversation, request.GET.get("before", ""))
                name = naming.shown_name(
                    conversation.contact, Handle.objects.filter(contact_id=conversation.contact_id)
                )
                shown = [_words(message, name) for message in page]
            operators.note_reads(grant, [message.pk for message in page])
        context = self.admin_site.each_context(request) | {
            "title": name, "grant": grant, "name": name, "messages_read": shown, "older": older,
            "opts": self.model._meta,
        }  # fmt: skip
        return render(request, "admin/operators/read.html", context)

    def end(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The operator is done."""
        grant = get_object_or_404(AccessGrant.objects, pk=pk, operator_id=_operator(request).pk)
        try:
            with workspace_scope(grant.workspace_id):
                operators.end(grant.pk, Actor.operator(grant.operator_id))
        except operators.NotPossible as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, "The access has ended.")
        return redirect("admin:accounts_accessgrant_changelist")


def _operator(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)  # admin_view lets nobody else through
    return user


def _own_live_grant(request: HttpRequest, pk: UUID) -> AccessGrant:
    grant: AccessGrant = get_object_or_404(AccessGrant.objects, pk=pk, operator_id=_operator(request).pk)
    if not grant.is_live:
        raise PermissionDenied("The workspace has not granted this, or the time is over. Ask again if you need it.")
    return grant


class _Covers:
    """What a grant covers: one conversation's messages and its contact, while it is live."""

    def __init__(self, grant: AccessGrant, conversation: Conversation) -> None:
        self.until, self.workspace_id = grant.expires_at, grant.workspace_id
        self.conversation_id, self.contact_id = conversation.pk, conversation.contact_id

    def __call__(self, row: Any) -> bool:
        if self.until is None or timezone.now() >= self.until or row.workspace_id != self.workspace_id:
            return False
        if isinstance(row, Message):
            return bool(row.conversation_id == self.conversation_id)
        if isinstance(row, Contact):
            return bool(row.pk == self.contact_id)
        return isinstance(row, Handle) and bool(row.contact_id == self.contact_id)


def _page(conversation: Conversation, before: str) -> tuple[list[Message], str]:
    """The newest messages, or those before a cursor, the oldest first; and the cursor of the older ones."""
    rows: QuerySet[Any] = Message.said().filter(conversation=conversation).defer("external_id", "error")
    if before and (place := listing.read_cursor(before)):
        at, identity = place
        rows = rows.filter(Q(provider_at__lt=at) | Q(provider_at=at, id__lt=identity))
    found = list(rows.order_by("-provider_at", "-id")[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE][::-1]
    preload([conversation.contact, *found])
    return found, listing.cursor(found[0].provider_at, found[0].pk) if more else ""


def _words(message: Message, name: str) -> dict[str, Any]:
    try:
        text = naming.unsent_words(message) if message.unsent_at else naming.event_words(message) or message.text
    except KeyMissing:
        text = "This message was erased."
    ours = message.direction == Message.Direction.OUTBOUND
    return {
        "at": message.provider_at, "author": "The workspace" if ours else name, "type": message.type,
        "text": text or naming.KIND_WORDS.get(message.type, ""), "status": message.get_status_display(),
    }  # fmt: skip
