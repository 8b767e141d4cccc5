"""Error reports to the Sentry that SENTRY_DSN names: what failed where, and nothing about whom (policy clause 2c).

1. A report is built here from an allowlist: types of the errors, module, function and line of their frames, release,
   environment. No message (it may quote a row), no variable, no request, no person, no machine.
2. Sentry's Django and Celery integrations stay off: what they add to this is what must not go out. Two signals tell us
   of what nobody caught; code that goes on after an error calls `capture` itself.
3. Reports go through the one outbound client, from a thread of their own. One that cannot be sent is dropped.
"""

import atexit
import re
import sys
import time
import traceback
import uuid
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import Any

from celery.signals import task_failure
from django.conf import settings
from django.core.signals import got_request_exception

from omnistra.core import http
from omnistra.core.logs import REDACTED, get_logger

log = get_logger(__name__)
FRAMES = 50  # the innermost ones of each error
WAITING = 100  # reports; more are dropped
PAUSE_SECONDS = 60.0  # after a refusal that names no time
_NAME = re.compile(r"[A-Za-z_<][A-Za-z0-9_.<>]{0,199}\Z")  # what Python calls types, modules and functions


def capture(error: BaseException) -> None:
    """Report an error, if SENTRY_DSN is set. Returns at once; never raises."""
    if settings.SENTRY_DSN:
        try:
            _sender(settings.SENTRY_DSN).submit(event(error))
        except Exception as trouble:  # a report must not become the second failure
            log.warning("report.not_made", error=type(trouble).__name__)


def flush(seconds: float) -> None:
    """Wait until what was captured is sent, at most so long."""
    if settings.SENTRY_DSN:
        _sender(settings.SENTRY_DSN).flush(seconds)


def event(error: BaseException) -> dict[str, Any]:
    """All that a report says of an error, in Sentry's form."""
    from sentry_sdk.utils import walk_exception_chain

    chain = [
        {
            "type": _name(kind.__qualname__),
            "module": _name(kind.__module__),
            "stacktrace": {"frames": _frames(trace)},
        }
        for kind, _, trace in walk_exception_chain((type(error), error, error.__traceback__))
    ]
    return {
        "event_id": uuid.uuid4().hex,
        "timestamp": datetime.now(UTC).isoformat(),
        "platform": "python",
        "level": "error",
        "release": settings.RELEASE,
        "environment": settings.ENVIRONMENT,
        "exception": {"values": chain[::-1]},  # Sentry wants the cause first
    }


def _frames(trace: TracebackType | None) -> list[dict[str, Any]]:
    found = [
        {
            "module": _name(frame.f_globals.get("__name__")),
            "function": _name(frame.f_code.co_name),
            "lineno": line,
        }
        for frame, line in traceback.walk_tb(trace)
    ]
    return found[-FRAMES:]


def _name(value: object) -> str:
    return value if isinstance(value, str) and _NAME.match(value) else REDACTED


class _Sender:
    """Sends reports to one Sentry, one after the other, in a thread that starts with the first."""

    def __init__(self, dsn: str) -> None:
        from sentry_sdk.utils import Dsn
        from sentry_sdk.worker import BackgroundWorker

        auth = Dsn(dsn).to_auth("omnistra")
        self._url = auth.get_api_url()
        self._headers = {"X-Sentry-Auth": auth.to_header(), "Content-Type": "application/x-sentry-envelope"}
        self._worker = BackgroundWorker(WAITING)
        self._quiet_until = 0.0
        atexit.register(self.flush, 2.0)

    def submit(self, report: dict[str, Any]) -> None:
        self._worker.submit(lambda: self._send(report))

    def flush(self, seconds: float) -> None:
        self._worker.flush(seconds)

    def _send(self, report: dict[str, Any]) -> None:
        from sentry_sdk.envelope import Envelope

        if time.monotonic() < self._quiet_until:
            return
        envelope = Envelope(headers={"event_id": report["event_id"], "sent_at": report["timestamp"]})
        envelope.add_event(report)  # type: ignore[arg-type]  # Sentry's own type wants a datetime
        try:
            answer = http.client("reports").request("POST", self._url, data=envelope.serialize(), headers=self._headers)
        except (http.EgressRefused, OSError) as error:
            self._rest(PAUSE_SECONDS)
            log.warning("report.not_sent", error=type(error).__name__)
            return
        if answer.status >= 400:
            named = answer.headers.get("retry-after", "")
            self._rest(float(named) if named.isascii() and named.isdigit() else PAUSE_SECONDS)
            log.warning("report.refused", status=answer.status)

    def _rest(self, seconds: float) -> None:
        self._quiet_until = time.monotonic() + min(seconds, 3600.0)


@cache
def _sender(dsn: str) -> _Sender:
    return _Sender(dsn)


def _request_failed(sender: object, request: object = None, **kwargs: object) -> None:
    """Django's signal, sent while the error that no view caught is being handled."""
    if (error := sys.exc_info()[1]) is not None:
        capture(error)


def _task_failed(exception: BaseException | None = None, **kwargs: object) -> None:
    """Celery's signal for a task that ended with an error."""
    if exception is not None:
        capture(exception)


def connect() -> None:
    """Listen for what nobody catches (called when the app is ready)."""
    got_request_exception.connect(_request_failed, dispatch_uid="omnistra.core.reports")
    task_failure.connect(_task_failed, weak=False, dispatch_uid="omnistra.core.reports")
