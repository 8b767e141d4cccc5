"""What ingest hands on: rooms that act on updates of their own kind say so here when the app starts (apps.py).

Each is called once a batch, in the workspace's scope and inside the transaction that stores it, so what it writes is
written with the rest or not at all.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

from channels_app.contract import AccountEvent, Consent
from channels_app.models import Channel
from conversations.models import Message

ACCOUNT_EVENTS: list[Callable[[UUID, Sequence[tuple[AccountEvent, Channel]]], object]] = []
CONSENTS: list[Callable[[UUID, Sequence[tuple[Consent, UUID, Channel]]], object]] = []  # with the contact
HEARD: list[Callable[[UUID, Sequence[Message]], object]] = []  # new messages of people; history and standby not
