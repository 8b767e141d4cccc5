"""Set-wise insertion that tells which rows are new."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, models


def insert_new(objects: Sequence[models.Model]) -> set[UUID]:
    """Insert rows of one model in one statement; rows that meet a unique constraint are left out.

    Gives the ids of the rows that were inserted. Sealed fields are sealed on the way.
    """
    if not objects:
        return set()
    model = type(objects[0])
    fields = model._meta.local_concrete_fields
    types = [f"%s::{field.db_type(connection)}[]" for field in fields]
    columns: list[list[Any]] = []
    for field in fields:
        values = [field.get_db_prep_save(field.pre_save(row, True), connection) for row in objects]
        columns.append(values)
    quote = connection.ops.quote_name
    names = ", ".join(quote(field.column) for field in fields)
    sql = (
        f"INSERT INTO {quote(model._meta.db_table)} ({names}) SELECT * FROM unnest({', '.join(types)}) "  # noqa: S608
        f"ON CONFLICT DO NOTHING RETURNING {quote(model._meta.pk.column)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, columns)
        return {row[0] for row in cursor.fetchall()}


def update_rows(objects: Sequence[models.Model], names: Sequence[str]) -> int:
    """Write the named fields of rows of one model back in one statement; sealed fields are sealed on the way."""
    if not objects:
        return 0
    model = type(objects[0])
    primary: Any = model._meta.pk
    fields = [model._meta.get_field(name) for name in names]
    columns: list[list[Any]] = [[row.pk for row in objects]]
    for field in fields:
        columns.append([field.get_db_prep_save(field.pre_save(row, False), connection) for row in objects])
    quote = connection.ops.quote_name
    types = ", ".join(f"%s::{field.db_type(connection)}[]" for field in (primary, *fields))
    sets = ", ".join(f"{quote(field.column)} = n.c{number}" for number, field in enumerate(fields, start=1))
    aliases = ", ".join(f"c{number}" for number in range(len(fields) + 1))
    sql = (
        f"UPDATE {quote(model._meta.db_table)} AS t SET {sets} FROM unnest({types}) AS n({aliases}) "  # noqa: S608
        f"WHERE t.{quote(primary.column)} = n.c0"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, columns)
        return int(cursor.rowcount)
