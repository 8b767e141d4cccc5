"""Children that do not outlive their parent, whatever ends it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_PR_SET_PDEATHSIG = 1
# Reads from a pipe that only the parent can write to. The pipe's end means that the parent is gone.
_WATCHDOG = 'read -r line || kill -"$1" "$2"'


def die_with_parent(signal_number: int, parent: int) -> Callable[[], None] | None:
    """What a process does first so that the kernel sends it `signal_number` when `parent` dies (Linux, else None)."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal_number)  # runs after setuid, which would clear it
        if os.getppid() != parent:  # the parent died in between
            os._exit(1)

    return prepare


def spawn(
    arguments: Sequence[str | Path],
    *,
    environ: Mapping[str, str] | None = None,
    log: IO[Any] | int | None = None,
    user: tuple[int, int] | None = None,
    cwd: str | Path = "/",
    death_signal: int = signal.SIGTERM,
    descriptors: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, out of reach of the terminal's Ctrl-C.

    It gets `death_signal` when the thread that called this ends, so call it from the main thread. `user` is
    (uid, gid); `descriptors` stay open in the child.
    """
    demote: dict[str, Any] = {"user": user[0], "group": user[1], "extra_groups": []} if user else {}
    prepare = die_with_parent(death_signal, os.getpid())
    child = subprocess.Popen(
        [str(argument) for argument in arguments],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=dict(environ) if environ is not None else None,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=prepare,
        pass_fds=tuple(descriptors),
        **demote,
    )
    if prepare is None:
        watch(child.pid, death_signal)
    return child


def watch(pid: int, death_signal: int) -> subprocess.Popen[bytes]:
    """A shell that sends `death_signal` to `pid` when this process ends: for systems without PR_SET_PDEATHSIG."""
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCHDOG, "watchdog", str(int(death_signal)), str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def command_line(pid: int) -> str:
    """The command line of a process, "" where there is none."""
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    shown = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout


def reap(pid: int, mark: str, signal_number: int) -> None:
    """End a server that a dead parent left, known by `mark` in its command line, and wait; never another process."""
    if not pid or mark not in command_line(pid):
        return
    try:
        os.kill(pid, signal_number)
        for _ in range(1000):
            if mark not in command_line(pid):
                return
            time.sleep(0.02)
    except ProcessLookupError:
        pass


def stop(child: subprocess.Popen[bytes], signal_number: int = signal.SIGTERM, seconds: float = 10) -> bool:
    """Ask a child to end and wait; kill its session when it does not. Gives whether it ended by itself."""
    if child.poll() is not None:
        return True
    child.send_signal(signal_number)
    try:
        child.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        kill(child)
        return False


def kill(child: subprocess.Popen[bytes]) -> None:
    """End a child and its session at once."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()
