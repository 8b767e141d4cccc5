"""A migration operation: the serving roles may add rows to a table and never change or take one away."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_FUNCTION = """
CREATE OR REPLACE FUNCTION omnistra_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$
"""
# WHEN names the owner as text, because a trigger's condition knows no "owner of the table".
_TRIGGERS = """
DO $$ BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE {events} ON {table} FOR EACH ROW '
                   'WHEN (current_user <> %L) EXECUTE FUNCTION omnistra_append_only()', current_user);
    EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT '
                   'WHEN (current_user <> %L) EXECUTE FUNCTION omnistra_append_only()', current_user);
END $$
"""


class AppendOnly(Operation):
    """Triggers refuse UPDATE, DELETE and TRUNCATE (with `appendable=False` also INSERT) to every role but the owner of
    the table, and a policy lets the owner see all rows: what has to change them is a SECURITY DEFINER function of the
    owner's. With `erasable=True` rows may be deleted, since they hold something of a person. Comes after
    ProtectWorkspaceTable."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, appendable: bool = True, erasable: bool = False) -> None:
        self.model_name, self.appendable, self.erasable = model_name, appendable, erasable

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        kwargs = {"appendable": self.appendable, "erasable": self.erasable}
        return (self.__class__.__name__, [self.model_name], kwargs)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: the models do not change."""

    def describe(self) -> str:
        return f"{self.model_name} becomes append-only"

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
        events = "UPDATE" if self.erasable else "UPDATE OR DELETE"
        events = events if self.appendable else f"INSERT OR {events}"
        schema_editor.execute(_FUNCTION, params=None)  # None: a percent sign stands for itself
        schema_editor.execute(_TRIGGERS.format(table=table, events=events), params=None)
        if self.erasable:  # no function of the owner's has anything to do here
            return
        schema_editor.execute(f"CREATE POLICY owner_rows ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        table = schema_editor.quote_name(model._meta.db_table)
        schema_editor.execute(f"DROP TRIGGER append_only ON {table}")
        schema_editor.execute(f"DROP TRIGGER append_only_whole ON {table}")
        if not self.erasable:
            schema_editor.execute(f"DROP POLICY owner_rows ON {table}")
