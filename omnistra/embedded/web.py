"""`python -m omnistra.embedded.web LISTENER GATE`: the web server of one machine, on a socket that `up` listens on.

`up` keeps the socket open, so requests that arrive while the web server is restarted wait instead of being refused.
"""

import os
import socket
import sys

import uvicorn
from django.urls import get_resolver

import omnistra.asgi  # noqa: F401  (loaded while `up` still starts the database)


def main(listener: int, gate: int) -> None:
    """Serve until SIGTERM; open event streams are cut after two seconds.

    Both are file descriptors. `gate` is a pipe that `up` closes at its end when the tables are there.
    """
    _ = get_resolver().url_patterns  # every view's module is loaded now, not at the first request
    os.read(gate, 1)
    os.close(gate)
    config = uvicorn.Config(
        "omnistra.asgi:application",
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # omnistra.core.addresses alone judges what a proxy says
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=listener)])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
