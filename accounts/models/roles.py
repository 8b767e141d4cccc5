"""A workspace's own roles: CustomRole."""

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.roles import GRANTABLE, Permission
from omnistra.core.tenancy import WorkspaceModel


class CustomRole(WorkspaceModel):
    """A role that a workspace made: a name and what it allows. What is the owners' alone it cannot allow."""

    name = models.CharField(max_length=60)
    permissions = ArrayField(models.CharField(max_length=60))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint("workspace", Lower("name"), name="accounts_customrole_name"),
            models.CheckConstraint(
                condition=models.Q(permissions__contained_by=[str(each) for each in GRANTABLE]),
                name="accounts_customrole_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def allowed(self) -> frozenset[Permission]:
        """What it allows."""
        return frozenset(map(Permission, self.permissions))

    def rewrite(self, name: str, permissions: Iterable[Permission]) -> list[str]:
        """Give it another name or other permissions; gives the names of the fields that changed."""
        wanted = {"name": name, "permissions": sorted(map(str, permissions))}
        changed = [field for field, value in wanted.items() if getattr(self, field) != value]
        for field in changed:
            setattr(self, field, wanted[field])
        self.save(update_fields=changed)
        return changed
