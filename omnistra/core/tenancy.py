"""Workspace tables: who may see which rows.

1. A workspace model's manager raises outside a scope.
2. PostgreSQL's row-level security compares every row with a transaction-local setting; without it the query errors.
3. A scope may be limited to channels; manager and row-level security then hold that line in the same way.
4. `system_scope` switches to the system role for what has no workspace yet; each use names its reason.
"""

from typing import Any, ClassVar

from django.db import models

from omnistra.core.ids import uuid7
from omnistra.core.scope import (
    OutsideScope,
    current_scope,
    current_workspace_id,
    default_workspace_id,
    system_scope,
    workspace_scope,
)

__all__ = [
    "OutsideScope",
    "SystemModel",
    "WorkspaceForeignKey",
    "WorkspaceModel",
    "current_scope",
    "current_workspace_id",
    "system_scope",
    "workspace_scope",
]


class WorkspaceQuerySet(models.QuerySet[Any]):
    """Base of the querysets of workspace models."""


class WorkspaceManager(models.Manager[Any]):
    """Fails closed: raises outside a scope, filters to the workspace (and to the channels) inside one."""

    def get_queryset(self) -> models.QuerySet[Any]:
        scope = current_scope()
        if scope is None:
            raise OutsideScope(f"{self.model.__name__} belongs to a workspace: enter workspace_scope() first.")
        rows = super().get_queryset()
        if scope.is_system:
            return rows
        rows = rows.filter(workspace_id=scope.workspace_id)
        if scope.channels is None or not self.model.limited_by:
            return rows
        # The database refuses the others too (LimitToChannels); said here as well, the planner can use an index.
        return rows.filter(**{f"{self.model.limited_by}__in": scope.channels})


class SystemManager(models.Manager[Any]):
    """Fails closed: raises outside a system scope."""

    def get_queryset(self) -> models.QuerySet[Any]:
        scope = current_scope()
        if scope is None or not scope.is_system:
            raise OutsideScope(f"{self.model.__name__} belongs to the installation: enter system_scope(reason).")
        return super().get_queryset()


class WorkspaceForeignKey(models.ForeignKey[Any, Any]):
    """A reference to another row of the same workspace.

    ProtectWorkspaceTable gives it the constraint (workspace_id, x_id) -> (workspace_id, id), so that the database
    refuses a reference into another workspace; hence Django's own constraint is off.
    """

    def __init__(self, to: Any, on_delete: Any = models.DO_NOTHING, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)


class WorkspaceModel(models.Model):
    """A row that belongs to one workspace. Its first migration also holds ProtectWorkspaceTable.

    `limited_by` names the attribute with the id of the row's channel, if it has one; the migration then holds
    LimitToChannels too.
    """

    limited_by: ClassVar[str] = ""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(
        "accounts.Workspace",
        models.DO_NOTHING,
        default=default_workspace_id,
        editable=False,
        db_constraint=False,  # ProtectWorkspaceTable adds what is needed
        db_index=False,  # every index of these tables leads with the workspace already
        related_name="+",
    )

    workspace_id: Any  # UUID; the stubs would make it optional, because of the default

    objects: ClassVar[models.Manager[Any]] = WorkspaceManager.from_queryset(WorkspaceQuerySet)()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class SystemModel(models.Model):
    """A row of the installation that the runtime role cannot read (the journal): system_scope only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    objects: ClassVar[models.Manager[Any]] = SystemManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
