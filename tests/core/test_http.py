"""The only way out, against a small server on this machine."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from django.db import transaction

from omnistra.core import http

ANSWERS = {
    "/ok": b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-Name: v\r\n\r\n{"ok":true}',
    "/moved": b"HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
    "/large": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000,
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhalf",
    "/nothing": b"",
}


class Server:
    """Answers each connection once with what its path names, and counts."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.netloc = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head and (chunk := connection.recv(65536)):
                    head += chunk
                if head:
                    path = head.split(b" ")[1].decode()
                    self.seen.append(path)
                    connection.sendall(ANSWERS[path].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed by the test already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def server(settings) -> Iterator[Server]:
    running = Server()
    settings.META_GRAPH_URL = f"http://{running.netloc}"
    yield running
    running.close()


def get(url: str, **kwargs: object) -> http.Answer:
    return http.Client("meta").request("GET", url, **kwargs)


def test_a_named_address_is_called_and_its_answer_read(server):
    answer = get(f"http://{server.netloc}/ok")
    assert (answer.status, answer.json(), answer.headers["x-name"]) == (200, {"ok": True}, "v")
    assert "ok" not in repr(answer).replace("body", "")


@pytest.mark.clause("7a")
@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://example.com/",
        "https://graph.facebook.com.evil.example/",
        "https://graph.facebook.com@evil.example/",
        "file:///etc/passwd",
    ],
)
def test_a_host_outside_the_register_is_not_called(monkeypatch, url):
    def never(*args, **kwargs):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    with pytest.raises(http.EgressRefused):
        get(url)


def test_a_purpose_outside_the_register_has_no_client():
    with pytest.raises(http.EgressRefused):
        http.client("anything")


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "192.168.0.9", "172.16.0.1", "169.254.169.254", "127.0.0.1", "0.0.0.0", "::1", "fd00::1", "224.0.0.1"],
)
def test_a_listed_host_that_resolves_to_a_private_address_is_refused(monkeypatch, settings, address):
    settings.META_GRAPH_URL = "https://graph.facebook.com"
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *args, **kwargs: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
    )
    with pytest.raises(http.EgressRefused):
        get("https://graph.facebook.com/v1/me")


def test_loopback_is_open_only_where_a_setting_names_it_and_never_in_production(server, settings):
    other = Server()
    with pytest.raises(http.EgressRefused):
        get(f"http://{other.netloc}/ok")
    other.close()
    settings.ENVIRONMENT = "production"
    with pytest.raises(http.EgressRefused):
        get(f"http://{server.netloc}/ok")
    assert server.seen == other.seen == []


def test_a_redirect_is_handed_back_and_not_followed(server):
    assert get(f"http://{server.netloc}/moved").status == 302
    assert server.seen == ["/moved"]


def test_an_answer_above_the_cap_is_refused(server):
    with pytest.raises(http.AnswerTooLarge):
        get(f"http://{server.netloc}/large", max_bytes=4999)
    assert len(get(f"http://{server.netloc}/large", max_bytes=5000).body) == 5000


def test_no_call_happens_inside_a_transaction(committed, server):
    with transaction.atomic(), pytest.raises(RuntimeError, match="transaction"):
        get(f"http://{server.netloc}/ok")
    assert server.seen == []
    assert get(f"http://{server.netloc}/ok").status == 200


def test_where_nobody_listens_nothing_was_sent(server):
    server.close()
    with pytest.raises(http.NotSent):
        get(f"http://{server.netloc}/ok")


@pytest.mark.parametrize("path", ["/nothing", "/cut"])
def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown(server, path):
    with pytest.raises(http.OutcomeUnknown):
        get(f"http://{server.netloc}{path}")
    assert server.seen == [path]


@pytest.mark.clause("7a")
@pytest.mark.parametrize(
    ("host", "listed"),
    [
        ("scontent.xx.fbcdn.net", True),
        ("a.b.cdninstagram.com", True),
        ("fbcdn.net", False),
        ("evilfbcdn.net", False),
        ("fbcdn.net.evil.example", False),
        ("fbcdn.net.", False),
    ],
)
def test_an_entry_with_a_leading_dot_stands_for_the_hosts_below_it(settings, monkeypatch, host, listed):
    def unknown(*args, **kwargs):
        raise OSError("no such host")

    settings.META_FILE_HOSTS = [".fbcdn.net", ".cdninstagram.com"]
    monkeypatch.setattr(http, "vetted_address", unknown)
    with pytest.raises(http.NotSent if listed else http.EgressRefused):
        http.client("meta_files").request("GET", f"https://{host}/file")
