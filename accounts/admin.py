"""Operators' view of workspaces and people, and the steps that they may take: each on a page of its own, with a reason."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.html import format_html

from accounts import operators, sessions
from accounts.models import Membership, OperatorAction, User, Workspace
from accounts.second_factor.factors import remove_all
from omnistra.core.read_only import ReadOnlyAdmin

# Libraries register these for editing: an address changed here would hand an account to somebody else without a reason.
admin.site.unregister(EmailAddress)
admin.site.unregister(Group)


class StepForm(forms.Form):
    """The reason, and the name typed once more."""

    reason = forms.CharField(
        min_length=10, max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept, and shown to whom it concerns where that is a workspace. No customer's words, names or numbers.",
    )  # fmt: skip
    confirm = forms.CharField(max_length=254)

    def __init__(self, *args: Any, wanted: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = wanted
        self.fields["confirm"].label = f"Type {wanted} to confirm"

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"].strip()
        if typed != self.wanted:
            raise forms.ValidationError("This is not it. Nothing was done.")
        return typed


def step_page(
    request: HttpRequest, model_admin: ReadOnlyAdmin, *, title: str, words: str, wanted: str, back: str,
    do: Callable[[str], None],
) -> HttpResponse:  # fmt: skip
    """Say what will happen, ask for the reason and the name, then do it."""
    form = StepForm(request.POST or None, wanted=wanted)
    if request.method == "POST" and form.is_valid():
        try:
            do(form.cleaned_data["reason"].strip())
        except operators.NotPossible as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, f"Done: {title.lower()}.")
        return redirect(back)
    context = model_admin.admin_site.each_context(request) | {
        "title": title, "words": words, "form": form, "back": back, "opts": model_admin.model._meta,
    }  # fmt: skip
    return render(request, "admin/operators/step.html", context, status=422 if form.is_bound else 200)


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnlyAdmin):
    list_display = ("slug", "name", "created_at", "suspended_at")
    search_fields = ("slug", "name")
    list_filter = (("suspended_at", admin.EmptyFieldListFilter),)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_fields(request, obj), "steps"]

    @admin.display(description="Steps")
    def steps(self, workspace: Workspace) -> str:
        """The step that is possible now."""
        name, words = ("resume", "Resume …") if workspace.suspended_at else ("suspend", "Suspend …")
        return format_html(
            '<a class="button" href="{}">{}</a>',
            reverse(f"admin:accounts_workspace_{name}", args=[workspace.pk]),
            words,
        )

    def get_urls(self) -> Any:
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:pk>/suspend/", wrap(self.suspend), name="accounts_workspace_suspend"),
            path("<uuid:pk>/resume/", wrap(self.resume), name="accounts_workspace_resume"),
            *super().get_urls(),
        ]

    def suspend(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Shut members and keys out."""
        workspace = get_object_or_404(Workspace, pk=pk)
        return step_page(
            request, self, title="Suspend the workspace", wanted=workspace.slug,
            words="Its members and API keys are shut out at once, and nothing is sent. What customers write is still taken "
            "in. The workspace's audit log shows that it was suspended.",
            back=reverse("admin:accounts_workspace_change", args=[pk]),
            do=lambda reason: operators.suspend(workspace, _operator(request), reason),
        )  # fmt: skip

    def resume(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Let them in again."""
        workspace = get_object_or_404(Workspace, pk=pk)
        return step_page(
            request, self, title="Resume the workspace", wanted=workspace.slug,
            words="Members and API keys come in again, and messages that waited are sent where the reply window allows it.",
            back=reverse("admin:accounts_workspace_change", args=[pk]),
            do=lambda reason: operators.resume(workspace, _operator(request), reason),
        )  # fmt: skip


def _operator(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)  # admin_view lets nobody else through
    return user


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "name", "is_active", "is_staff", "created_at")
    search_fields = ("email", "name")
    list_filter = ("is_active", "is_staff")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_fields(request, obj), "steps"]

    @admin.display(description="Steps")
    def steps(self, person: User) -> str:
        """What can be done for the person."""
        return format_html(
            '<a class="button" href="{}">End the sessions …</a> <a class="button" href="{}">Remove the second factor …</a>',
            reverse("admin:accounts_user_end_sessions", args=[person.pk]),
            reverse("admin:accounts_user_reset_factor", args=[person.pk]),
        )

    def get_urls(self) -> Any:
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:pk>/end-sessions/", wrap(self.end_sessions), name="accounts_user_end_sessions"),
            path("<uuid:pk>/reset-factor/", wrap(self.reset_factor), name="accounts_user_reset_factor"),
            *super().get_urls(),
        ]

    def end_sessions(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Sign the person out everywhere."""
        person = get_object_or_404(User, pk=pk)
        return step_page(
            request, self, title="End the sessions", wanted=person.email,
            words="The person is signed out on every device at once and can sign in again. The audit logs of the person's "
            "workspaces show it.",
            back=reverse("admin:accounts_user_change", args=[pk]),
            do=lambda reason: operators.on_person(
                person, _operator(request), reason, OperatorAction.Action.SESSIONS_ENDED,
                lambda: sessions.end_all(person.pk),
            ),
        )  # fmt: skip

    def reset_factor(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """For somebody who has lost every factor and every code."""
        person = get_object_or_404(User, pk=pk)
        return step_page(
            request, self, title="Remove the second factor", wanted=person.email,
            words="Every second factor and recovery code of this person is removed, and the sessions that were opened with "
            "one end. Make sure first that it is them. They are told by mail, and their workspaces' audit logs show it.",
            back=reverse("admin:accounts_user_change", args=[pk]),
            do=lambda reason: operators.on_person(
                person, _operator(request), reason, OperatorAction.Action.FACTOR_RESET, lambda: remove_all(person)
            ),
        )  # fmt: skip


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("id", "workspace", "user", "role", "created_at")
    list_select_related = ("workspace", "user")
    list_filter = ("role",)


@admin.register(OperatorAction)
class OperatorActionAdmin(ReadOnlyAdmin):
    list_display = ("at", "action", "operator", "target_workspace_id", "target_user_id")
    list_select_related = ("operator",)
    list_filter = ("action",)
