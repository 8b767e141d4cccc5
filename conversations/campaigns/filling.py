"""What stands in a campaign's values for each person: {{name}}, {{first_name}}, each with another word for people whose
name is not known: {{first_name|there}}. Pure.
"""

import re
from collections.abc import Mapping

PLACES = ("name", "first_name")
_PLACE = re.compile(r"\{\{\s*([A-Za-z_]{1,30})\s*(?:\|([^{}|]{0,120}))?\}\}")


def places(values: Mapping[str, str]) -> set[str]:
    """The places that stand in the values."""
    return {match[1] for text in values.values() for match in _PLACE.finditer(text)}


def unknown(values: Mapping[str, str]) -> dict[str, str]:
    """Slot -> a place in it that nothing fills."""
    return {
        slot: match[1] for slot, text in values.items() for match in _PLACE.finditer(text) if match[1] not in PLACES
    }


def fill(values: Mapping[str, str], name: str) -> dict[str, str]:
    """The values for a person of this name ("" for one that is not known)."""
    words = " ".join(name.split())
    known = {"name": words, "first_name": words.split(" ")[0]}
    return {
        slot: _PLACE.sub(lambda match: known.get(match[1]) or (match[2] or "").strip(), text)
        for slot, text in values.items()
    }
