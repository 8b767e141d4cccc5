"""The audit log: who did what. `recording` writes entries, `actions` has the words, `chain` proves that nothing was
changed, `log` reads for pages and the API, `export` gives it away, `keeping` lets it end."""

from accounts.audit.keeping import erase_workspace
from accounts.audit.recording import SYSTEM, Actor, record, record_of_person, record_opening

__all__ = ["SYSTEM", "Actor", "erase_workspace", "record", "record_of_person", "record_opening"]
