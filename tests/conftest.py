"""Servers, databases and the people of the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections, transaction
from django.test import TransactionTestCase

from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from omnistra.core import keyring
from omnistra.core.tenancy import workspace_scope
from tests.browser import browser  # noqa: F401  (a fixture)
from tests.servers import Servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The real PostgreSQL and Valkey of this run."""
    running = Servers(Path(settings.DATA_DIR)).start()
    try:
        yield running
    finally:
        connections.close_all()
        running.stop()


@pytest.fixture(scope="session")
def django_db_setup(servers: Servers, django_db_blocker) -> Iterator[None]:
    """The tables, made as an installation makes them: by the owner."""
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0, interactive=False)
        connections.close_all()
        yield
        for connection in connections.all():
            connection.close()
            if getattr(connection, "pool", None):
                connection.close_pool()


def truncate() -> None:
    """Empty every table, as the owner (the runtime role may not)."""
    for alias, kept in (
        ("owner", {"django_migrations", "django_content_type", "auth_permission"}),
        ("keys", {"django_migrations"}),
    ):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            names = [row[0] for row in cursor.fetchall() if row[0] not in kept]
            if names:
                cursor.execute("TRUNCATE " + ", ".join(f'"{name}"' for name in names) + " CASCADE")
        connections[alias].close()
    keyring.forget_opened_keys()


TransactionTestCase._fixture_teardown = lambda self: truncate()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every database test may use both databases; one marked `django_db(transaction=True)` really commits."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        mark = item.get_closest_marker("django_db")
        if mark is None and {"db", "workspace", "client", "owner", "live_server", "committed"} & set(names):
            item.add_marker(
                pytest.mark.django_db(
                    transaction="committed" in names or "live_server" in names,
                    databases=["default", "keys", "owner"],
                )
            )


@pytest.fixture
def committed(transactional_db) -> None:
    """This test commits for real: threads and other processes see its rows."""


@pytest.fixture(autouse=True)
def _fresh_process_memory(request) -> Iterator[None]:
    keyring.forget_opened_keys()
    yield
    if "django_db_setup" in request.fixturenames or request.node.get_closest_marker("django_db"):
        cache.clear()


@pytest.fixture
def owner(db) -> User:
    """Ines, who opened the workspace."""
    from allauth.account.models import EmailAddress

    user = User.objects.create_user("ines@northwind.example", "correct-horse-battery", name="Ines Prado")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@pytest.fixture
def workspace(owner: User) -> Workspace:
    """Northwind Tea's workspace."""
    return Workspace.open("Northwind Tea", "northwind", owner)


@pytest.fixture
def scope(workspace: Workspace) -> Iterator[Workspace]:
    """The workspace with its scope entered."""
    with workspace_scope(workspace.pk):
        yield workspace


@pytest.fixture
def member(workspace: Workspace, owner: User) -> Membership:
    """Ines as owner of the workspace."""
    return Membership.of_user(owner)[0]


@pytest.fixture
def other(db) -> Workspace:
    """A workspace that is nobody's business here."""
    stranger = User.objects.create_user("max@elsewhere.example", "correct-horse-battery", name="Max Else")
    return Workspace.open("Elsewhere Ltd", "elsewhere", stranger)


def join(workspace: Workspace, role: Role) -> User:
    """A new member with a role."""
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(f"{role}@northwind.example", "correct-horse-battery", name=f"Some {role.label}")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    with transaction.atomic(), workspace_scope(workspace.pk):
        Membership.objects.create(user=user, role=role)
    return user
