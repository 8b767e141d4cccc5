"""Identifiers as people see them before a reveal: enough to tell two apart, too little to write to anyone.

Whoever may see the whole of one asks for it (`reveal`), and the asking is recorded before it is answered.
"""

import re
from collections.abc import Sequence
from uuid import UUID

from accounts import audit
from accounts.audit import Actor
from conversations.models import Handle
from omnistra.core.keyring import KeyMissing
from omnistra.core.sealing import preload

# ITU-T E.164: a country code is 1 or 7, or one of these of two digits; all others have three. None begins another.
_COUNTRY = re.compile(r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9]\d\d")
_NUMBER = re.compile(r"\+?\d[\d\s().\-/\u2011]{5,}\d")  # a name that is a number
_DOT = "•"


def number(digits: str) -> str:
    """A phone number in international form: country and last two digits, "+49 ••• ••34"."""
    digits = re.sub(r"\D", "", digits)
    country = _COUNTRY.match(digits)
    if country is None or len(digits) < 7:
        return f"+{_DOT * 2} {_DOT * 3} {_DOT * 4}"
    return f"+{country[0]} {_DOT * 3} {_DOT * 2}{digits[-2:]}"


def phone(number: str) -> str:
    """A number in groups that can be read aloud: "+49 152 2881 7386"."""
    digits = number.removeprefix("+")
    country = _COUNTRY.match(digits)
    rest = digits[country.end() :] if country else ""
    fours = len(rest) % 3
    threes = len(rest) // 3 - fours
    if country is None or threes < 0:
        return f"+{digits}"
    groups = [rest[3 * each : 3 * each + 3] for each in range(threes)]
    groups += [rest[at : at + 4] for at in range(3 * threes, len(rest), 4)]
    return f"+{' '.join([country[0], *groups])}"


def handle(kind: str, value: str) -> str:
    """A handle of any kind."""
    if kind == Handle.Kind.WA_ID:
        return number(value)
    if kind == Handle.Kind.USERNAME:
        return f"@{value[:1] if len(value) > 2 else ''}{_DOT * 4}"
    return f"{_DOT * 4}{value[-2:]}" if len(value) > 6 else _DOT * 4


def name(text: str) -> str:
    """A profile name, which some people set to their number or user name: then it is masked like one."""
    plain = text.strip()
    if plain.startswith("@") and len(plain) > 1:
        return handle(Handle.Kind.USERNAME, plain[1:])
    return number(plain) if _NUMBER.fullmatch(plain) else text


def whole(row: Handle) -> str:
    """A handle as machines dial and find it. Raises KeyMissing when its contact was erased."""
    if row.kind == Handle.Kind.WA_ID:
        return f"+{row.value}"
    return f"@{row.value}" if row.kind == Handle.Kind.USERNAME else str(row.value)


def reveal(handles: Sequence[Handle], by: Actor) -> dict[UUID, str]:
    """The whole of these handles, recorded one by one, in the caller's transaction: no record, no answer. Those whose
    key is gone are left out."""
    preload(handles)
    shown: dict[UUID, str] = {}
    for row in handles:
        try:
            shown[row.pk] = whole(row)
        except KeyMissing:
            continue
        audit.record("identifier.revealed", by, row.pk)
    return shown
