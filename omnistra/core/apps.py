from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "omnistra.core"
    label = "core"

    def ready(self) -> None:
        from omnistra.core import checks, lookups, reports  # noqa: F401  (the first two register themselves)

        reports.connect()
