"""Set-wise writing: rows of one model in one statement, each column bound as one binary array.

A column that holds the same value in every row is bound once. Sealed fields are sealed on the way.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connections, models

from omnistra.core.sealing import Sealed

# Values that go to the database as they are: their field need not be asked, value by value.
_READY = (UUID, Sealed, type(None))


def insert_new(objects: Sequence[models.Model]) -> set[UUID]:
    """Insert rows of one model in one statement; rows that meet a unique constraint are left out.

    Gives the ids of the rows that were inserted. Sealed fields are sealed on the way.
    """
    if not objects:
        return set()
    connection = connections["default"]
    quote = connection.ops.quote_name
    options = type(objects[0])._meta
    columns = _Columns(connection, objects, options.local_concrete_fields, add=True)
    sql = (
        f"INSERT INTO {quote(options.db_table)} ({', '.join(columns.names)}) "  # noqa: S608
        f"SELECT {', '.join(columns.expressions)} FROM {columns.source} "
        f"ON CONFLICT DO NOTHING RETURNING {quote(options.pk.column)}"
    )
    with connection.set_cursor() as cursor:
        cursor.execute(sql, columns.params)
        if cursor.rowcount == len(objects):
            return {row.pk for row in objects}
        return {row[0] for row in cursor.fetchall()}


def update_rows(objects: Sequence[models.Model], names: Sequence[str]) -> int:
    """Write the named fields of rows of one model back in one statement; sealed fields are sealed on the way."""
    if not objects:
        return 0
    connection = connections["default"]
    quote = connection.ops.quote_name
    options = type(objects[0])._meta
    columns = _Columns(connection, objects, [options.pk, *map(options.get_field, names)], add=False)
    primary, *changed = zip(columns.names, columns.expressions, strict=True)
    sql = (
        f"UPDATE {quote(options.db_table)} AS t SET {', '.join(f'{name} = {value}' for name, value in changed)} "  # noqa: S608
        f"FROM {columns.source} WHERE t.{primary[0]} = {primary[1]}"
    )
    with connection.set_cursor() as cursor:
        cursor.execute(sql, columns.params)
        return int(cursor.rowcount)


class _Columns:
    """The fields of some rows as SQL: `expressions` over `source`, an unnest of arrays; `params` in that order."""

    def __init__(self, connection: Any, rows: Sequence[models.Model], fields: Sequence[Any], add: bool) -> None:
        self.names = [connection.ops.quote_name(field.column) for field in fields]
        self.expressions: list[str] = []
        constants: list[Any] = []
        arrays: list[list[Any]] = []
        types: list[str] = []
        for field in fields:
            # Without the length: a cast to varchar(10) would cut what is too long, where the column refuses it.
            kind = field.db_type(connection).partition("(")[0]
            values = [field.pre_save(row, add) for row in rows]
            if not field.primary_key and values[0] == values[-1] and values.count(values[0]) == len(values):
                self.expressions.append(f"%s::{kind}")
                constants.append(field.get_db_prep_save(values[0], connection))
                continue
            self.expressions.append(f"n.c{len(arrays)}")
            types.append(kind)
            arrays.append(
                [value if type(value) in _READY else field.get_db_prep_save(value, connection) for value in values]
            )
        binary = ", ".join(f"%b::{kind}[]" for kind in types)
        self.source = f"unnest({binary}) AS n({', '.join(f'c{number}' for number in range(len(arrays)))})"
        self.params = constants + arrays
