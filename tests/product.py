"""The product as processes: web servers and a worker on this run's servers, to be used and killed from outside."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Product:
    """Web, sandbox (a web process of its own, so that killing the product leaves the platform standing) and worker."""

    def __init__(self, logs: Path, **environ: str) -> None:
        self.logs = logs
        self.port, self.platform_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "omnistra.settings.test",
            "PORT": str(self.port),
            "BASE_URL": self.url,
            "META_GRAPH_URL": f"http://127.0.0.1:{self.platform_port}/sandbox/graph",
            "INSTAGRAM_GRAPH_URL": f"http://127.0.0.1:{self.platform_port}/sandbox/graph",
            "META_FILE_HOSTS": f"127.0.0.1:{self.platform_port}",
            **environ,
        }
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start `web`, `platform` or `worker` and wait until the ports answer."""
        for name in names:
            with (self.logs / f"{name}.log").open("ab") as log:
                self.children[name] = subprocess.Popen(
                    self._command(name), cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
                )
        for name in names:
            if name != "worker":
                self._wait(self.port if name == "web" else self.platform_port)

    def _command(self, name: str) -> list[str]:
        if name == "worker":
            options = ["-P", "threads", "-c", "4", "-B", "-l", "WARNING", "-s", str(self.logs / "beat")]
            return [sys.executable, "-m", "celery", "-A", "omnistra", "worker", *options, "--without-mingle"]
        port = self.port if name == "web" else self.platform_port
        options = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--no-access-log"]
        return [sys.executable, "-m", "uvicorn", "omnistra.asgi:application", *options]

    def _wait(self, port: int) -> None:
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"Nothing answers on port {port}; see {self.logs}")

    def kill(self, name: str) -> None:
        """kill -9."""
        self._end(name, signal.SIGKILL)

    def _end(self, name: str, number: int) -> None:
        child = self.children.pop(name, None)
        if child is not None:
            try:
                os.killpg(child.pid, number)
            except ProcessLookupError:
                pass
            child.wait(20)

    def stop(self) -> None:
        """End everything that was started."""
        for name in list(self.children):
            self._end(name, signal.SIGKILL)
