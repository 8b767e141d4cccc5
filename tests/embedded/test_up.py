"""`manage.py up` as a person runs it: one command, one Ctrl-C, and one crash that ends nothing."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnistra.embedded import environment, process

FROM_OUTSIDE = ("DATABASE_URL", "DATABASE_OWNER_URL", "KEYS_DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL")


@pytest.fixture
def data() -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(prefix="omnistra-"))
    base.chmod(0o755)
    yield base / "My Data"
    shutil.rmtree(base, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def up(data: Path, port: int) -> subprocess.Popen:
    inherited = {"PATH", "HOME", "LANG", "VIRTUAL_ENV"}
    environ = {name: value for name, value in os.environ.items() if name in inherited}
    return subprocess.Popen(
        [sys.executable, "manage.py", "up", "--no-demo"],
        cwd=environment.CHECKOUT,
        env={**environ, "OMNISTRA_DATA": str(data), "PORT": str(port)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def wait_for_line(running: subprocess.Popen, words: str) -> None:
    seen = ""
    assert running.stdout is not None
    for line in running.stdout:
        seen += line
        if words in line:
            return
    raise AssertionError(f"{words!r} was never said:\n{seen}")


def answers(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20) as answer:
        return answer.status == 200


def family(pid: int) -> dict[int, str]:
    """Every process below `pid`, with its command line."""
    shown = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parent_of = {int(child): int(parent) for child, parent in (line.split() for line in shown.splitlines())}
    found = {pid}
    while more := {child for child, parent in parent_of.items() if parent in found} - found:
        found |= more
    return {each: process.command_line(each) for each in found - {pid}}


def wait_until_gone(pids: list[int]) -> None:
    end = time.monotonic() + 20
    while left := [pid for pid in pids if process.command_line(pid)]:
        assert time.monotonic() < end, [process.command_line(pid) for pid in left]
        time.sleep(0.05)


def proportional_memory(pids: list[int]) -> float:
    """Megabytes, shared pages counted by their share."""
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(int(line.split()[1]) for text in rollups for line in text.splitlines() if line.startswith("Pss:")) / 1024


@pytest.mark.fault
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_one_command_starts_everything_survives_crashes_and_one_signal_ends_it(data):
    port = free_port()
    running = up(data, port)
    try:
        wait_for_line(running, "Omnistra is at")
        assert answers(port)

        members = family(running.pid)
        ours = [pid for pid, line in members.items() if "omnistra.embedded" in line or "valkey-server" in line]
        assert len(ours) == 3  # web; worker with beat; broker
        assert proportional_memory(ours) < 300

        second = up(data, free_port())
        assert "already runs on" in second.communicate(timeout=60)[0]
        other = up(data.with_name("other"), port)
        assert f"Port {port} is taken" in (said := other.communicate(timeout=60)[0])
        assert f"PORT={port + 1}" in said

        for pid in ours:
            os.kill(pid, signal.SIGKILL)
        assert answers(port)  # it waits for the new web server instead of being refused
        for _ in range(3):
            wait_for_line(running, "starting it again")
        time.sleep(1)
        members |= family(running.pid)
        begun = time.monotonic()
        running.send_signal(signal.SIGINT)
        wait_for_line(running, "stopped in")
        assert running.wait(20) == 0
        assert time.monotonic() - begun < 10
    finally:
        running.kill()
    wait_until_gone(list(members))


@pytest.mark.fault
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_second_start_is_quick_and_a_killed_parent_leaves_nothing(data):
    port = free_port()
    first = up(data, port)
    wait_for_line(first, "Omnistra is at")
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=30)

    running = up(data, port)
    begun = time.monotonic()
    wait_for_line(running, "web, worker and beat are up")
    assert answers(port)
    print(f"first page after {time.monotonic() - begun:.1f} s (bench holds the bound)")
    members = family(running.pid)
    assert len(members) > 3
    running.kill()
    running.wait()
    wait_until_gone(list(members))
