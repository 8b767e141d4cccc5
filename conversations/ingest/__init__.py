"""From the journal to contacts, conversations and messages: `journal` claims and parses, `storing` writes a workspace's
part by the rooms beside it, one for each kind of update."""

from conversations.ingest.item import Item, lock_workspace
from conversations.ingest.journal import drain, drain_batch, replay
from conversations.ingest.storing import store

__all__ = ["Item", "drain", "drain_batch", "lock_workspace", "replay", "store"]
