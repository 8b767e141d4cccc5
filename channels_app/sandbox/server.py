"""The sandbox on an address of its own, without the product around it: `python -m
channels_app.sandbox.server`.

For tests and for the fault test: a product that is killed with -9 must not take Meta with it. Serves the
same views in threads, without the product's middleware and without any of its databases."""

import argparse
import sys
import threading
from http.server import HTTPServer
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src "
    "'self' blob:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Application(WSGIHandler):
    """Django with the sandbox's routes alone and with no middleware."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(self._routed)

    def _routed(self, request: HttpRequest) -> HttpResponseBase:
        request.urlconf = "channels_app.sandbox.alone"
        response: HttpResponse = self._get_response(request)  # type: ignore[attr-defined]
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        HTTPServer.server_bind(self)
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A line that was cut, or a caller that hung up, is no news."""


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Addresses of calls may hold tokens: nothing is logged."""

    def address_string(self) -> str:
        return str(self.client_address[0])

    def get_environ(self) -> dict[str, Any]:
        return super().get_environ() | {"REMOTE_PORT": str(self.client_address[1])}


class StandIn:
    """The sandbox, serving in a thread: `with StandIn() as meta: meta.url`."""

    def __init__(self, port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.set_app(Application())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sandbox", daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def graph_url(self) -> str:
        """What META_GRAPH_URL is set to."""
        return f"{self.url}/sandbox/graph"

    def start(self) -> "StandIn":
        """Begin to serve."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving, and stop posting webhooks in this process."""
        from . import courier

        courier.stop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> "StandIn":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def main() -> None:
    """Serve until Ctrl-C, with the settings that DJANGO_SETTINGS_MODULE names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8100)
    options = parser.parse_args()
    django.setup()
    from . import courier

    courier.resume()
    stand_in = StandIn(options.port)
    sys.stdout.write(f"Sandbox: {stand_in.url}/sandbox/  Graph: {stand_in.graph_url}\n")
    sys.stdout.flush()
    stand_in.start()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        stand_in.stop()


if __name__ == "__main__":
    main()
