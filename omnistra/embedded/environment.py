"""The environment of a machine that runs everything itself: addresses of the private servers, secrets of its own.

Standard library only: settings read this before Django exists. What the environment already names wins.
"""

import base64
import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, MutableMapping
from pathlib import Path
from urllib.parse import quote, urlsplit

CHECKOUT = Path(__file__).resolve().parents[2]
_ROOTS_SERVERS = Path("/var/lib/omnistra")
_SOCKET_LIMIT = 80  # a socket's path may have 104 to 108 bytes; its file name takes the rest


def data_dir(environ: MutableMapping[str, str]) -> Path:
    """The folder of databases, files, secrets and logs (OMNISTRA_DATA, default `var` in the checkout)."""
    return Path(environ.get("OMNISTRA_DATA") or CHECKOUT / "var").resolve()


def server_dir(data: Path, name: str) -> Path:
    """The folder of a private server.

    PostgreSQL refuses to run as root and then runs as `nobody`. Where that user cannot pass the folders above ours (a
    checkout in a 0700 home), its folder lies under /var/lib/omnistra; permissions of folders that are not ours are
    never changed.
    """
    folder = data / name
    if name != "postgres" or os.geteuid() != 0:
        return folder
    elsewhere = _ROOTS_SERVERS / f"{name}-{_digest(folder)}"
    closed = any(each.exists() and not each.stat().st_mode & 0o001 for each in data.parents)
    return elsewhere if closed or elsewhere.exists() else folder


def socket_dir(data: Path, name: str) -> Path:
    """Where a server's socket lies: in its folder, or in a short folder of our own where that path is too long."""
    folder = server_dir(data, name) / "run"
    if len(os.fsencode(folder)) <= _SOCKET_LIMIT:
        return folder
    return Path(tempfile.gettempdir()) / f"omnistra-{os.getuid()}-{_digest(folder)}"


def make_private(folder: Path, owner: int | None = None) -> None:
    """Make a 0700 folder of ours, or of the user `owner`. Raises PermissionError when somebody else's is in the way."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), owner):
        raise PermissionError(f"{folder} belongs to someone else. Remove it, or set OMNISTRA_DATA to another folder.")


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _secret(path: Path, make: Callable[[], str]) -> str:
    """The text of a secret file, made once; two processes that start together agree on one."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        try:
            os.link(fresh, path)  # fails when another process was first
        except FileExistsError:
            pass
        fresh.unlink()
    return path.read_text()


def _database(data: Path, role: str, name: str) -> str:
    return f"postgresql://{role}@/{name}?host={quote(str(socket_dir(data, 'postgres')), safe='')}"


def apply(environ: MutableMapping[str, str]) -> None:
    """Complete `environ` with what a self-contained installation needs."""
    data = data_dir(environ)
    port = environ.get("PORT") or "8000"
    secret = data / "secrets"
    valkey = f"{socket_dir(data, 'valkey')}/valkey.sock"
    defaults: dict[str, Callable[[], str]] = {
        "OMNISTRA_DATA": lambda: str(data),
        "PORT": lambda: port,
        "DATABASE_URL": lambda: _database(data, "omnistra_runtime", "omnistra"),
        "DATABASE_OWNER_URL": lambda: _database(data, "omnistra_owner", "omnistra"),
        "KEYS_DATABASE_URL": lambda: _database(data, "omnistra_owner", "omnistra_keys"),
        "CELERY_BROKER_URL": lambda: f"redis+socket://{quote(valkey)}",
        "CACHE_URL": lambda: f"unix://{quote(valkey)}",
        "BASE_URL": lambda: f"http://127.0.0.1:{port}",
        "META_GRAPH_URL": lambda: f"http://127.0.0.1:{port}/sandbox/graph",
        "INSTAGRAM_GRAPH_URL": lambda: environ["META_GRAPH_URL"],  # the sandbox plays both
        "META_FILE_HOSTS": lambda: urlsplit(environ["META_GRAPH_URL"]).netloc,
        "INSTAGRAM_API_URL": lambda: f"http://127.0.0.1:{port}/sandbox/instagram",
        "META_LOGIN_URL": lambda: f"http://127.0.0.1:{port}/sandbox/login",
        "INSTAGRAM_LOGIN_URL": lambda: f"http://127.0.0.1:{port}/sandbox/login",
        "META_APP_ID": lambda: "880011223344556",
        "INSTAGRAM_APP_ID": lambda: "880011223344557",
        "META_SIGNUP_CONFIG_ID": lambda: "880011223344558",
        "STORAGE_URL": lambda: f"file://{quote(str(data / 'files'))}",
        "EMAIL_URL": lambda: f"filemail:///{quote(str(data / 'mail'))}",
        "SECRET_KEY": lambda: _secret(secret / "secret_key", lambda: secrets.token_urlsafe(64)),
        "META_APP_SECRET": lambda: _secret(secret / "meta_app_secret", lambda: secrets.token_hex(16)),
        "INSTAGRAM_APP_SECRET": lambda: _secret(secret / "instagram_app_secret", lambda: secrets.token_hex(16)),
        "META_VERIFY_TOKEN": lambda: _secret(secret / "meta_verify_token", lambda: secrets.token_urlsafe(24)),
    }
    for name, value in defaults.items():
        if not environ.get(name):
            environ[name] = value()
    if not environ.get("MASTER_KEY_FILE"):
        path = secret / "master.key"
        _secret(path, lambda: base64.b64encode(os.urandom(32)).decode() + "\n")
        environ["MASTER_KEY_FILE"] = str(path)


def is_external(environ: MutableMapping[str, str], name: str) -> bool:
    """Whether a server was given from outside, by a URL that is not the one of the private server."""
    private: MutableMapping[str, str] = {
        key: value for key, value in environ.items() if key in ("OMNISTRA_DATA", "PORT", "MASTER_KEY_FILE")
    }
    apply(private)
    return environ.get(name, private[name]) != private[name]
