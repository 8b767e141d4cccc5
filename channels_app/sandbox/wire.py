"""Cutting the line: ends the connection of a request without an answer, whatever server it came through."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse

DESCRIPTORS = Path("/dev/fd")  # this process's open files, on Linux and macOS


def cut(request: HttpRequest) -> HttpResponse:
    """Close the caller's connection under the server. The response that is given back reaches nobody; where
    the socket can't be found it breaks off in the middle of its body, which tells the caller just as
    little."""
    for found in _sockets(request):
        try:
            found.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the caller was quicker
        found.close()
    return HttpResponse(b"{", content_type="application/json", headers={"Content-Length": "4096"})


def _sockets(request: HttpRequest) -> Iterator[socket.socket]:
    """Duplicates of the socket on which the request came."""
    inner: Any = getattr(request.META.get("wsgi.input"), "stream", None) or request.META.get("wsgi.input")
    while inner is not None and not hasattr(inner, "_sock"):
        inner = getattr(inner, "raw", None) or getattr(inner, "_stream", None) or getattr(inner, "stream", None)
    if inner is not None and isinstance(inner._sock, socket.socket):
        yield inner._sock.dup()
        return
    peer = (str(request.META.get("REMOTE_ADDR", "")), str(request.META.get("REMOTE_PORT", "")))
    for name in [each.name for each in DESCRIPTORS.iterdir()] if all(peer) and DESCRIPTORS.exists() else []:
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            candidate = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        try:
            matches = [str(part) for part in candidate.getpeername()[:2]] == list(peer)
        except (OSError, TypeError):
            matches = False
        if matches:
            yield candidate
        else:
            candidate.close()
