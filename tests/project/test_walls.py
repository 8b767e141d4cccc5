"""The two walls between workspaces, for every model there is and will be."""

import json

import pytest
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from accounts.models import AuditChain, AuditEntry, AuditHead
from omnistra.core import checks
from omnistra.core.ids import uuid7
from omnistra.core.tenancy import (
    OutsideScope,
    SystemModel,
    WorkspaceForeignKey,
    WorkspaceModel,
    system_scope,
    workspace_scope,
)
from tests.project.rows import WORKSPACE_MODELS, make

GLOBALS = {
    "accounts.User": "a person may be in several workspaces",
    "accounts.Tally": "counts tries at passwords, of addresses that nobody may have signed up with",
    "accounts.UserSession": "a person's sign-in, whatever the workspace",
    "accounts.Workspace": "the wall itself: its row is looked up before any scope",
    "accounts.AuthenticatorApp": "belongs to a person; its secret is sealed under the person's key",
    "accounts.RecoveryCodes": "belongs to a person",
    "accounts.RecoveryCode": "belongs to a person; a keyed hash",
    "accounts.Acceptance": "a person accepts terms at sign-up, before there is a workspace",
    "account.EmailAddress": "allauth: belongs to a person",
    "account.EmailConfirmation": "allauth: belongs to a person",
    "admin.LogEntry": "Django: what operators did",
    "auth.Group": "Django: operators' groups, no customer data",
    "auth.Permission": "Django: operators' permissions, no customer data",
    "contenttypes.ContentType": "Django: names of models",
    "django_otp_webauthn.WebAuthnAttestation": "django_otp_webauthn: never written",
    "django_otp_webauthn.WebAuthnCredential": "django_otp_webauthn: a person's passkey, a public key",
    "django_otp_webauthn.WebAuthnUserHandle": "django_otp_webauthn: a person's number towards authenticators",
}
APPEND_ONLY = (AuditEntry, AuditChain, AuditHead)
REFUSED = "row-level security|append-only"  # a trigger that refuses comes before the policy
SYSTEM_MODELS = [model for model in apps.get_models() if issubclass(model, SystemModel)]
REFERENCES = [
    (model, field)
    for model in WORKSPACE_MODELS
    for field in model._meta.concrete_fields
    if isinstance(field, WorkspaceForeignKey)
]
each_model = pytest.mark.parametrize("model", WORKSPACE_MODELS, ids=lambda model: model._meta.label)


def test_every_model_is_walled_or_listed_as_global_with_a_reason():
    open_models = {
        model._meta.label for model in apps.get_models() if not issubclass(model, WorkspaceModel | SystemModel)
    }
    assert open_models == set(GLOBALS), "unlisted or stale"
    assert all(GLOBALS.values())


def _policies(table: str) -> dict[str, tuple[str, ...]]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT policyname, array_to_string(roles, ','), cmd, coalesce(qual, ''), coalesce(with_check, '') "
            "FROM pg_policies WHERE schemaname = 'public' AND tablename = %s",
            [table],
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}


def _secured(table: str) -> tuple[bool, bool]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", [f'"{table}"']
        )
        return cursor.fetchone()


@each_model
def test_every_workspace_table_has_row_level_security_forced_and_both_policies(db, model):
    table = model._meta.db_table
    assert _secured(table) == (True, True)
    policies = _policies(table)
    if model in APPEND_ONLY:  # its SECURITY DEFINER functions see rows as the owner
        assert policies.pop("owner_rows")[0] == "omnistra_owner"
    assert set(policies) - {"channel_rows"} == {"workspace_rows", "system_rows"}  # tests/project/test_channel_limits.py
    roles, command, using, check = policies["workspace_rows"]
    assert (roles, command) == (settings.RUNTIME_ROLE, "ALL")
    assert "workspace_id = (current_setting('omnistra.workspace'" in using and check == using
    assert policies["system_rows"][:2] == (settings.SYSTEM_ROLE, "ALL")


@pytest.mark.parametrize("model", SYSTEM_MODELS, ids=lambda model: model._meta.label)
def test_every_system_table_is_closed_to_the_runtime_role_but_for_appending(db, model):
    assert _secured(model._meta.db_table) == (True, True)
    policies = _policies(model._meta.db_table)
    assert policies.pop("system_rows")[0] == settings.SYSTEM_ROLE
    assert {policy[1] for policy in policies.values()} <= {"INSERT"}
    with pytest.raises(OutsideScope):
        model._default_manager.count()


def _run(sql: str, *params: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount


@pytest.mark.clause("3b")
@each_model
def test_another_workspace_can_neither_see_nor_change_nor_delete_nor_plant_a_row(workspace, other, model):
    table = f'"{model._meta.db_table}"'
    with workspace_scope(workspace.pk):
        row = make(model)
        assert _run(f"SELECT 1 FROM {table} WHERE id = %s", row.pk) == 1
    with system_scope("test"), connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t WHERE id = %s", [row.pk])
        image = json.loads(cursor.fetchone()[0])
    with workspace_scope(other.pk):
        assert not model._default_manager.filter(pk=row.pk).exists()
        assert _run(f"SELECT 1 FROM {table} WHERE id = %s", row.pk) == 0
        assert _run(f"UPDATE {table} SET id = id WHERE id = %s", row.pk) == 0
        assert _run(f"DELETE FROM {table} WHERE id = %s", row.pk) == 0
        planted = json.dumps({**image, "id": str(uuid7())})
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
            _run(f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(null::{table}, %s::jsonb)", planted)
    with workspace_scope(workspace.pk):
        with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
            _run(f"UPDATE {table} SET workspace_id = %s WHERE id = %s", other.pk, row.pk)
        assert _run(f"SELECT 1 FROM {table} WHERE id = %s", row.pk) == 1


@each_model
def test_without_a_scope_the_manager_raises_and_raw_sql_fails(db, model):
    with pytest.raises(OutsideScope):
        model._default_manager.count()
    with pytest.raises(OutsideScope):
        model._base_manager.count()
    with pytest.raises(DatabaseError), transaction.atomic():
        _run(f'SELECT count(*) FROM "{model._meta.db_table}"')
        _run(f'INSERT INTO "{model._meta.db_table}" (id, workspace_id) VALUES (%s, %s)', uuid7(), uuid7())


@pytest.mark.clause("3b")
@pytest.mark.parametrize(
    ("model", "field"), REFERENCES, ids=[f"{model._meta.label}.{field.name}" for model, field in REFERENCES]
)
def test_a_row_cannot_point_into_another_workspace(workspace, other, model, field):
    with workspace_scope(other.pk):
        foreign = make(field.related_model)
    with workspace_scope(workspace.pk):
        with pytest.raises(IntegrityError), transaction.atomic():
            make(model, **{field.attname: foreign.pk})
        make(model, **{field.name: make(field.related_model)})


def test_the_runtime_role_cannot_step_around_the_walls(db):
    assert checks.runtime_role_is_weak(None, databases=["default"]) == []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit, "
            "pg_has_role(current_user, %s, 'USAGE'), pg_has_role(current_user, 'omnistra_owner', 'MEMBER'), "
            "(SELECT count(*) FROM pg_tables WHERE tableowner = current_user) "
            "FROM pg_roles WHERE rolname = current_user",
            [settings.SYSTEM_ROLE],
        )
        assert cursor.fetchone() == (settings.RUNTIME_ROLE, False, False, False, False, False, False, False, 0)
        cursor.execute(
            "SELECT rolcanlogin, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s", [settings.SYSTEM_ROLE]
        )
        assert cursor.fetchone() == (False, False, False)


@pytest.mark.parametrize(
    "sql", ["TRUNCATE conversations_message", "ALTER TABLE accounts_user DISABLE ROW LEVEL SECURITY"]
)
def test_the_runtime_role_changes_no_table(workspace, sql):
    with workspace_scope(workspace.pk), pytest.raises(DatabaseError), transaction.atomic():
        _run(sql)
