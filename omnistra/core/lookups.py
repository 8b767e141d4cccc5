"""`field__any=values`: the look-up of rows by many values, with one array where `__in` binds each value by itself.

Its SQL has the same text however many values there are; building and reading it costs next to nothing at thousands.
"""

from typing import Any

from django.db.models import Field, ForeignObject, Lookup


@ForeignObject.register_lookup
@Field.register_lookup
class AnyOf(Lookup):
    """`column = ANY(array)`. Values are given as the database takes them (UUID, bytes, str, int)."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        kind = self.lhs.output_field.db_type(connection).partition("(")[0]  # a cast to varchar(10) would cut values
        return f"{column} = ANY(%s::{kind}[])", (*params, _array(list(self.rhs), kind))


def _array(values: list[Any], kind: str) -> Any:
    """The array as a parameter. Of ids and hashes, which come by the thousand, its text: the driver's own way to it looks
    at each value for what must be quoted, at five times the cost."""
    if kind == "uuid":
        return "{" + ",".join([value.hex for value in values]) + "}"
    if kind == "bytea":
        return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"
    return values
