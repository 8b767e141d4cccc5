"""What machines ask of an installation: /healthz, /readyz, /metrics (docs/operations.md).

Answered before sessions, hosts and transactions: a load balancer asks by address, and the answer must come when the
database does not.
"""

import hmac
import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.db import Error, connections, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.access import public
from omnistra import metrics
from omnistra.core import live
from omnistra.core.logs import get_logger

log = get_logger(__name__)
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")
_HERE = ("localhost", "127.0.0.1", "[::1]")


@public
@transaction.non_atomic_requests
def health(request: HttpRequest) -> HttpResponse:
    """This process is alive, whatever else is not: a restart of it would mend nothing then."""
    return HttpResponse("ok", content_type="text/plain")


@public
@transaction.non_atomic_requests
def ready(request: HttpRequest) -> HttpResponse:
    """200 where this process can take a webhook, else 503. Without the broker it can: the sweep catches up."""
    parts = {"database": _answers("default"), "keys": _answers("keys")}
    status = 200 if all(parts.values()) else 503
    return JsonResponse(parts | {"broker": live.answers()}, status=status)


def _answers(alias: str) -> bool:
    for _ in range(2):
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
            return True
        except Error:
            connections[alias].close()
            connections[alias].pool.check()  # type: ignore[attr-defined]  # those cut by a restart are made anew
    return False


@public
@transaction.non_atomic_requests
def figures(request: HttpRequest) -> HttpResponse:
    """The installation's figures for Prometheus: to the holder of METRICS_TOKEN, or, without one, on this machine."""
    if not _may_see_figures(request):
        return HttpResponse(
            "Send METRICS_TOKEN as a bearer token.\n", status=401, headers={"WWW-Authenticate": "Bearer"}
        )
    try:
        text = metrics.text()
    except Error as error:
        log.warning("metrics.not_read", error=type(error).__name__)
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_see_figures(request: HttpRequest) -> bool:
    """With a token it is asked of everyone. Without one: a caller on this machine, and not one that a proxy brought."""
    if wanted := settings.METRICS_TOKEN:
        scheme, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), wanted.encode())
    if any(name in request.META for name in _FORWARDED):
        return False
    if request.META.get("HTTP_HOST", "").rsplit(":", 1)[0].lower() not in _HERE:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {"/healthz": health, "/readyz": ready, "/metrics": figures}


class ProbeMiddleware:
    """Answers the probes first of all."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info)
        if probe is None:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        response = probe(request)
        response["Cache-Control"] = "no-store"
        return response
