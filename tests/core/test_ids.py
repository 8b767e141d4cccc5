"""UUIDv7."""

from datetime import UTC, datetime, timedelta

from omnistra.core.ids import time_of, uuid7, uuid7_at


def test_ids_are_version_seven_and_grow_with_time():
    made = [uuid7() for _ in range(50)]
    assert {each.version for each in made} == {7}
    assert len(set(made)) == 50
    moment = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
    later = [uuid7_at(moment + timedelta(milliseconds=number)) for number in range(50)]
    assert later == sorted(later)


def test_an_id_tells_when_it_was_made():
    moment = datetime(2026, 11, 24, 6, 0, 1, 234000, tzinfo=UTC)
    assert time_of(uuid7_at(moment)) == moment
    assert abs(time_of(uuid7()) - datetime.now(UTC)) < timedelta(seconds=5)
