"""The stage: servers, tables, and a workspace with a channel for each benchmark."""

import importlib
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction

from accounts.models import User, Workspace
from channels_app.models import Channel
from omnistra.core.tenancy import workspace_scope
from tests.bench.figures import Figure
from tests.servers import Servers


def play(folder: Path, names: Sequence[str]) -> list[Figure]:
    """Start the servers, run the named benchmarks one after the other, stop everything."""
    servers = Servers(Path(settings.DATA_DIR), unsafe=False)
    figures: list[Figure] = []
    try:
        servers.start()
        call_command("migrate", verbosity=0, interactive=False)
        connections.close_all()
        for name in names:
            for figure in importlib.import_module(f"tests.bench.{name}").run(folder):
                print(figure, flush=True)
                figures.append(figure)
    finally:
        for connection in connections.all():
            connection.close()
            if getattr(connection, "pool", None):
                connection.close_pool()
        servers.stop()
    return figures


def open_workspace(slug: str) -> tuple[Workspace, Channel, User]:
    """A workspace with one connected number and its owner."""
    number = int.from_bytes(slug.encode()[:6], "big") % 10**9
    with transaction.atomic():
        owner = User.objects.create_user(f"{slug}@bench.example", "correct-horse-battery", name="Ines Prado")
        workspace = Workspace.open(slug.title(), slug, owner)
        with workspace_scope(workspace.pk):
            channel = Channel.objects.create(
                provider="whatsapp", external_id=f"21{number:010}", account_id=f"31{number:010}", name=slug.title(),
                address="+49 30 12345678", credentials={"token": "EAAG-bench"},
            )  # fmt: skip
    return workspace, channel, owner


def as_owner(sql: str) -> None:
    """Run a statement as the owner of the tables (VACUUM, ANALYZE, a copy of a table)."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql)
    connections["owner"].close()


def settle_tables() -> None:
    """What autovacuum does sooner or later, at once: each benchmark then starts from the same state."""
    as_owner("VACUUM (ANALYZE)")
