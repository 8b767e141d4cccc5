from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "omnistra.core"
    label = "core"

    def ready(self) -> None:
        from omnistra.core import checks, reports  # noqa: F401  (registers the system checks)

        reports.connect()
