"""The time at which something is to go out, as a form gives it: a date and time of the time zone that the page names."""

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from conversations import scheduled
from conversations.replies import Refused


def read(text: str) -> datetime | None:
    """The moment, or None for an empty field. Raises Refused for nonsense, the past and the far future."""
    if not text.strip():
        return None
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise Refused("time_not_valid", "This is no date and time.", "Write it as 2027-03-12 14:05.")
    moment = found if timezone.is_aware(found) else timezone.make_aware(found)
    scheduled.check_time(moment)
    return moment


def field(moment: datetime) -> str:
    """A moment as the form's field has it."""
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")
