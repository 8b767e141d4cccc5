"""Sealed values and files: what opens, and what must not."""

import base64
import io
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from conversations.models import Contact, Handle
from omnistra.core import keyring, sealing
from omnistra.core.ids import uuid7
from omnistra.core.keyring import KeyMissing, SealBroken
from omnistra.core.tenancy import workspace_scope


def raw(table: str, column: str, pk: object) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM "{table}" WHERE id = %s', [pk])
        return bytes(cursor.fetchone()[0])


def put(table: str, column: str, pk: object, value: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{table}" SET "{column}" = %s WHERE id = %s', [value, pk])


@pytest.fixture
def contact(scope) -> Contact:
    return Contact.objects.create(name="Lena Fields")


@pytest.mark.clause("2c")
def test_a_value_is_sealed_in_the_database_and_opens_in_its_place(contact):
    assert b"Lena" not in raw("conversations_contact", "name", contact.pk)
    assert Contact.objects.get(pk=contact.pk).name == "Lena Fields"
    assert "Lena" not in repr(Contact.objects.get(pk=contact.pk).__dict__)


def test_a_value_that_was_moved_to_another_row_does_not_open(contact):
    second = Contact.objects.create(name="Someone Else")
    put("conversations_contact", "name", second.pk, raw("conversations_contact", "name", contact.pk))
    with pytest.raises(SealBroken):
        _ = Contact.objects.get(pk=second.pk).name


def test_a_value_that_was_moved_to_another_column_of_the_same_contact_does_not_open(contact):
    handle = Handle.objects.create(
        contact=contact, provider="whatsapp", kind="wa_id", value="491701112233", value_hash=b"h" * 16
    )
    put("conversations_handle", "value", handle.pk, raw("conversations_contact", "name", contact.pk))
    with pytest.raises(SealBroken):
        _ = Handle.objects.get(pk=handle.pk).value


@pytest.mark.parametrize("position", [0, 1, 17, 30, -1])
def test_an_altered_value_does_not_open(contact, position):
    value = bytearray(raw("conversations_contact", "name", contact.pk))
    value[position] ^= 1
    put("conversations_contact", "name", contact.pk, bytes(value))
    with pytest.raises((SealBroken, KeyMissing)):
        _ = Contact.objects.get(pk=contact.pk).name


@pytest.mark.parametrize("value", [b"", b"\x01", b"plain text that was never sealed at all, not even once"])
def test_what_was_never_sealed_does_not_open(contact, value):
    put("conversations_contact", "name", contact.pk, value)
    with pytest.raises(SealBroken):
        _ = Contact.objects.get(pk=contact.pk).name


def test_a_destroyed_key_closes_what_it_sealed_and_nothing_else(contact):
    second = Contact.objects.create(name="Someone Else")
    assert keyring.destroy_contact_keys(contact.workspace_id, [contact.pk]) == 1
    rows = list(Contact.objects.all())
    sealing.preload(rows)
    with pytest.raises(KeyMissing):
        _ = Contact.objects.get(pk=contact.pk).name
    assert Contact.objects.get(pk=second.pk).name == "Someone Else"


def test_after_a_rotation_old_and_new_values_open_and_look_ups_go_on(contact):
    before = sealing.blind(contact.workspace_id, "handle", "x")
    old = keyring.workspace_key(contact.workspace_id)
    assert keyring.rotate_workspace_key(contact.workspace_id).id != old.id
    keyring.forget_opened_keys()
    assert Contact.objects.get(pk=contact.pk).name == "Lena Fields"
    assert sealing.blind(contact.workspace_id, "handle", "x") == before
    contact.name = "Lena Meadows"
    contact.save()
    keyring.forget_opened_keys()
    assert Contact.objects.get(pk=contact.pk).name == "Lena Meadows"
    assert keyring.load([old.id])[old.id].secret == old.secret


def test_a_second_master_key_opens_what_the_first_one_wrapped(contact, settings, tmp_path):
    old = keyring.master_keys()[0].secret
    path = tmp_path / "master"
    path.write_text("\n".join(base64.b64encode(secret).decode() for secret in (os.urandom(32), old)))
    settings.MASTER_KEY_FILE = str(path)
    keyring.forget_opened_keys()
    assert Contact.objects.get(pk=contact.pk).name == "Lena Fields"
    path = tmp_path / "wrong"
    path.write_text(base64.b64encode(os.urandom(32)).decode())
    settings.MASTER_KEY_FILE = str(path)
    keyring.forget_opened_keys()
    with pytest.raises(KeyMissing):
        _ = Contact.objects.get(pk=contact.pk).name


@pytest.mark.clause("2c")
def test_a_plain_value_can_never_be_bound_to_a_query(contact):
    with pytest.raises(TypeError, match="sealed"):
        Contact.objects.filter(pk=contact.pk).update(name="plain")
    with pytest.raises(TypeError, match="sealed"):
        list(Contact.objects.filter(name="Lena Fields"))


def test_blind_hashes_differ_by_workspace_and_purpose(workspace, other):
    hashes = {sealing.blind(owner.pk, purpose, "49170") for owner in (workspace, other) for purpose in ("a", "b")}
    assert len(hashes) == 4
    assert sealing.blind(workspace.pk, "a", "49170") in hashes


def test_a_sealed_value_tells_nothing_when_printed(contact):
    stored = Contact.objects.get(pk=contact.pk).__dict__["name"]
    assert repr(stored) == str(stored) == f"{stored}" == "<sealed>"
    assert "secret" not in repr(keyring.workspace_key(contact.workspace_id))


@pytest.fixture
def key(workspace) -> keyring.Key:
    return keyring.workspace_key(workspace.pk)


def sealed_file(key: keyring.Key, plain: bytes) -> bytes:
    target = io.BytesIO()
    assert sealing.seal_file(key, b"place", io.BytesIO(plain), target) == len(plain)
    return target.getvalue()


def opened(stored: bytes, start: int = 0, end: int | None = None, place: bytes = b"place") -> bytes:
    return b"".join(sealing.SealedFile(io.BytesIO(stored), len(stored), place).chunks(start, end))


@pytest.mark.parametrize("size", [0, 1, sealing.FRAME - 1, sealing.FRAME, sealing.FRAME + 1, 3 * sealing.FRAME + 7])
def test_files_of_any_size_open_whole_and_by_range(key, size):
    plain = os.urandom(size)
    stored = sealed_file(key, plain)
    assert sealing.SealedFile(io.BytesIO(stored), len(stored), b"place").size == size
    assert opened(stored) == plain
    for start, end in ((0, 1), (5, 9), (sealing.FRAME - 1, sealing.FRAME + 1), (size // 2, None), (0, size + 99)):
        assert opened(stored, start, end) == plain[start:end]


def test_a_file_that_was_cut_altered_reordered_or_moved_does_not_open(key):
    frame = sealing.FRAME + 16
    stored = sealed_file(key, os.urandom(3 * sealing.FRAME))
    header, frames = stored[:25], [stored[25 + n * frame : 25 + (n + 1) * frame] for n in range(3)]
    altered = bytearray(stored)
    altered[100] ^= 1
    for broken in (
        header + frames[0] + frames[1],
        stored[:-1],
        header + frames[1] + frames[0] + frames[2],
        bytes(altered),
        b"",
        b"no sealed file at all, just bytes",
    ):
        with pytest.raises(SealBroken):
            opened(broken)
    with pytest.raises(SealBroken):
        opened(stored, place=b"elsewhere")


def test_a_race_for_a_new_contacts_key_has_one_winner(committed, workspace):
    contact = uuid7()

    def make(_: int) -> bytes:
        keyring.forget_opened_keys()
        try:
            return keyring.contact_keys(workspace.pk, [contact])[contact].secret
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(24)))) == 1


def test_a_race_of_rotations_leaves_every_value_readable(committed, workspace):
    from django.db import transaction

    with workspace_scope(workspace.pk), transaction.atomic():
        contact = Contact.objects.create(name="Lena Fields")

    def rotate(_: int) -> None:
        try:
            keyring.rotate_workspace_key(workspace.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(rotate, range(4)))
    keyring.forget_opened_keys()
    with workspace_scope(workspace.pk), transaction.atomic():
        assert Contact.objects.get(pk=contact.pk).name == "Lena Fields"
