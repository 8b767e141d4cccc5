"""The fixtures of the Meta conformance cases: ids, secrets and "now", payload files, signatures, and a Graph API that
answers what a test says."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

APP_ID, APP_SECRET, VERIFY_TOKEN = "880011223344556", "omnistra-meta-test-secret", "vt-3f9c1a-omnistra"
INSTAGRAM_SECRET = "omnistra-ig-test-secret"
NOW = datetime.fromtimestamp(1795000003, UTC)

WABA, NUMBER_A, NUMBER_B = "310000000000101", "210000000000501", "210000000000502"  # W1
PAGE, INSTAGRAM = "110000000000901", "17841400000000901"
WABA_2, NUMBER_C = "310000000000202", "210000000000777"  # W2
PAGE_2, INSTAGRAM_2 = "110000000000902", "17841400000000902"

LENA, LENA_WA, LENA_BSUID, LENA_USERNAME = "Lena Fields", "491701112233", "DE.7011223344556677", "lena.fields"
LENA_PSID, LENA_IGSID = "6100000000000123", "9200000000000123"

HERE = Path(__file__).parent


def payload(slug: str, name: str) -> bytes:
    """The bytes of a payload file, named without its ending."""
    return (HERE / slug / "payloads" / f"{name}.json").read_bytes()


def sign(body: bytes, secret: str = APP_SECRET) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Call:
    """A request that the fake Graph API got."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Graph(ThreadingHTTPServer):
    """Answers with `answers` in order, and with the last of them from then on: (status, JSON or bytes, headers), or None
    for a connection that breaks without an answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.calls: list[Call] = []
        self.answers: list[tuple[int, Any] | tuple[int, Any, dict[str, str]] | None] = []
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}"


class _Door(BaseHTTPRequestHandler):
    server: Graph

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        self.server.calls.append(Call(self.command, parts.path, parse_qs(parts.query), dict(self.headers), body))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.close_connection = True
        if answer is None:
            return
        status, content, *more = answer
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in (more[0] if more else {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _do

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@contextmanager
def graph_at(settings: Any) -> Iterator[Graph]:
    """A fake Graph API which the settings name, for calls and for files."""
    server = Graph()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    settings.META_GRAPH_URL = settings.INSTAGRAM_GRAPH_URL = server.url
    settings.META_MEDIA_HOSTS = settings.META_FILE_HOSTS = [server.host]
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def error(code: int, subcode: int = 0, message: str = "Meta says no.") -> dict[str, Any]:
    """An error as the Graph API words it."""
    body: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AxQ7"}
    return {"error": body | ({"error_subcode": subcode} if subcode else {})}


def parsed(parse: Callable[[bytes], Any], slug: str, name: str) -> Any:
    """The only update of a payload file that has no problem."""
    found = parse(payload(slug, name))
    assert not found.problems, found.problems
    (update,) = found.updates
    return update
