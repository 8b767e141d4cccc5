"""The environment that a machine gives itself: stable secrets, addresses that survive odd paths, and outside values."""

import os
import stat
from pathlib import Path

import pytest

from omnistra.embedded import environment


def of(folder: Path, **given: str) -> dict[str, str]:
    environ = {"OMNISTRA_DATA": str(folder), **given}
    environment.apply(environ)
    return environ


def test_secrets_are_made_once_and_only_their_owner_may_read_them(tmp_path):
    first, second = of(tmp_path), of(tmp_path)
    for name in ("SECRET_KEY", "META_APP_SECRET", "INSTAGRAM_APP_SECRET", "META_VERIFY_TOKEN", "MASTER_KEY_FILE"):
        assert first[name] == second[name]
    files = list((tmp_path / "secrets").iterdir())
    assert len(files) == 5  # no half-made file is left over
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_two_data_folders_share_no_secret(tmp_path):
    one, two = of(tmp_path / "one"), of(tmp_path / "two")
    for name in ("SECRET_KEY", "META_APP_SECRET", "META_VERIFY_TOKEN"):
        assert one[name] != two[name]
    assert Path(one["MASTER_KEY_FILE"]).read_text() != Path(two["MASTER_KEY_FILE"]).read_text()


def test_what_the_environment_names_wins(tmp_path):
    given = of(tmp_path, DATABASE_URL="postgresql://elsewhere/db", SECRET_KEY="mine", PORT="8123")
    assert given["DATABASE_URL"] == "postgresql://elsewhere/db"
    assert given["SECRET_KEY"] == "mine"
    assert given["META_GRAPH_URL"] == "http://127.0.0.1:8123/sandbox/graph"
    assert environment.is_external(given, "DATABASE_URL")
    assert not environment.is_external(given, "CELERY_BROKER_URL")


def test_a_path_with_spaces_and_capitals_reaches_every_library_unharmed(tmp_path):
    import environ
    import psycopg.conninfo
    import redis

    folder = tmp_path / "My Data, 100 %"
    given = of(folder)
    sockets = environment.socket_dir(folder, "postgres")
    assert psycopg.conninfo.conninfo_to_dict(given["DATABASE_URL"])["host"] == str(sockets)
    assert environ.Env.db_url_config(given["DATABASE_URL"])["OPTIONS"]["host"] == str(sockets)
    path = redis.ConnectionPool.from_url(given["CACHE_URL"]).connection_kwargs["path"]
    assert path == str(environment.socket_dir(folder, "valkey") / "valkey.sock")
    assert environ.Env.email_url_config(given["EMAIL_URL"])["EMAIL_FILE_PATH"] == str(folder / "mail")


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_socket_path_never_exceeds_what_the_system_takes(tmp_path, name):
    deep = tmp_path / ("a" * 60) / ("b" * 60)
    folder = environment.socket_dir(deep, name)
    assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 103
    assert folder == environment.socket_dir(deep, name)
    assert folder != environment.socket_dir(deep / "other", name)


def test_a_folder_that_somebody_else_made_is_refused(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder that belongs to somebody else")
    squatted = tmp_path / "run"
    squatted.mkdir()
    os.chown(squatted, 12345, 12345)
    with pytest.raises(PermissionError, match="belongs to someone else"):
        environment.make_private(squatted)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        environment.make_private(tmp_path / "link")
