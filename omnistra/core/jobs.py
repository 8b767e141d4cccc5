"""Background jobs. The broker carries wake-ups only: what there is to do stands in the database, so a lost, doubled
or late task changes nothing but the delay.

1. A workspace job takes ids, enters the workspace's scope and is idempotent.
2. Enqueuing happens on commit and never fails the caller: a sweep finds what a lost wake-up left.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

from celery import current_app, shared_task
from django.core.cache import cache
from django.db import transaction

from omnistra.core.logs import get_logger
from omnistra.core.tenancy import workspace_scope

log = get_logger(__name__)
JOBS: dict[str, str] = {}  # name -> "workspace" | "periodic"; the completeness test reads it


class Job(Protocol):
    """A function with a way to run it in the background."""

    def __call__(self, *args: Any) -> Any: ...

    def enqueue(self, *args: Any) -> None:
        """Wake the job once the transaction has committed."""


def _publish(name: str, args: tuple[Any, ...]) -> None:
    try:
        current_app.send_task(name, args=args, ignore_result=True, retry=False)
    except Exception as error:  # any broker trouble: the sweep does it
        log.warning("job.not_published", job=name, error=type(error).__name__)


def workspace_job(name: str) -> Callable[[Callable[..., Any]], Any]:
    """A job of one workspace: `fn(*ids)` runs in that workspace's scope; enqueue as `fn.enqueue(workspace_id, *ids)`."""

    def wrap(fn: Callable[..., Any]) -> Any:
        JOBS[name] = "workspace"

        @functools.wraps(fn)
        def run(workspace_id: str, *args: str) -> None:
            with workspace_scope(UUID(workspace_id)):
                result = fn(*(UUID(arg) for arg in args))
            log.info("job.done", job=name, count=result if isinstance(result, int) else None)

        shared_task(name=name, ignore_result=True, acks_late=True)(run)

        def enqueue(workspace_id: UUID, *args: UUID) -> None:
            payload = (str(workspace_id), *(str(arg) for arg in args))
            transaction.on_commit(lambda: _publish(name, payload), robust=True)

        fn.enqueue = enqueue  # type: ignore[attr-defined]
        return fn

    return wrap


class _Turn:
    """One run of a job at a time in this process. Who comes meanwhile only asks the running one to look once more, so
    a slow platform or a burst of wake-ups takes one of the worker's threads and not all of them."""

    def __init__(self) -> None:
        self._again = False
        self._lock = threading.Lock()

    def take(self, work: Callable[[], None]) -> None:
        self._again = True
        while self._again and self._lock.acquire(blocking=False):
            try:
                self._again = False
                work()
            finally:
                self._lock.release()


def periodic_job(name: str, exclusive_seconds: int = 0) -> Callable[[Callable[..., Any]], Any]:
    """A job of the installation, run by beat or woken; one run at a time in each process. With `exclusive_seconds` one
    at a time everywhere, and the next may start after that time at the latest (a killed run must not hold the place for
    ever)."""

    def wrap(fn: Callable[[], Any]) -> Any:
        JOBS[name] = "periodic"
        turn = _Turn()

        def work() -> None:
            place = f"job:{name}"
            if exclusive_seconds and not cache.add(place, 1, timeout=exclusive_seconds):
                return
            try:
                result = fn()
            finally:
                if exclusive_seconds:
                    cache.delete(place)
            if result:
                log.info("job.done", job=name, count=result if isinstance(result, int) else None)

        @functools.wraps(fn)
        def run() -> None:
            turn.take(work)

        shared_task(name=name, ignore_result=True)(run)
        fn.enqueue = lambda: transaction.on_commit(lambda: wake(name), robust=True)  # type: ignore[attr-defined]
        return fn

    return wrap


class _Waker:
    """One thread a process that publishes wake-ups, at most one a job and 50 ms: a burst of webhooks costs one task,
    and a request never waits for the broker."""

    def __init__(self) -> None:
        self._wanted: set[str] = set()
        self._signal = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self, name: str) -> None:
        if name in self._wanted:
            return
        with self._lock:
            self._wanted.add(name)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="waker", daemon=True)
                self._thread.start()
        self._signal.set()

    def _run(self) -> None:
        while True:
            self._signal.wait()
            self._signal.clear()
            with self._lock:
                names, self._wanted = self._wanted, set()
            for name in sorted(names):
                _publish(name, ())
            threading.Event().wait(0.05)


_waker = _Waker()


def wake(name: str) -> None:
    """Ask a worker to run a periodic job soon. Returns at once; never raises."""
    _waker.wake(name)
