"""Migration operations that put row-level security and same-workspace references on a table.

Policies are granted per role, so that no role needs BYPASSRLS and a managed PostgreSQL works.
"""

from typing import Any

from django.conf import settings
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model

from omnistra.core.scope import WORKSPACE_SETTING


class _Protect(Operation):
    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, [self.model_name], {})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: the models do not change."""

    def describe(self) -> str:
        return f"Row-level security on {self.model_name}"

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        table = schema_editor.quote_name(model._meta.db_table)
        schema_editor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        schema_editor.execute(
            f"CREATE POLICY system_rows ON {table} TO {settings.SYSTEM_ROLE} USING (true) WITH CHECK (true)"
        )
        self.protect(model, table, schema_editor)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Nothing: the table that carries the policies is dropped by the migration's other operations."""

    def protect(self, model: type[Model], table: str, schema_editor: BaseDatabaseSchemaEditor) -> None:
        raise NotImplementedError


class ProtectWorkspaceTable(_Protect):
    """Rows of one workspace: visible and writable by the runtime role inside that workspace's scope alone.

    Every WorkspaceForeignKey gets its (workspace, id) constraint here; a table without one references the workspace.
    """

    def protect(self, model: type[Model], table: str, schema_editor: BaseDatabaseSchemaEditor) -> None:
        own = f"workspace_id = current_setting('{WORKSPACE_SETTING}')::uuid"
        schema_editor.execute(
            f"CREATE POLICY workspace_rows ON {table} TO {settings.RUNTIME_ROLE} USING ({own}) WITH CHECK ({own})"
        )
        quote = schema_editor.quote_name
        name = model._meta.db_table
        references = 0
        for field in model._meta.concrete_fields:
            target: Any = getattr(field, "related_model", None)
            if not isinstance(target, type) or field.name == "workspace" or field.db_constraint:  # type: ignore[attr-defined]
                continue
            references += 1
            parent = target._meta.db_table
            schema_editor.execute(
                f"CREATE UNIQUE INDEX IF NOT EXISTS {quote(parent + '_workspace_row')} ON {quote(parent)} (workspace_id, id)"
            )
            schema_editor.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT {quote(f'{name}_{field.name}_same_workspace')} "
                f"FOREIGN KEY (workspace_id, {quote(str(field.column))}) REFERENCES {quote(parent)} (workspace_id, id)"
            )
        if not references:
            schema_editor.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT {quote(name + '_workspace')} "
                "FOREIGN KEY (workspace_id) REFERENCES accounts_workspace (id)"
            )


class ProtectSystemTable(_Protect):
    """Rows of the installation. The runtime role has no policy here, except to append where `append` says so."""

    def __init__(self, model_name: str, append: bool = False) -> None:
        super().__init__(model_name)
        self.append = append

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, [self.model_name], {"append": self.append})

    def protect(self, model: type[Model], table: str, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if self.append:
            schema_editor.execute(
                f"CREATE POLICY runtime_appends ON {table} FOR INSERT TO {settings.RUNTIME_ROLE} WITH CHECK (true)"
            )
