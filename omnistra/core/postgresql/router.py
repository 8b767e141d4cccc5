"""Which database holds what: everything in `default` (tables are made by `owner`), the sealing keys in `keys`."""

from typing import Any


class Router:
    """The keys database holds the tables of the core app's migrations (raw SQL, no models) and nothing else."""

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        return (app_label == "core") == (db == "keys")
