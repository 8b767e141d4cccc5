"""`migrate` for this house: the owner makes the tables of the main database, then the keys database gets its own."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connections

# The runtime and system roles read and write rows; they own nothing and cannot change a table. Row-level security
# then decides which rows. TRUNCATE, REFERENCES and TRIGGER are not granted.
_GRANTS = """
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {roles};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {roles};
GRANT USAGE ON SCHEMA public TO {roles};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {roles};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {roles};
"""


class Command(MigrateCommand):
    """Without --database: both databases and the grants. With it: Django's own command."""

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["database"] is not None:
            super().handle(*args, **options)
            return
        roles = f"{settings.RUNTIME_ROLE}, {settings.SYSTEM_ROLE}"
        super().handle(*args, **{**options, "database": "owner"})
        with connections["owner"].cursor() as cursor:
            cursor.execute(_GRANTS.format(roles=roles))
        if not args and not options.get("app_label"):
            call_command("migrate", database="keys", verbosity=options["verbosity"], interactive=False)
        connections["owner"].close()
        connections["keys"].close()
