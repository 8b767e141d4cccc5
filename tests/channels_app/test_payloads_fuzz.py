"""Whatever bytes are signed, no parser raises, each gives values that the database takes, and a bad part costs none of its
neighbours. Every provider of the registry, with every payload file of its folder: a new one joins by being there.
"""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels_app.contract import Parsed
from channels_app.registry import PROVIDERS

FILES = Path(__file__).parent / "providers"
# Lists whose elements stand for themselves. Others (contacts, attachments) say something of the elements around them.
ELEMENTS = {
    "entry", "changes", "messages", "statuses", "message_echoes", "state_sync", "user_preferences", "threads", "history",
    "messaging", "standby",
}  # fmt: skip
MORE = settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
hostile = st.sampled_from([
    "\x00", "a\x00b", "\ud800", "x" * 70_000, "\u202e", 10**400, -1, 2**63, 1e400, float("nan"), "9" * 5000, "٣" * 10, "",
    [], {}, [[]], {"id": {"id": {}}}, True, None,
])  # fmt: skip
hostile = hostile.map(copy.deepcopy)  # a mutation may write into what an earlier one put there
json_values = hostile | st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def payloads(slug: str) -> dict[str, Any]:
    """The payload files of a provider by name, as JSON."""
    return {path.stem: json.loads(path.read_bytes()) for path in sorted((FILES / slug / "payloads").glob("*.json"))}


WITH_FILES = [slug for slug in PROVIDERS if payloads(slug)]


def dump(payload: Any) -> bytes:
    return json.dumps(payload).encode()


def storable(value: Any) -> None:
    """The value, and what is in it, is of the kinds that the database and JSON take."""
    if isinstance(value, str):
        assert "\x00" not in value
        value.encode()
    elif is_dataclass(value):
        for each in fields(value):
            storable(getattr(value, each.name))
    elif isinstance(value, dict):
        for key, each in value.items():
            assert isinstance(key, str)
            storable(key)
            storable(each)
        if not any(isinstance(each, datetime) for each in value.values()):
            json.dumps(value, allow_nan=False)
    elif isinstance(value, list | tuple):
        for each in value:
            storable(each)
    elif isinstance(value, datetime):
        assert value.utcoffset() is not None
    else:
        assert value is None or isinstance(value, bool | int | float)


def read(slug: str, body: bytes) -> Parsed:
    """Parse, and see that what comes out is usable."""
    found = PROVIDERS[slug].parse(body)
    assert isinstance(found, Parsed)
    for problem in found.problems:
        assert problem.reason.replace("_", "").isalnum() and problem.reason.isascii(), problem
        assert problem.reason != "unreadable", "a case that nobody thought of stopped at the last wall alone"
    for update in found.updates:
        storable(update)
        person = getattr(update, "person", None)
        assert person is None or set(person.handles) - {"username"}, "somebody whom nobody could find again"
        assert getattr(update, "external_id", "-") or type(update).__name__ in ("Watermark", "PersonChange")
        assert getattr(update, "target", "-")
    return found


def lost(wanted: Parsed, found: Parsed) -> list[Any]:
    """The updates of one parse that another one lacks."""
    rest = list(found.updates)
    missing = []
    for update in wanted.updates:
        if update in rest:
            rest.remove(update)
        else:
            missing.append(update)
    return missing


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from places(each, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def lists_of_elements(payload: Any) -> list[tuple[Any, ...]]:
    """The ways to the lists whose elements stand for themselves."""
    return [path for path in places(payload) if path[-1] in ELEMENTS and isinstance(at(payload, path), list)]


@st.composite
def mutated(draw: Callable[..., Any], payload: Any) -> Any:
    """The same with one to three values replaced, removed, doubled or renamed."""
    changed = copy.deepcopy(payload)
    for _ in range(draw(st.integers(1, 3))):
        ways = list(places(changed))
        if not ways:
            break
        *before, key = draw(st.sampled_from(ways))
        holder = at(changed, tuple(before))
        act = draw(st.sampled_from(["replace", "replace", "remove", "double", "wrap"]))
        if act == "replace":
            holder[key] = draw(json_values)
        elif act == "wrap":
            holder[key] = draw(st.sampled_from([lambda each: [each], lambda each: {"id": each}]))(holder[key])
        elif act == "remove":
            del holder[key]
        elif isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        else:
            holder[draw(st.text(max_size=8))] = copy.deepcopy(holder[key])
    return changed


@pytest.mark.parametrize("slug", PROVIDERS)
@MORE
@given(body=st.binary(max_size=200))
def test_any_bytes(slug, body):
    read(slug, body)


@pytest.mark.parametrize("slug", PROVIDERS)
@MORE
@given(payload=json_values)
def test_any_json(slug, payload):
    read(slug, dump(payload))


def test_the_providers_of_meta_bring_payload_files():
    assert "whatsapp" in WITH_FILES


@pytest.mark.parametrize("slug", WITH_FILES)
def test_every_payload_file_is_read(slug):
    for payload in payloads(slug).values():
        read(slug, dump(payload))


@pytest.mark.parametrize("slug", WITH_FILES)
def test_each_value_of_each_file_may_be_missing_or_of_another_kind(slug):
    for payload in payloads(slug).values():
        for path in list(places(payload)):
            holder, key = at(payload, path[:-1]), path[-1]
            kept = holder[key]
            for other in (None, 7, "x", [], {}, [None], {"x": 1}, "\x00\ud800"):
                holder[key] = other
                read(slug, dump(payload))
            holder[key] = kept


@pytest.mark.parametrize("slug", WITH_FILES)
def test_what_is_no_element_costs_no_neighbour(slug):
    for name, payload in payloads(slug).items():
        whole = read(slug, dump(payload))
        for path in lists_of_elements(payload):
            elements = at(payload, path)
            for junk in (None, 7, "x", [], {}, {"id": {}, "type": [], "field": {}, "value": 7}):
                for place in (0, len(elements)):
                    elements.insert(place, junk)
                    assert not lost(whole, read(slug, dump(payload))), (name, path, junk)
                    del elements[place]


@pytest.mark.parametrize("slug", WITH_FILES)
@MORE
@given(data=st.data())
def test_a_mutated_file_raises_nothing(slug, data):
    payload = data.draw(st.sampled_from(list(payloads(slug).values())))
    read(slug, dump(data.draw(mutated(payload))))


@pytest.mark.parametrize("slug", WITH_FILES)
@MORE
@given(data=st.data())
def test_a_mutated_neighbour_costs_nothing(slug, data):
    """Beside its own elements, each list of a file gets a mutated one: of its own, or of the same list of another file."""
    files = payloads(slug)
    payload = data.draw(st.sampled_from([each for each in files.values() if lists_of_elements(each)]))
    whole = read(slug, dump(payload))
    path = data.draw(st.sampled_from(lists_of_elements(payload)))
    strangers = [
        element
        for other in (payload, data.draw(st.sampled_from(list(files.values()))))
        for way in lists_of_elements(other)
        if way[-1] == path[-1]
        for element in at(other, way)
    ] or [{}]
    stranger = data.draw(mutated(data.draw(st.sampled_from(strangers))))
    elements = at(payload, path)
    elements.insert(data.draw(st.integers(0, len(elements))), stranger)
    assert not lost(whole, read(slug, dump(payload)))
