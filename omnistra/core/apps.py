from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "omnistra.core"
    label = "core"

    def ready(self) -> None:
        from omnistra.core import checks, lookups  # noqa: F401  (they register themselves)
