"""PostgreSQL with the workspace scope applied inside every transaction.

The scope (omnistra.core.scope) lives in a context variable. Before each statement of a transaction this backend
compares it with what the transaction has, and sets role, workspace and channels, transaction-local, where they differ:
pages, API, jobs and commands are covered alike, and a pooled connection carries nothing over.
"""

from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base

from omnistra.core.scope import ALL_CHANNELS, CHANNELS_SETTING, WORKSPACE_SETTING, Scope, current_scope

_UNKNOWN = Scope(reason="unknown")  # a rollback to a savepoint took the settings back to some earlier state
_APPLY = (
    f"SELECT set_config('role', %s, true), set_config('{WORKSPACE_SETTING}', %s, true), "
    f"set_config('{CHANNELS_SETTING}', %s, true)"
)


def _channels(scope: Scope | None) -> str:
    """The channels in force as the policies read them."""
    if scope is None:
        return ""
    return ALL_CHANNELS if scope.channels is None else "{" + ",".join(map(str, scope.channels)) + "}"


class DatabaseWrapper(base.DatabaseWrapper):
    """The `default` database."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._applied: Scope | None = None
        self.execute_wrappers.append(self._apply_scope)

    def set_cursor(self) -> Any:
        """A cursor for statements that carry the columns of many rows: it binds on the server, and `%b` in binary, where
        Django's own writes every value as a literal into the text of the statement."""
        self.ensure_connection()
        with self.wrap_database_errors:
            return self._prepare_cursor(base.ServerBindingCursor(self.connection))  # type: ignore[call-arg]  # the stubs know no connection

    def _apply_scope(self, execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        wanted = current_scope()
        # The way back to a savepoint goes first: in a transaction that failed nothing else may run.
        returning = isinstance(sql, str) and sql.startswith("ROLLBACK TO SAVEPOINT")
        if wanted is not self._applied and not returning and not self.get_autocommit():
            role = settings.SYSTEM_ROLE if wanted and wanted.is_system else "none"
            workspace = str(wanted.workspace_id) if wanted and wanted.workspace_id else ""
            with self.connection.cursor() as cursor:  # type: ignore[union-attr]
                cursor.execute(_APPLY, (role, workspace, _channels(wanted)))
            self._applied = wanted
        return execute(sql, params, many, context)

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)
        self._applied = None

    def _commit(self) -> None:
        super()._commit()
        self._applied = None

    def _rollback(self) -> None:
        super()._rollback()
        self._applied = None

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)
        self._applied = _UNKNOWN

    def _close(self) -> None:
        self._applied = None
        return super()._close()  # type: ignore[no-any-return]
