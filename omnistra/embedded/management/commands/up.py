"""`manage.py up`: the whole product on one machine, under one parent."""

import argparse
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connections

from omnistra.embedded import environment, process
from omnistra.embedded.postgres import Postgres, PostgresMissing
from omnistra.embedded.valkey import Valkey, ValkeyMissing

HOST = "127.0.0.1"
_STEADY = 30.0  # seconds after which a restarted child counts as well again


class Command(BaseCommand):
    """Private PostgreSQL and Valkey, migrations, demo workspace, web, worker and beat."""

    help = "Run Omnistra with everything it needs on this machine. Ctrl-C stops all of it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="start without the demo workspace")
        parser.add_argument("--with-parent", action="store_true", help="stop when the calling process ends")

    def handle(self, *args: Any, **options: Any) -> None:
        self.begun = time.monotonic()
        self.stopping: int | None = None
        self.servers: list[Postgres | Valkey] = []
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.port = int(os.environ["PORT"])
        self.data = settings.DATA_DIR
        self.logs = self.data / "logs"
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        if options["with_parent"] and (follow := process.die_with_parent(signal.SIGTERM, os.getppid())):
            follow()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup asks to go on
                signal.signal(number, self._asked_to_stop)
        self._claim_folder()
        self._claim_port()
        try:
            self._start(demo=not options["no_demo"])
            self._watch()
        except (PostgresMissing, ValkeyMissing) as error:
            raise CommandError(str(error)) from error
        finally:
            self._stop()

    def say(self, line: str) -> None:
        """One line for the person at the terminal."""
        self.stdout.write(f"[{time.monotonic() - self.begun:5.1f} s] {line}")
        self.stdout.flush()

    def _asked_to_stop(self, number: int, _: Any) -> None:
        if self.stopping is not None:  # the second Ctrl-C: at once
            for child in [*self.children.values(), *(each.child for each in self.servers if each.child)]:
                process.kill(child)
            os._exit(130)
        self.stopping = number

    def _claim_folder(self) -> None:
        """One `up` a data folder: a second one would take the first one's servers for left-overs. Ends with us."""
        self.lock = (self.data / "up.lock").open("a")
        for _ in range(30):  # one that was killed a moment ago may still be ending
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                time.sleep(0.1)
        raise CommandError(
            f"Omnistra already runs on {self.data}. Stop it, or choose another folder: make run OMNISTRA_DATA=var2"
        )

    def _claim_port(self) -> None:
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.listener.bind((HOST, self.port))
            self.listener.listen(1024)
        except OSError:
            raise CommandError(
                f"Port {self.port} is taken. Stop what uses it, or choose another: make run PORT={self.port + 1}"
            ) from None

    def _start(self, demo: bool) -> None:
        # The web server loads its code while the database starts, and serves once the gate opens.
        self.gate, gate = os.pipe()
        self._spawn("web")
        if not environment.is_external(os.environ, "DATABASE_URL"):
            database = Postgres(self.data)
            self.servers.append(database)
            database.start()
            elsewhere = "" if database.base.is_relative_to(self.data) else f" (its files: {database.base})"
            self.say(f"database is up{elsewhere}")
        if not all(environment.is_external(os.environ, name) for name in ("CELERY_BROKER_URL", "CACHE_URL")):
            self.servers.append(Valkey(self.data))
            self.servers[-1].start()
            self.say("broker is up")
        call_command("migrate", verbosity=0, interactive=False)
        connections.close_all()
        self.say("tables are up to date")
        os.close(gate)
        if self.stopping is None:
            self._spawn("worker")
            self._wait_for_web()
        if demo and self.stopping is None:
            call_command("demo", stdout=self.stdout)
            connections.close_all()
        if self.stopping is None:
            self.say(f"Omnistra is at {settings.BASE_URL}/  (logs in {self.logs})")
            self.stdout.write(f"         Play a customer:  {settings.BASE_URL}/sandbox/\n         Stop with Ctrl-C.")
            self.stdout.flush()

    def _spawn(self, name: str) -> None:
        inherited = [self.listener.fileno(), self.gate] if name == "web" else []
        arguments = {
            "web": ["omnistra.embedded.web", *map(str, inherited)],
            "worker": ["omnistra.embedded.worker", str(self.data / "beat-schedule")],
        }[name]
        # Few malloc arenas: threads that come and go would each keep their own share of freed memory.
        environ = {**os.environ, "MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"}
        with (self.logs / f"{name}.log").open("ab") as log:
            self.children[name] = process.spawn(
                [sys.executable, "-m", *arguments],
                environ=environ,
                log=log,
                cwd=environment.CHECKOUT,
                descriptors=inherited,
            )

    def _wait_for_web(self) -> None:
        """Until the web server has answered: the socket alone accepts before anyone serves it."""
        while self.stopping is None:
            if self.children["web"].poll() is not None:
                raise CommandError(f"The web server did not start. See {self.logs / 'web.log'}")
            try:
                with socket.create_connection((HOST, self.port), 0.3) as client:
                    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    client.settimeout(5)
                    if client.recv(1):
                        self.say("web, worker and beat are up")
                        return
            except OSError:
                pass

    def _watch(self) -> None:
        """Until asked to stop: whatever ends is started again, so that one crash does not end the product."""
        waits = dict.fromkeys(self.children, 0.2)
        started = dict.fromkeys(self.children, time.monotonic())
        while self.stopping is None:
            time.sleep(0.2)
            for server in self.servers:
                if self.stopping is None and server.child is not None and server.child.poll() is not None:
                    self.say(f"{type(server).__name__} ended by itself; starting it again")
                    server.start()
            for name, child in list(self.children.items()):
                if self.stopping is not None or child.poll() is None:
                    continue
                if time.monotonic() - started[name] > _STEADY:
                    waits[name] = 0.2
                self.say(f"{name} ended by itself ({child.returncode}); starting it again")
                time.sleep(waits[name])
                waits[name] = min(10.0, waits[name] * 2)
                started[name] = time.monotonic()
                self._spawn(name)

    def _stop(self) -> None:
        begun = time.monotonic()
        self.listener.close()
        for name in ("worker", "web"):
            if child := self.children.get(name):
                process.stop(child, signal.SIGTERM, 6)
        for server in reversed(self.servers):
            server.stop()
        if self.servers or self.children:
            self.say(f"stopped in {time.monotonic() - begun:.1f} s")
