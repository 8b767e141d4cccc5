"""Makes one valid row of any workspace model, so that completeness tests cover a new model without being told."""

import os
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.utils import timezone

from accounts.models import AuditChain, AuditEntry, User
from omnistra.core.ids import uuid7
from omnistra.core.sealing import SealedBinaryField, SealedJSONField, SealedTextField
from omnistra.core.tenancy import WorkspaceForeignKey, WorkspaceModel

WORKSPACE_MODELS = sorted(
    (model for model in apps.get_models() if issubclass(model, WorkspaceModel)), key=lambda model: model._meta.label
)


# What a check constraint asks for beside a reference: (model, field) -> other values.
BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("accounts.Membership", "custom_role"): {"role": "custom"},
    ("accounts.Invitation", "custom_role"): {"role": "custom"},
}


def user() -> User:
    """A new person."""
    return User.objects.create_user(f"{uuid7()}@people.example", None, name="A Person")


def value_for(field: Any) -> Any:
    """A value that the field takes."""
    if isinstance(field, SealedTextField):
        return "x"
    if isinstance(field, SealedJSONField):
        return {}
    if isinstance(field, SealedBinaryField):
        return b"x"
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, ArrayField):
        return []
    for kind, make in (
        (models.JSONField, dict),
        (models.BooleanField, lambda: False),
        (models.UUIDField, uuid7),
        (models.BinaryField, lambda: os.urandom(16)),
        (models.DateTimeField, timezone.now),
        (models.CharField, lambda: str(uuid7())[: field.max_length]),
        (models.TextField, lambda: "x"),
        (models.IntegerField, lambda: 1),
        (models.FloatField, lambda: 1.0),
    ):
        if isinstance(field, kind):
            return make()
    raise NotImplementedError(f"tests/project/rows.py does not know {type(field).__name__}")


def _chain() -> AuditChain:
    """The database alone writes it, when an entry is chained; here before the commit that a test may never come to."""
    make(AuditEntry)
    connection.check_constraints()
    return AuditChain.objects.get()


# What a model asks for beyond the types of its fields, and models whose rows only come about by something else.
ASKED: dict[type[models.Model], dict[str, Any]] = {AuditEntry: {"action": "thing.changed", "actor_kind": "system"}}
MADE: dict[type[models.Model], Callable[[], Any]] = {AuditChain: _chain}


def make(model: type[models.Model], **given: Any) -> Any:
    """A saved row of the workspace in force; parents are made as needed."""
    if model in MADE:
        return MADE[model]()
    values = ASKED.get(model, {}) | given
    for name in given:
        values |= BESIDE.get((model._meta.label, name.removesuffix("_id")), {})
    key = model._meta.pk
    if isinstance(key, models.UUIDField) and not key.has_default():
        values.setdefault(key.name, uuid7())
    for field in model._meta.concrete_fields:
        if field.name in values or field.attname in values or field.primary_key or field.name == "workspace":
            continue
        if field.has_default() or field.null or getattr(field, "auto_now", False) or field.blank:
            continue
        if isinstance(field, WorkspaceForeignKey):
            values[field.name] = make(field.related_model)
        elif isinstance(field, models.ForeignKey) and field.related_model is User:
            values[field.name] = user()
        else:
            values[field.name] = value_for(field)
    return model._default_manager.create(**values)
