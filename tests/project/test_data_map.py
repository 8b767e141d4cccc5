"""Every model is in the data map, and every field that could hold something of a person is classified."""

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from omnistra.core.sealing import SealedField
from privacy.registry import HOLDINGS

WITHOUT_PEOPLE = {
    "auth.Group": "names that operators give to groups",
    "auth.Permission": "names of permissions, made by Django",
    "contenttypes.ContentType": "names of models, made by Django",
}
TELLING = (
    models.CharField, models.TextField, models.GenericIPAddressField, models.JSONField, models.BinaryField,
    models.FileField, ArrayField, SealedField,
)  # fmt: skip
HOLDING = sorted(HOLDINGS.values(), key=lambda holding: holding.model._meta.label)
each_holding = pytest.mark.parametrize("holding", HOLDING, ids=lambda holding: holding.model._meta.label)


@pytest.mark.clause("1a")
def test_every_model_is_in_the_data_map_or_excused_with_a_reason():
    known = {model._meta.label for model in HOLDINGS} | set(WITHOUT_PEOPLE)
    assert known == {model._meta.label for model in apps.get_models()}, "missing or stale"


@pytest.mark.clause("1a")
@each_holding
def test_every_telling_field_is_classified_once_and_no_entry_is_stale(holding):
    fields = {field.name: field for field in holding.model._meta.concrete_fields}
    telling = {name for name, field in fields.items() if isinstance(field, TELLING) and not field.primary_key}
    personal, clear = set(holding.personal), set(holding.clear)
    assert not personal & clear
    assert telling <= personal | clear, "unclassified"
    assert personal | clear <= set(fields), "stale"
    assert {name for name in fields if isinstance(fields[name], SealedField)} <= personal, "sealed, so personal"


@pytest.mark.clause("3a")
@each_holding
def test_every_personal_field_has_a_purpose_and_a_legal_basis_and_every_model_an_end(holding):
    assert holding.role in ("controller", "processor")
    assert holding.retention
    for purpose, basis in holding.personal.values():
        assert purpose and basis


@pytest.mark.clause("2c")
@each_holding
def test_what_end_users_said_or_are_called_is_sealed_or_hashed(holding):
    if holding.role != "processor":
        return
    for name in holding.personal:
        field = holding.model._meta.get_field(name)
        assert isinstance(field, models.BinaryField), f"{holding.model._meta.label}.{name} holds plain text"
