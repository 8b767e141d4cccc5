"""The only way out: every outgoing HTTP call of the product goes through a client named in the egress register.

1. A host that the register does not list is not called (policy clause 7a: only subprocessors under contract).
2. Private and local addresses are refused, and the vetted address is the one connected to. Under local and test
   settings an address that a setting names may be a loopback one.
3. No redirects, time limits and a cap on the answer always; never inside a transaction.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from django.conf import settings
from django.db import connection
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
MAX_ANSWER = 1024 * 1024


class EgressRefused(RuntimeError):
    """The host is not in the egress register, or its address is private: nothing was sent."""


class NotSent(OSError):
    """No connection came about: the request certainly did not reach the other side."""


class OutcomeUnknown(OSError):
    """The connection broke after the request may have been sent: nobody knows whether it had an effect."""


class AnswerTooLarge(OSError):
    """The answer is larger than allowed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `status`, `headers` (lower-case names), `body`."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON, or None where it is none."""
        try:
            return requests.models.complexjson.loads(self.body)
        except ValueError:
            return None


def _meta_hosts() -> set[str]:
    graphs = {urlsplit(url).netloc for url in (settings.META_GRAPH_URL, settings.INSTAGRAM_GRAPH_URL)}
    return graphs | set(settings.META_MEDIA_HOSTS)


def _meta_file_hosts() -> set[str]:
    """Where Meta keeps the files of Messenger and Instagram: a leading dot stands for every host below. Nothing secret is
    sent there."""
    return set(settings.META_FILE_HOSTS)


def _meta_login_hosts() -> set[str]:
    """Where codes are exchanged for tokens (channels_app.login)."""
    urls = (settings.META_GRAPH_URL, settings.INSTAGRAM_GRAPH_URL, settings.INSTAGRAM_API_URL)
    return {urlsplit(url).netloc for url in urls}


def _report_hosts() -> set[str]:
    """The host of the error reports (core.reports), without the key in front of it; none while they are off."""
    return {urlsplit(settings.SENTRY_DSN).netloc.rpartition("@")[2]} - {""}


def _own_hosts() -> set[str]:
    """This installation, as seen from outside (core.doctor)."""
    return {urlsplit(settings.BASE_URL).netloc}


# Purpose -> the hosts (host or host:port) that may be called for it. The one register of what leaves.
REGISTER: dict[str, Callable[[], set[str]]] = {
    "meta": _meta_hosts,
    "meta_files": _meta_file_hosts,
    "meta_login": _meta_login_hosts,
    "reports": _report_hosts,
    "self": _own_hosts,
}


def _loopback_allowed(host: str, port: int) -> bool:
    named = {netloc for hosts in REGISTER.values() for netloc in hosts()}
    return settings.ENVIRONMENT in ("local", "test") and f"{host}:{port}" in named


def vetted_address(host: str, port: int) -> str:
    """The address of `host` to connect to. Raises EgressRefused when it is not a public one, OSError if unknown."""
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        ip = ipaddress.ip_address(str(address[0]).split("%")[0])
        if ip.is_global and not ip.is_multicast:
            continue
        if ip.is_loopback and _loopback_allowed(host, port):
            continue
        raise EgressRefused(f"The address of {host} is not a public one.")
    return str(address[0])


class _Pinned(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        host, port = self._dns_host, self.port or self.default_port  # type: ignore[attr-defined]
        try:
            return socket.create_connection((vetted_address(host, port), port), timeout=self.timeout)  # type: ignore[arg-type]
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connecting took too long") from error
        except OSError as error:
            raise NewConnectionError(self, "no connection") from error


class _PinnedTLS(_Pinned, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Pinned


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _PinnedTLS


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        self.poolmanager = PoolManager(num_pools=args[0], maxsize=args[1], block=kwargs.get("block", False))
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}


def _parts(url: str) -> SplitResult:
    """The parts of an address that every library reads alike. Raises EgressRefused for one that they may read
    differently: in `https://evil.example\\@listed.example/` the library that connects sees another host than we do."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (raises for one that is no port)
    except ValueError as error:
        raise EgressRefused("This is no address.") from error
    if "\\" in url or " " in url or "@" in parts.netloc or not url.isprintable():
        raise EgressRefused("This is no plain address.")
    return parts


def _listed(parts: SplitResult, hosts: set[str]) -> bool:
    host = parts.hostname or ""
    return (
        parts.netloc in hosts or host in hosts or any(each[0] == "." and host.endswith(each) for each in hosts if each)
    )


class Client:
    """Calls for one purpose of the egress register."""

    def __init__(self, purpose: str) -> None:
        self.purpose = purpose
        self._session = requests.Session()
        self._session.trust_env = False
        adapter = _Adapter(pool_connections=4, pool_maxsize=16, max_retries=0)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def _check(self, url: str) -> None:
        parts = _parts(url)
        if not _listed(parts, REGISTER[self.purpose]()):
            raise EgressRefused(f"{parts.hostname} is not in the egress register for {self.purpose}.")
        if parts.scheme != "https" and not _loopback_allowed(parts.hostname or "", parts.port or 80):
            raise EgressRefused(f"{parts.hostname} must be called by https.")
        if any(not block._from_testcase for block in connection.atomic_blocks):  # type: ignore[attr-defined]
            raise RuntimeError("No network call inside a transaction: commit first.")

    @contextmanager
    def stream(
        self, method: str, url: str, *, read_seconds: float = READ_SECONDS, **kwargs: Any
    ) -> Iterator[requests.Response]:
        """The raw response, body unread. Raises EgressRefused, NotSent, OutcomeUnknown."""
        self._check(url)
        try:
            response = self._session.request(
                method,
                url,
                allow_redirects=False,
                stream=True,
                timeout=(CONNECT_SECONDS, read_seconds),
                **kwargs,
            )
        except requests.ConnectTimeout as error:
            raise NotSent("connecting took too long") from error
        except requests.ConnectionError as error:
            reason = getattr(error.args[0], "reason", None) if error.args else None
            if isinstance(reason, NewConnectionError):
                raise NotSent("no connection") from error
            raise OutcomeUnknown("the connection broke") from error
        except requests.RequestException as error:
            raise OutcomeUnknown("the call ended without an answer") from error
        try:
            yield response
        except requests.RequestException as error:
            raise OutcomeUnknown("the answer broke off") from error
        finally:
            response.close()

    def request(self, method: str, url: str, *, max_bytes: int = MAX_ANSWER, **kwargs: Any) -> Answer:
        """One call with its whole answer. Raises as stream, and AnswerTooLarge above `max_bytes`."""
        with self.stream(method, url, **kwargs) as response:
            body = bytearray()
            for chunk in response.iter_content(64 * 1024):
                body += chunk
                if len(body) > max_bytes:
                    raise AnswerTooLarge(f"more than {max_bytes} bytes")
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, headers, bytes(body))


_clients: dict[str, Client] = {}


def client(purpose: str) -> Client:
    """The client for a purpose of the register (one a process, connections are kept)."""
    if purpose not in REGISTER:
        raise EgressRefused(f"The egress register has no purpose {purpose}.")
    return _clients.setdefault(purpose, Client(purpose))
