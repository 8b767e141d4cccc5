"""Hooks the sandbox into Django: its safety check, and the webhooks that a stopped process left behind."""

from typing import Any

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    name = "channels_app.sandbox"
    label = "sandbox"
    verbose_name = "Sandbox"

    def ready(self) -> None:
        from django.core.signals import request_started

        from . import checks  # noqa: F401 - registers the check

        request_started.connect(self.resume, dispatch_uid="sandbox.resume")

    def resume(self, **_: Any) -> None:
        """On the first request that this process serves, go on with what a killed process had still to
        post. Only processes that serve pages do it: a management command must not start to play Meta."""
        from django.core.signals import request_started

        from . import courier

        request_started.disconnect(dispatch_uid="sandbox.resume")
        courier.resume()
