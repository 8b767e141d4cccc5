"""The shared cache: its absence is a miss, never an error."""

import pytest
from django.core.cache import caches


@pytest.fixture
def away(settings):
    """A cache whose server is not there."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/valkey.sock"}}
    return caches.create_connection("default")


def test_without_its_server_the_cache_is_empty_and_takes_what_it_is_given(away):
    away.set("a", 1)
    assert away.get("a") is None and away.get("a", "instead") == "instead"
    assert away.add("a", 1) is True and away.has_key("a") is False
    assert away.get_many(["a", "b"]) == {} and away.set_many({"a": 1}) == []
    assert away.delete("a") is False and away.touch("a") is False
    away.delete_many(["a"])
    with pytest.raises(ValueError, match="away"):
        away.incr("a")


def test_with_its_server_it_keeps_what_it_is_given(servers):
    here = caches["default"]
    here.set("forgiving", 41, 30)
    assert here.incr("forgiving") == 42 and here.get("forgiving") == 42
    here.delete("forgiving")
    assert here.get("forgiving") is None
