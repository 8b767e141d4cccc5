"""Migration operations that put row-level security and same-workspace references on a table.

Policies are granted per role, so that no role needs BYPASSRLS and a managed PostgreSQL works.
"""

from typing import Any

from django.conf import settings
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model

from omnistra.core.scope import ALL_CHANNELS, CHANNELS_SETTING, WORKSPACE_SETTING


class _Operation(Operation):
    """Works on the table of one model and leaves the models as they are."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, [self.model_name], {})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: the models do not change."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            self.forwards(model, schema_editor)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Nothing: the table or column that carries it is dropped by the migration's other operations."""

    def forwards(self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor) -> None:
        raise NotImplementedError


class _Protect(_Operation):
    def describe(self) -> str:
        return f"Row-level security on {self.model_name}"

    def forwards(self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor) -> None:
        table = schema_editor.quote_name(model._meta.db_table)
        schema_editor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        schema_editor.execute(
            f"CREATE POLICY system_rows ON {table} TO {settings.SYSTEM_ROLE} USING (true) WITH CHECK (true)"
        )
        self.protect(model, table, schema_editor)

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
        references = [
            field
            for field in model._meta.concrete_fields
            if isinstance(getattr(field, "related_model", None), type)
            and field.name != "workspace"
            and not field.db_constraint  # type: ignore[attr-defined]
        ]
        for field in references:
            _reference(model, field, schema_editor)
        if not references:
            name = schema_editor.quote_name(model._meta.db_table + "_workspace")
            schema_editor.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT {name} "
                "FOREIGN KEY (workspace_id) REFERENCES accounts_workspace (id)"
            )


def _reference(model: type[Model], field: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The constraint (workspace_id, x_id) -> (workspace_id, id) of a WorkspaceForeignKey."""
    quote = schema_editor.quote_name
    name, parent = model._meta.db_table, field.related_model._meta.db_table
    schema_editor.execute(
        f"CREATE UNIQUE INDEX IF NOT EXISTS {quote(parent + '_workspace_row')} ON {quote(parent)} (workspace_id, id)"
    )
    schema_editor.execute(
        f"ALTER TABLE {quote(name)} ADD CONSTRAINT {quote(f'{name}_{field.name}_same_workspace')} "
        f"FOREIGN KEY (workspace_id, {quote(field.column)}) REFERENCES {quote(parent)} (workspace_id, id)"
    )


class ProtectReference(_Operation):
    """For a WorkspaceForeignKey that a protected table gets later: what ProtectWorkspaceTable does for the first ones."""

    def __init__(self, model_name: str, field_name: str) -> None:
        super().__init__(model_name)
        self.field_name = field_name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, [self.model_name, self.field_name], {})

    def describe(self) -> str:
        return f"Same workspace for {self.model_name}.{self.field_name}"

    def forwards(self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor) -> None:
        _reference(model, model._meta.get_field(self.field_name), schema_editor)


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


class LimitToChannels(Operation):
    """Rows of a channel: a scope that is limited to channels sees and writes no others, whoever asks and however.

    `column` holds the channel's id; a table without one says by `seen_if` (SQL) which of its rows are seen, by a look
    into a table that is itself limited.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, column: str = "channel_id", seen_if: str = "") -> None:
        self.model_name, self.column, self.seen_if = model_name, column, seen_if

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, [self.model_name], {"column": self.column, "seen_if": self.seen_if})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: the models do not change."""

    def describe(self) -> str:
        return f"Channel limits on {self.model_name}"

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        channels = f"current_setting('{CHANNELS_SETTING}')"
        # The settings stand in sub-selects: read once a query, and unknown to the planner. Measured: where it knew them,
        # it took the second condition for the whole and read 100,000 conversations for a page of 41.
        among = f"{self.column} = ANY ((SELECT NULLIF({channels}, '{ALL_CHANNELS}')::uuid[])::uuid[])"
        schema_editor.execute(
            f"CREATE POLICY channel_rows ON {schema_editor.quote_name(model._meta.db_table)} AS RESTRICTIVE "
            f"TO {settings.RUNTIME_ROLE} USING ((SELECT {channels} = '{ALL_CHANNELS}') OR {self.seen_if or among})"
        )

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.execute(f"DROP POLICY channel_rows ON {schema_editor.quote_name(model._meta.db_table)}")
