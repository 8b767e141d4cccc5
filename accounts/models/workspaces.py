"""Workspaces and who is in them: Workspace, Membership."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from accounts.models.roles import CustomRole
from accounts.roles import CUSTOM, PERMISSIONS, WITHIN_CHANNELS, Permission, Role
from omnistra.core import keyring
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import WorkspaceForeignKey, WorkspaceManager, WorkspaceModel, system_scope, workspace_scope


class Workspace(models.Model):
    """One customer company's walled space."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    audit_months = models.PositiveSmallIntegerField(default=13)  # how long the audit log is kept
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    requires_second_factor = models.BooleanField(default=False)  # of each member, at the next request
    sends_read_receipts = models.BooleanField(default=True)  # off also means: nobody sees us typing
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

    @staticmethod
    def hold(workspace_id: UUID) -> None:
        """Make others who change its members or roles wait until this transaction ends."""
        Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)

    def require_second_factor(self, required: bool) -> None:
        """Demand a second factor of every member from now on, or no longer."""
        self.requires_second_factor = required
        self.save(update_fields=["requires_second_factor"])

    def send_read_receipts(self, wanted: bool) -> None:
        """Let people see when their messages were read and that an answer is being written, or not."""
        self.sends_read_receipts = wanted
        self.save(update_fields=["sends_read_receipts"])

    @classmethod
    def open(cls, name: str, slug: str, owner: User) -> "Workspace":
        """A new workspace with its keys and its owner."""
        workspace = cls(name=name, slug=slug)
        keyring.create_workspace_keys(workspace.pk)
        with transaction.atomic(), workspace_scope(workspace.pk):
            workspace.save(force_insert=True)
            Membership.objects.create(user=owner, role=Role.OWNER)
        return workspace


class RoleHolder(WorkspaceModel):
    """What a member has and an invitation promises: a role, built-in or the workspace's own, and channels."""

    role = models.CharField(max_length=20, choices=[*Role.choices, (CUSTOM, _("Custom role"))])
    custom_role = WorkspaceForeignKey(CustomRole, null=True, blank=True, related_name="+")
    channel_ids = ArrayField(models.UUIDField(), null=True, blank=True)  # the channels that it reaches; null: all

    class Meta(WorkspaceModel.Meta):
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values, custom_role__isnull=True)
                | models.Q(role=CUSTOM, custom_role__isnull=False),
                name="%(app_label)s_%(class)s_role",
            ),
            models.CheckConstraint(
                condition=~models.Q(role=Role.OWNER) | models.Q(channel_ids__isnull=True),
                name="%(app_label)s_%(class)s_owner_everywhere",
            ),
        ]

    @property
    def granted(self) -> frozenset[Permission]:
        """Everything that the role allows."""
        return self.custom_role.allowed if self.custom_role is not None else PERMISSIONS[Role(self.role)]

    @property
    def role_name(self) -> str | Promise:
        """The role as pages name it."""
        return self.custom_role.name if self.custom_role is not None else Role(self.role).label


class CurrentMembers(WorkspaceManager):
    """Those who are in the workspace now; `Membership.ever` also has those who were."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(removed_at__isnull=True)


class Membership(RoleHolder):
    """A person's place in a workspace. Who goes keeps the row, so that the record of what they did names somebody.

    A workspace always has an owner: the database refuses a commit that leaves one without (migration 0006).
    """

    SEEN_EVERY = timedelta(minutes=5)  # how exactly `last_seen_at` is kept

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    gets_audit_heads = models.BooleanField(default=False)  # the daily end of the audit chain, by mail
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False)
    removed_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[models.Manager[Any]] = CurrentMembers()
    ever: ClassVar[models.Manager[Any]] = WorkspaceManager()

    class Meta(RoleHolder.Meta):
        base_manager_name = "ever"
        constraints = [
            *RoleHolder.Meta.constraints,
            models.UniqueConstraint(
                fields=["workspace", "user"],
                condition=models.Q(removed_at__isnull=True),
                name="accounts_membership_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    @property
    def permissions(self) -> frozenset[Permission]:
        """Everything that the member may do: what the role allows; of that nothing beyond the channels for one who is
        limited to some, and nothing at all once removed."""
        if self.removed_at is not None:
            return frozenset()
        return self.granted if self.channel_ids is None else self.granted & WITHIN_CHANNELS

    def want_audit_heads(self, wanted: bool) -> None:
        """Whether the daily head of the audit log comes by mail."""
        self.gets_audit_heads = wanted
        self.save(update_fields=["gets_audit_heads"])

    def may(self, permission: Permission) -> bool:
        """Whether the member's role has a permission."""
        return permission in self.permissions

    def sees(self, channel_id: UUID) -> bool:
        """Whether the member sees what is on a channel."""
        return self.removed_at is None and (self.channel_ids is None or channel_id in self.channel_ids)

    def covers(self, permissions: Iterable[Permission]) -> bool:
        """Whether the member has all of these: nobody gives, changes or takes away what they lack themselves."""
        return self.permissions.issuperset(permissions)

    def may_give(self, holder: RoleHolder) -> bool:
        """Whether the member may give somebody this role, or change and remove somebody who has it."""
        return self.may(Permission.MEMBERS_MANAGE) and self.covers(holder.granted)

    @property
    def initials(self) -> str:
        """Two letters for the avatar."""
        words = self.user.name.split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"

    def mark_seen(self) -> None:
        """The person is at work here. In a transaction of its own: it must hold no lock while a page is made."""
        with transaction.atomic(), workspace_scope(self.workspace_id):
            type(self).objects.filter(pk=self.pk).update(last_seen_at=timezone.now())

    @classmethod
    def of_user(cls, user: User) -> list["Membership"]:
        """The person's memberships with their workspaces. Before any scope: which one applies is the question."""
        with transaction.atomic(), system_scope("accounts.memberships_of_user"):
            rows = cls.objects.filter(user=user).select_related("workspace", "user", "custom_role")
            return list(rows.order_by("workspace__name", "id"))


def last_used(memberships: Iterable[Membership]) -> Membership | None:
    """The membership in which the person was at work last; of those never used the one joined last."""

    def moment(each: Membership) -> tuple[bool, datetime]:
        return each.last_seen_at is not None, each.last_seen_at or each.created_at

    return max(memberships, key=moment, default=None)
