"""The servers of the tests: a real PostgreSQL and a real Valkey in a temporary folder."""

from pathlib import Path

from omnistra.embedded.postgres import Postgres
from omnistra.embedded.valkey import Valkey


class Servers:
    """Both servers under one data folder (the one that OMNISTRA_DATA names); `unsafe` trades durability for speed."""

    def __init__(self, data: Path, unsafe: bool = True) -> None:
        self.postgres = Postgres(data, unsafe=unsafe)
        self.valkey = Valkey(data)

    def start(self) -> "Servers":
        """Start both."""
        self.postgres.start()
        self.valkey.start()
        return self

    def stop(self) -> None:
        """Stop both."""
        self.valkey.stop()
        self.postgres.stop()
