"""The form of sign-up."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.text import slugify

from accounts.models import Acceptance, User, Workspace
from omnistra.core.addresses import client_address


class SignupFields(forms.Form):
    """What sign-up asks beyond e-mail and password: name, company, 16 or older, the documents (clauses 2a, 13)."""

    name = forms.CharField(label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    company = forms.CharField(
        label="Company", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    of_age = forms.BooleanField(
        label="I am 16 or older.", error_messages={"required": "Omnistra is not for people under 16."}
    )
    agreed = forms.BooleanField(
        label="I accept the terms and have read the privacy policy.",
        error_messages={"required": "Please accept the terms and the privacy policy."},
    )

    field_order = ["name", "company", "email", "password1", "of_age", "agreed"]

    def signup(self, request: HttpRequest, user: User) -> None:
        """Make the workspace and keep the proof of what was accepted. allauth calls it in the request's transaction."""
        self.keep_proof(request, user)
        company: Any = self.cleaned_data["company"]
        Workspace.open(company, free_slug(company), user)

    def keep_proof(self, request: HttpRequest, user: User) -> None:
        """Keep that the person declared the age, and which versions they accepted."""
        user.declared_of_age_at = timezone.now()
        user.save(update_fields=["declared_of_age_at"])
        for document in import_string(settings.SIGNUP_DOCUMENTS)():
            Acceptance.objects.create(
                user=user, document=document.slug, version=document.version, sha256=document.sha256,
                ip=client_address(request) or None,
            )  # fmt: skip


def free_slug(company: str) -> str:
    """An address part for a company that no workspace has yet."""
    stem = slugify(company)[:40] or "team"
    taken = set(Workspace.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(
        slug
        for number in range(1, len(taken) + 2)
        if (slug := stem if number == 1 else f"{stem}-{number}") not in taken
    )
