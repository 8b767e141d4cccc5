"""The journal is short-lived and unreadable without its keys (policy clause 4a)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from channels_app import jobs, webhooks
from channels_app.models import RawEvent
from omnistra.core import keyring
from omnistra.core.tenancy import system_scope

pytestmark = [pytest.mark.django_db(databases=["default", "keys"]), pytest.mark.clause("4a")]
BODY = b'{"text": "the password is lyrebird"}'


def rows() -> list[RawEvent]:
    with transaction.atomic(), system_scope("test"):
        return list(RawEvent.objects.all())


def at(moment: datetime, monkeypatch) -> None:
    """Receive the body then."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return moment

    monkeypatch.setattr(webhooks, "datetime", Clock)
    webhooks.append("whatsapp", BODY + str(moment).encode())
    monkeypatch.undo()


def test_meta_180_nothing_in_the_journal_is_older_than_seven_days_and_its_keys_go_with_it(monkeypatch):
    now = datetime.now(UTC)
    at(now - timedelta(days=8), monkeypatch)
    at(now - timedelta(days=6), monkeypatch)
    old, new = sorted(rows(), key=lambda row: row.received_at)
    assert jobs.forget_raw_events() == 1
    assert [row.pk for row in rows()] == [new.pk]
    # A copy of the old row, from a backup say, cannot be opened any more; the new one can.
    assert keyring.available({keyring.key_id(bytes(old.body))}) == {}
    key = keyring.key_id(bytes(new.body))
    assert keyring.available({key})[key].open(bytes(new.body), webhooks.place("whatsapp", new.pk)).startswith(BODY)


def test_meta_180_the_journal_holds_no_plain_text(monkeypatch):
    at(datetime.now(UTC), monkeypatch)
    with connection.cursor() as cursor, system_scope("test"):
        cursor.execute("SELECT channels_app_rawevent::text FROM channels_app_rawevent")
        (line,) = (row[0] for row in cursor.fetchall())
    assert "lyrebird" not in line and b"lyrebird".hex() not in line
