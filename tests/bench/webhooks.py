"""Webhook acknowledgement against the floor: requests per second at the maximum, p99 at 80 % of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from omnistra.embedded import environment, process
from tests.bench import stage
from tests.bench.figures import Figure

SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
CONNECTIONS = 16
ROUNDS = 3  # product and floor take turns, so that what else the machine does hits both


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(application: str, folder: Path) -> Iterator[int]:
    """An application under uvicorn as `manage.py up` runs it; gives the port."""
    port = _free_port()
    with (folder / "web.log").open("ab") as log:
        child = process.spawn(
            [
                sys.executable, "-m", "uvicorn", application, "--port", str(port), "--loop", "uvloop",
                "--http", "httptools", "--ws", "none", "--no-access-log", "--log-level", "warning",
                "--no-server-header", "--lifespan", "off",
            ],
            environ={**os.environ, "MALLOC_ARENA_MAX": "2"},
            log=log,
            cwd=environment.CHECKOUT,
        )  # fmt: skip
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                if child.poll() is not None:
                    raise RuntimeError((folder / "web.log").read_text()[-2000:]) from None
                time.sleep(0.05)
        yield port
    finally:
        process.stop(child, signal.SIGTERM, 5)


def drive(
    port: int, channel: tuple[str, str], prefix: str, rate: float = 0, seconds: float = SECONDS
) -> dict[str, float]:
    """Send for some seconds from another process."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.bench.load",
            str(port),
            str(CONNECTIONS),
            str(seconds),
            str(rate),
            prefix,
            *channel,
        ],
        cwd=environment.CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return dict(json.loads(done.stdout))


def run(folder: Path) -> list[Figure]:
    """The figures."""
    _, row, _ = stage.open_workspace("webhooks")
    channel = (row.external_id, row.account_id)
    stage.as_owner("CREATE TABLE bench_floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea NOT NULL)")
    ours, floors = [], []
    with (
        serving("omnistra.asgi:application", folder) as product,
        serving("tests.bench.floor:application", folder) as bare,
    ):
        for port, name in ((product, "w"), (bare, "f")):
            drive(port, channel, f"warm{name}", seconds=1)
        for turn in range(ROUNDS):
            ours.append(drive(product, channel, f"w{turn}-")["rate"])
            floors.append(drive(bare, channel, f"f{turn}-")["rate"])
        best = median(ours)
        steady = drive(product, channel, "steady", rate=0.8 * best)
    stage.as_owner("DROP TABLE bench_floor")
    ratio = median(mine / floor for mine, floor in zip(ours, floors, strict=True))
    return [
        Figure(
            "webhook acknowledgement against a bare view", ratio, "x", least=0.6,
            beside=f"{best:,.0f} requests/s, floor {median(floors):,.0f}",
        ),
        Figure(
            "webhook p99 at 80 % of the maximum", steady["p99"], "ms", most=250,
            beside=f"{steady['rate']:,.0f} requests/s, p50 {steady['p50']:.1f} ms",
        ),
    ]  # fmt: skip
