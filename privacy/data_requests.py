"""Data requests as they come in from outside: one open request for a person and a source, whatever is repeated.

A request is stored before anybody looks whether something is stored about the person, so the answer tells nothing of
that, neither by its words nor by its time (providers/whatsapp.md 17).
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from omnistra.core.tenancy import system_scope
from privacy.models import DataRequest

KEEP_RECORDS = timedelta(days=396)  # 13 months, as the audit log


def receive(type: str, source: str, subject_hash: bytes) -> DataRequest:
    """The open request of this person, a new one if there is none. The same queries whoever asks."""
    with transaction.atomic(), system_scope("privacy.receive_request"):
        while True:  # once, unless the open one is settled between these two queries
            row = DataRequest(type=type, source=source, subject_hash=subject_hash)
            DataRequest.objects.bulk_create([row], ignore_conflicts=True)
            rows = DataRequest.objects.filter(type=type, source=source, state=DataRequest.State.OPEN)
            if request := rows.filter(subject_hash=subject_hash).first():
                return request  # type: ignore[no-any-return]


def open_ones(limit: int = 200) -> list[DataRequest]:
    """Those that wait to be carried out, the oldest first."""
    with transaction.atomic(), system_scope("privacy.open_requests"):
        return list(DataRequest.objects.filter(state=DataRequest.State.OPEN).order_by("received_at")[:limit])


def find(code: str) -> DataRequest | None:
    """The request that a code names."""
    with transaction.atomic(), system_scope("privacy.request_state"):
        return DataRequest.objects.filter(code=code).first()


def settle(request: DataRequest, erased: int) -> None:
    """It is done; told twice changes nothing."""
    with transaction.atomic(), system_scope("privacy.settle_request"):
        DataRequest.objects.filter(pk=request.pk, state=DataRequest.State.OPEN).update(
            state=DataRequest.State.DONE, done_at=timezone.now(), erased=erased, subject_hash=None
        )


def forget_old() -> int:
    """Delete those whose time is over; gives how many."""
    with transaction.atomic(), system_scope("privacy.forget_requests"):
        return int(DataRequest.objects.filter(done_at__lt=timezone.now() - KEEP_RECORDS).delete()[0])
