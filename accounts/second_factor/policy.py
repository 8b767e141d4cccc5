"""Who has a second factor, and who must have one."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django_otp_webauthn.models import WebAuthnCredential

from accounts.models import AuthenticatorApp, Membership, User, Workspace
from omnistra.core.tenancy import system_scope


def factors_of(person: str) -> Q:
    """For a query: whether the person named by the field `person` has a factor. Recovery codes alone are none."""
    owner = OuterRef(person)
    return Q(Exists(AuthenticatorApp.objects.filter(user=owner, confirmed=True))) | Q(
        Exists(WebAuthnCredential.objects.filter(user=owner, confirmed=True))
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a person has a second factor, and whether some rule demands one."""

    has_factor: bool
    must_have: bool


def standing(user: User) -> Standing:
    """One query. Operators always need a factor; members where one of their workspaces says so."""
    with transaction.atomic(), system_scope("accounts.second_factor"):
        strict = Membership.objects.filter(user=OuterRef("pk"), workspace__requires_second_factor=True)
        found = User.objects.filter(pk=user.pk).values_list(factors_of("pk"), Exists(strict)).first()
    has_factor, asked_for = found or (False, True)
    return Standing(has_factor, asked_for or user.is_staff)


def has_factor(user: User) -> bool:
    """Whether the person has a second factor."""
    return standing(user).has_factor


def strict_workspaces(user: User) -> list[str]:
    """The names of the person's workspaces that demand a second factor."""
    with transaction.atomic(), system_scope("accounts.second_factor"):
        members = Membership.objects.filter(user=user).values("workspace")
        found = Workspace.objects.filter(pk__in=members, requires_second_factor=True)
        return list(found.order_by("name").values_list("name", flat=True))
