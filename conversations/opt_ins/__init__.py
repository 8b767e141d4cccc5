"""Who may be written to first, and who said no (policy clause 4c, providers/whatsapp.md 16).

`ledger` holds and reads the entries, `hearing` hears a no in what people write and in what the platform tells.
"""

from conversations.opt_ins.hearing import apply, heard
from conversations.opt_ins.ledger import ALL, TOPICS, Entry, Standing, record, standings, withdraw

__all__ = ["ALL", "TOPICS", "Entry", "Standing", "apply", "heard", "record", "standings", "withdraw"]
