"""The sandbox answers anyone and holds plaintext: it may never stand in a real installation."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

SAFE_ENVIRONMENTS = frozenset({"local", "test"})


def permitted() -> bool:
    """Whether this installation is one in which the sandbox may exist."""
    return getattr(settings, "ENVIRONMENT", "production") in SAFE_ENVIRONMENTS


@register(Tags.security)
def refuse_in_production(**_: Any) -> list[CheckMessage]:
    """`sandbox.E001` when SANDBOX is on in anything but a local or test environment."""
    if getattr(settings, "SANDBOX", False) and not permitted():
        return [
            Error(
                "SANDBOX is on outside a local or test environment.",
                hint="The sandbox lets anyone write as any customer. Remove SANDBOX from these settings.",
                id="sandbox.E001",
            )
        ]
    return []
