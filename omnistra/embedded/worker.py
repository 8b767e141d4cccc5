"""`python -m omnistra.embedded.worker SCHEDULE`: the worker of one machine, with beat in a thread of its own.

Celery's own `-B` forks beat: a second process of 50 MB that goes on alone when the worker is killed with -9.
"""

import os
import signal
import sys
import threading

from celery.beat import Service

from omnistra.celery import app
from omnistra.core import reports
from omnistra.core.logs import get_logger

log = get_logger(__name__)


def _beat(schedule: str) -> None:
    """Keep time until the process ends. A beat that fails ends the worker too: the supervisor starts both again."""
    try:
        Service(app, schedule_filename=schedule).start()
    except Exception as error:
        log.exception("beat.failed")
        reports.capture(error)
        reports.flush(2.0)
        os.kill(os.getpid(), signal.SIGTERM)


def main(schedule: str) -> int:
    """Work until SIGTERM; gives the exit code."""
    worker = app.Worker(
        pool="threads",
        concurrency=int(os.environ.get("WORKER_THREADS", "8")),
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    threading.Thread(target=_beat, args=(schedule,), name="beat", daemon=True).start()
    worker.start()
    return worker.exitcode or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
