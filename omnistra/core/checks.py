"""System checks that refuse an unsafe production, and say what to do."""

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.db import connections


def _production() -> bool:
    return settings.ENVIRONMENT == "production"


@register(Tags.security)
def secrets_are_set(app_configs: Any, **kwargs: Any) -> list[Error]:
    """Every secret that production needs is there, and none is a weak one."""
    if not _production():
        return []
    found = []
    required = {
        "SECRET_KEY": "50 random characters or more",
        "MASTER_KEY_FILE": "a file with 32 random bytes as base64, readable by this service alone",
        "META_APP_SECRET": "the app secret of your Meta app",
        "META_VERIFY_TOKEN": "the verify token that you gave Meta",
        "CACHE_URL": "the Valkey or Redis for cache and live events",
        "CELERY_BROKER_URL": "the broker of the background jobs",
    }
    for number, (name, hint) in enumerate(required.items(), start=1):
        if not getattr(settings, name, ""):
            found.append(Error(f"{name} is not set.", hint=f"Set it to {hint}.", id=f"omnistra.E{number:03}"))
    if settings.INSTAGRAM_APP_ID and not settings.INSTAGRAM_APP_SECRET:
        found.append(
            Error(
                "INSTAGRAM_APP_SECRET is not set.",
                hint="Set it to the secret of the Instagram app (it is not the Meta app's), or unset INSTAGRAM_APP_ID.",
                id="omnistra.E012",
            )
        )
    if settings.SECRET_KEY and len(settings.SECRET_KEY) < 50:
        found.append(Error("SECRET_KEY is too short.", hint="Use 50 random characters.", id="omnistra.E010"))
    path = Path(settings.MASTER_KEY_FILE) if settings.MASTER_KEY_FILE else None
    if path and (not path.is_file() or path.stat().st_mode & 0o077):
        found.append(
            Error("MASTER_KEY_FILE is missing or readable by others.", hint="chmod 600 it.", id="omnistra.E011")
        )
    return found


@register(Tags.security)
def surface_is_closed(app_configs: Any, **kwargs: Any) -> list[Error]:
    """Nothing that belongs to development is on."""
    if not _production():
        return []
    found = []
    if settings.DEBUG:
        found.append(Error("DEBUG is on.", hint="Never switch it on in production.", id="omnistra.E020"))
    if settings.SANDBOX:
        found.append(Error("The sandbox is on.", hint="It exists for local and test only.", id="omnistra.E021"))
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        found.append(Error("ALLOWED_HOSTS is open.", hint="Name your hosts.", id="omnistra.E022"))
    if not settings.BASE_URL.startswith("https://"):
        found.append(Error("BASE_URL is not https.", hint="Serve the product by TLS.", id="omnistra.E023"))
    if not settings.META_GRAPH_URL.startswith("https://"):
        found.append(Error("META_GRAPH_URL is not https.", hint="Leave it unset.", id="omnistra.E024"))
    if not settings.INSTAGRAM_GRAPH_URL.startswith("https://"):
        found.append(Error("INSTAGRAM_GRAPH_URL is not https.", hint="Leave it unset.", id="omnistra.E026"))
    if settings.SENTRY_DSN and not re.fullmatch(r"https://\w+@[\w.:-]+(/[\w./-]*)?/\d+", settings.SENTRY_DSN):
        found.append(
            Error(
                "SENTRY_DSN is no DSN of an https address.",
                hint="Copy it as Sentry shows it (https://<key>@<host>/<project>), or leave it unset.",
                id="omnistra.E025",
            )
        )
    return found


@register(Tags.database)
def runtime_role_is_weak(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[Error]:
    """The role that serves cannot step around row-level security: no superuser, no owner, no inherited system role."""
    if not databases or "default" not in databases:
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolbypassrls, pg_has_role(current_user, %s, 'USAGE'), "
            "EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user) "
            "FROM pg_roles WHERE rolname = current_user",
            [settings.SYSTEM_ROLE],
        )
        powerful, inherits, owns = cursor.fetchone()
    if powerful or inherits or owns:
        return [
            Error(
                "DATABASE_URL names a role that row-level security does not bind.",
                hint="Use the runtime role: no superuser, no BYPASSRLS, no owner of tables, and NOINHERIT for the "
                "system role (docs/architecture.md, Roles).",
                id="omnistra.E030",
            )
        ]
    return []
