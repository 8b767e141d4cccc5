"""WhatsApp's payload files, parsed as the product does it."""

from typing import Any

from channels_app.contract import Parsed
from channels_app.providers.whatsapp.payloads import parse
from tests.channels_app.providers.meta import APP_ID, LENA_BSUID, LENA_USERNAME, LENA_WA, payload

LENA_HANDLES = {"wa_id": LENA_WA, "bsuid": LENA_BSUID, "username": LENA_USERNAME}
TARGET = "wamid.HBgMNDkxNzAxMTEyMjMzFQIAEhgURkU4REYxQTVBMTk4MDQ5M0NBOTQA"  # what edits, marks and revokes are about


def read(name: str) -> Parsed:
    """What a payload file holds."""
    return parse(payload("whatsapp", name), own_app=APP_ID)


def only(name: str) -> Any:
    """The one update of a payload file without problems."""
    found = read(name)
    assert not found.problems, found.problems
    (update,) = found.updates
    return update


def reasons(found: Parsed) -> list[str]:
    """The problems, as code words."""
    return [problem.reason for problem in found.problems]
