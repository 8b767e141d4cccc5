"""The threads that post webhooks and move statuses on. They start when there is work, end when there is
none, and run in whichever process serves the sandbox.

This is the other side of the product's wall: it calls the product with `requests` itself and is no client
of the product's egress register, just as Meta's servers are none."""

import os
import threading
import time

import requests
from django.conf import settings

from . import accounts, envelopes, outgoing, statuses, templates, world

THREADS = 4
TIMEOUT = 10.0  # seconds that the product has to answer
IDLE = 4.0  # seconds without work after which a thread ends
AGENT = "facebookexternalua"

_lock = threading.Lock()
_changed = threading.Condition(_lock)
_threads: list[threading.Thread] = []
_stopping = threading.Event()


def wake() -> None:
    """There is (or will be) something to do: see that threads run, and rouse them."""
    with _changed:
        _threads[:] = [each for each in _threads if each.is_alive()]
        while len(_threads) < THREADS and not _stopping.is_set():
            thread = threading.Thread(target=_run, name="sandbox-courier", daemon=True)
            _threads.append(thread)
            thread.start()
        _changed.notify_all()


def resume() -> None:
    """Go on with what an earlier process left, if anything."""
    if world.exists() and (_next_step() is not None or outgoing.waiting()):
        wake()


def stop() -> None:
    """End the threads of this process and wait for them; what is queued stays queued."""
    _stopping.set()
    with _changed:
        running = list(_threads)
        _changed.notify_all()
    for each in running:
        each.join(TIMEOUT + 5)
    _stopping.clear()


def settled(timeout: float) -> bool:
    """Wait until nothing is queued and no step is due any more; False when `timeout` seconds were not
    enough."""
    end = time.monotonic() + timeout
    # Steps before webhooks, the way that work moves: the other way round a step could slip past in between.
    while _next_step() is not None or outgoing.waiting():
        if time.monotonic() > end:
            return False
        wake()
        time.sleep(0.02)
    return True


def post(session: requests.Session, url: str, body: bytes, signer: str = "meta") -> tuple[int, str]:
    """Post one signed body; gives the HTTP status (0: no answer) and the error."""
    key = settings.META_APP_SECRET if signer == "meta" else accounts.instagram_secret()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "X-Hub-Signature-256": envelopes.sign(body, key),
    }
    try:
        answer = session.post(url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        return 0, type(error).__name__
    return answer.status_code, ""


def _next_step() -> float | None:
    """When the earliest planned step of a message or a template is due."""
    return min((at for at in (statuses.next_step(), templates.next_step()) if at is not None), default=None)


def _run() -> None:
    session = requests.Session()
    session.trust_env = False  # no proxy between the sandbox and this machine
    process, idle_since = os.getpid(), time.monotonic()
    while not _stopping.is_set() and os.getpid() == process:
        if statuses.step() or templates.step():
            idle_since = time.monotonic()
            continue
        if webhook := outgoing.claim():
            began = time.perf_counter()
            code, error = post(session, webhook["url"], webhook["body"], webhook["signer"])
            outgoing.settle(webhook, code, error, (time.perf_counter() - began) * 1000)
            idle_since = time.monotonic()
            continue
        times = [at for at in (outgoing.next_due(), _next_step()) if at is not None]
        if not times and time.monotonic() - idle_since > IDLE:
            with _changed:
                if threading.current_thread() in _threads:
                    _threads.remove(threading.current_thread())
            if outgoing.next_due() is not None:  # queued in the moment before this thread left the list
                wake()
            break
        with _changed:
            _changed.wait(max(0.01, min(1.0, *(at - time.time() for at in times), 1.0)))
    session.close()
    world.close()
