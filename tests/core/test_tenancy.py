"""Scopes: nested, rolled back, and gone when they end."""

import threading

import pytest
from django.db import DatabaseError, connection, transaction

from conversations.models import Contact
from omnistra.core.tenancy import OutsideScope, current_scope, current_workspace_id, system_scope, workspace_scope


def count() -> int:
    """The rows that the database itself lets through."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM conversations_contact")
        return cursor.fetchone()[0]


@pytest.fixture
def rows(workspace, other) -> None:
    for owner, number in ((workspace, 1), (other, 2)):
        with workspace_scope(owner.pk):
            for _ in range(number):
                Contact.objects.create()


def test_scopes_nest_and_the_outer_one_returns(workspace, other, rows):
    with workspace_scope(workspace.pk):
        assert count() == 1
        with workspace_scope(other.pk):
            assert count() == 2
            with system_scope("test"):
                assert count() == 3
            assert count() == 2
        assert count() == 1
        assert current_workspace_id() == workspace.pk
    assert current_scope() is None
    with pytest.raises(OutsideScope):
        current_workspace_id()


def test_an_error_inside_a_scope_ends_it(workspace):
    with pytest.raises(ZeroDivisionError), workspace_scope(workspace.pk):
        _ = 1 / 0
    assert current_scope() is None


def test_rolling_back_to_a_savepoint_keeps_the_scope_in_force(workspace, other, rows):
    with workspace_scope(workspace.pk):
        assert count() == 1
        with pytest.raises(DatabaseError), transaction.atomic(), workspace_scope(other.pk):
            assert count() == 2
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        assert count() == 1
        with pytest.raises(KeyError), transaction.atomic(), system_scope("test"):
            assert count() == 3
            raise KeyError
        assert count() == 1


def test_a_scope_ended_within_a_savepoint_is_taken_back(workspace, rows):
    with transaction.atomic():
        with workspace_scope(workspace.pk), transaction.atomic():
            assert count() == 1
        with pytest.raises(DatabaseError), transaction.atomic():
            count()


def test_a_pooled_connection_carries_nothing_over(committed, workspace):
    with workspace_scope(workspace.pk), transaction.atomic():
        Contact.objects.create()
        assert count() == 1
    with system_scope("test"), transaction.atomic():
        assert count() == 1
    for _ in range(3):
        connection.close()  # back into the pool, and out again
        with pytest.raises(DatabaseError), transaction.atomic():
            count()
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('role'), current_setting('omnistra.workspace', true)")
            role, setting = cursor.fetchone()
        assert role == "none" and not setting


def test_outside_a_transaction_a_scope_is_not_enough(committed, workspace):
    with workspace_scope(workspace.pk), pytest.raises(DatabaseError):
        count()


def test_a_new_thread_has_no_scope(workspace):
    seen = []
    with workspace_scope(workspace.pk):
        thread = threading.Thread(target=lambda: seen.append(current_scope()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_a_system_scope_needs_a_reason():
    with pytest.raises(ValueError, match="reason"):
        system_scope("")
