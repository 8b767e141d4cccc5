"""A stand-in for Sentry on loopback: keeps whatever is posted to it, as it came."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Sentry(ThreadingHTTPServer):
    """`dsn` is what SENTRY_DSN is set to; `posts` holds (path, headers, body); `codes` are answered before 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.codes: list[int] = []
        self.dsn = f"http://publickey@127.0.0.1:{self.server_port}/42"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def events(self) -> list[dict[str, Any]]:
        """The events of the envelopes."""
        return [json.loads(body.split(b"\n")[2]) for _, _, body in self.posts]

    def raw(self) -> bytes:
        """All that came, headers included."""
        return b"\n".join(path.encode() + repr(headers).encode() + body for path, headers, body in self.posts)

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Door(BaseHTTPRequestHandler):
    server: Sentry

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, dict(self.headers), body))
        self.send_response(self.server.codes.pop(0) if self.server.codes else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: Any) -> None:
        pass
