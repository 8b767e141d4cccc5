"""An S3 on loopback: moto's, behind a small HTTP server of our own (moto's own server would need Flask)."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_proxy.proxy3 import MotoRequestHandler
from werkzeug.exceptions import HTTPException

BUCKET = "omnistra-files"


class S3(ThreadingHTTPServer):
    """`endpoint` is its address; `calls` the methods and paths that came; `is_away` answers everything with 503."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.moto = MotoRequestHandler(self.server_port)
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        self.calls: list[tuple[str, str]] = []
        self.is_away = False
        self._backend = get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"]
        self._backend.reset()
        self._backend.create_bucket(BUCKET, "us-east-1")
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def objects(self) -> dict[str, bytes]:
        """Everything that the bucket holds."""
        return {name: key.value for name, key in self._backend.get_bucket(BUCKET).keys.items()}

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._backend.reset()


class _Door(BaseHTTPRequestHandler):
    server: S3

    def answer(self) -> None:
        body = self._body()
        self.server.calls.append((self.command, self.path))
        headers: dict[str, Any]
        if self.server.is_away:
            status, headers, said = 503, {}, b""
        else:
            try:
                status, headers, said = self.server.moto.parse_request(
                    self.command, "http://s3.amazonaws.com", self.path, self.headers, body
                )
            except HTTPException as error:
                status, headers, said = error.code or 500, dict(error.get_headers()), error.get_body()
        said = said.encode() if isinstance(said, str) else said
        length = {name.lower(): value for name, value in headers.items()}.get("content-length", len(said))
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "date", "server"):
                self.send_header(name, str(value))
        self.send_header("Content-Length", str(length if self.command == "HEAD" else len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = answer

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *args: Any) -> None:
        pass
