"""A whole installation at rest: memory of its processes, and how long the second start takes to the first page."""

import http.client
import os
import signal
import sys
import time
from pathlib import Path

from omnistra.embedded import environment, process
from tests.bench.figures import Figure
from tests.bench.webhooks import _free_port

REST = 10.0  # seconds


def run(folder: Path) -> list[Figure]:
    """The figures."""
    data = folder / "rest"
    _start(data, folder)
    took, memory = _start(data, folder, rest=REST)
    parts = ", ".join(f"{name} {size:.0f}" for name, size in sorted(memory.items()))
    ours = sum(memory[name] for name in ("web", "worker with beat", "broker"))
    return [
        Figure("second start to the first page", took, "s", most=3, beside="manage.py up on an existing folder"),
        Figure("memory at rest (PSS)", ours, "MB", most=300, beside=f"web, worker, beat, broker; all: {parts}"),
    ]


def _start(data: Path, folder: Path, rest: float = 0) -> tuple[float, dict[str, float]]:
    """Start, wait for the first page, rest, measure, stop."""
    port = _free_port()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    environ = {**kept, "PORT": str(port), "OMNISTRA_DATA": str(data), "PYTHONUNBUFFERED": "1"}
    begun = time.perf_counter()
    with (folder / "up.log").open("ab") as log:
        child = process.spawn([sys.executable, "manage.py", "up"], environ=environ, log=log, cwd=environment.CHECKOUT)
    try:
        while not _page(port):
            if child.poll() is not None or time.perf_counter() - begun > 120:
                raise RuntimeError((folder / "up.log").read_text()[-2000:])
            time.sleep(0.02)
        took = time.perf_counter() - begun
        if not rest:
            time.sleep(5)  # the demo is made after the first page
            return took, {}
        time.sleep(rest)
        return took, _memory(child.pid)
    finally:
        process.stop(child, signal.SIGTERM, 30)


def _page(port: int) -> bool:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        client.request("GET", "/accounts/login/")
        return client.getresponse().status == 200
    except OSError:
        return False
    finally:
        client.close()


def _memory(parent: int) -> dict[str, float]:
    """PSS in MB of the processes below `parent`, by what they are (pages that processes share count once)."""
    names = {"omnistra.embedded.web": "web", "omnistra.embedded.worker": "worker with beat", "valkey": "broker"}
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    below = {parent}
    while more := {pid for pid, above in parents.items() if above in below} - below:
        below |= more
    memory: dict[str, float] = {}
    for pid in below:
        try:
            line = process.command_line(pid)
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        size = next(int(row.split()[1]) for row in rollup.splitlines() if row.startswith("Pss:")) / 1024
        name = next((each for mark, each in names.items() if mark in line), "up" if pid == parent else "database")
        memory[name] = memory.get(name, 0) + size
    return memory
