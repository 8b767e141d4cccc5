"""Workspaces and who is in them: Workspace, Membership."""

from typing import ClassVar

from django.db import models, transaction
from django.utils import timezone

from accounts.models.people import User
from accounts.roles import Permission, Role, allows
from omnistra.core import keyring
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import WorkspaceModel, system_scope, workspace_scope


class Workspace(models.Model):
    """One customer company's walled space."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    audit_months = models.PositiveSmallIntegerField(default=13)  # how long the audit log is kept
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    closing_at = models.DateTimeField(null=True, editable=False)  # then everything is erased (privacy.closure)
    suspended_at = models.DateTimeField(null=True, editable=False)  # by an operator; OperatorAction has the reason

    AUDIT_MONTHS: ClassVar[tuple[int, int]] = (6, 84)  # an intrusion is often found months later: never below the first

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(audit_months__range=(6, 84)), name="accounts_workspace_audit_months"
            )
        ]

    def __str__(self) -> str:
        return self.slug

    def rename(self, name: str) -> None:
        """Another name; the address stays, because links lead there."""
        self.name = name
        self.save(update_fields=["name"])

    @classmethod
    def open(cls, name: str, slug: str, owner: User) -> "Workspace":
        """A new workspace with its keys and its owner."""
        workspace = cls(name=name, slug=slug)
        keyring.create_workspace_keys(workspace.pk)
        with transaction.atomic(), workspace_scope(workspace.pk):
            workspace.save(force_insert=True)
            Membership.objects.create(user=owner, role=Role.OWNER)
        return workspace


class Membership(WorkspaceModel):
    """A person's place in a workspace."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    role = models.CharField(max_length=20, choices=Role.choices)
    gets_audit_heads = models.BooleanField(default=False)  # the daily end of the audit chain, by mail
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="accounts_membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="accounts_membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    def may(self, permission: Permission) -> bool:
        """Whether the member's role has a permission."""
        return allows(self.role, permission)

    @property
    def initials(self) -> str:
        """Two letters for the avatar."""
        words = self.user.name.split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"

    @classmethod
    def of_user(cls, user: User) -> list["Membership"]:
        """The person's memberships with their workspaces. Before any scope: which one applies is the question."""
        with transaction.atomic(), system_scope("accounts.memberships_of_user"):
            return list(cls.objects.filter(user=user).select_related("workspace", "user").order_by("workspace__name"))
