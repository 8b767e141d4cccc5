"""The documents that people and workspaces accept: versioned texts with date and sha256 (policy clauses 0, 14, 15)."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from accounts.audit import Actor, record
from accounts.models import Membership
from privacy.models import TermsAcceptance

_FOLDER = Path(__file__).parent / "documents"
_TITLES = {
    "privacy": "Privacy Policy", "terms": "Terms & Conditions", "processing": "Data Processing Terms",
    "opt-in": "Opt-in Statement",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """A version of a document. `version` is its date (YYYY-MM-DD), `sha256` the hash (hex) of the text as served."""

    slug: str
    title: str
    version: str
    sha256: str
    text: str

    @property
    def paragraphs(self) -> list[tuple[str, str]]:
        """The text as (kind, line), kind being `title`, `heading`, `item` or `text`."""
        lines = []
        for line in self.text.splitlines():
            if not line.strip() or line.startswith("Last updated") or line.strip() == self.title:
                continue
            if line.startswith("- "):
                lines.append(("item", line[2:]))
            elif line.split(". ")[0].isdigit() and len(line) < 60:
                lines.append(("heading", line))
            else:
                lines.append(("text", line))
        return lines


@cache
def versions(slug: str) -> tuple[Document, ...]:
    """Every version of a document, the newest first. Raises KeyError for an unknown one."""
    found = []
    for path in sorted(_FOLDER.glob(f"{slug}-*.txt"), reverse=True):
        text = path.read_text()
        version = path.stem.removeprefix(f"{slug}-")
        found.append(Document(slug, _TITLES[slug], version, hashlib.sha256(text.encode()).hexdigest(), text))
    if not found:
        raise KeyError(slug)
    return tuple(found)


def current(slug: str) -> Document:
    """The version in force."""
    return versions(slug)[0]


def signup_documents() -> list[Document]:
    """What a person accepts at sign-up (settings.SIGNUP_DOCUMENTS)."""
    return [current("terms"), current("privacy")]


def processing_accepted() -> bool:
    """Whether the workspace in force accepted the current data-processing terms."""
    return _acceptance("processing") is not None


def accept_processing(actor: Actor, member: Membership | None, ip: str | None) -> TermsAcceptance:
    """Record the workspace's acceptance: version, hash, member, time, address. Accepting again changes nothing."""
    return _accept("processing", "terms.accepted", actor, member, ip)


def opt_in_attestation() -> TermsAcceptance | None:
    """The workspace's statement that it writes only to people who agreed (policy clause 4c), of the current text."""
    return _acceptance("opt-in")


def opt_in_attested() -> bool:
    """Whether there is one."""
    return opt_in_attestation() is not None


def attest_opt_in(member: Membership, ip: str | None) -> TermsAcceptance:
    """Record it: who, when, which text. Saying it again changes nothing."""
    return _accept("opt-in", "opt_in.attested", Actor.member(member), member, ip)


def _acceptance(slug: str) -> TermsAcceptance | None:
    document = current(slug)
    found: TermsAcceptance | None = (
        TermsAcceptance.objects.select_related("accepted_by__user")
        .filter(document=document.slug, version=document.version)
        .first()
    )
    return found


def _accept(slug: str, action: str, actor: Actor, member: Membership | None, ip: str | None) -> TermsAcceptance:
    document = current(slug)
    acceptance, created = TermsAcceptance.objects.get_or_create(
        document=document.slug,
        version=document.version,
        defaults={"sha256": document.sha256, "accepted_by": member, "ip": ip},
    )
    if created:
        record(action, actor, acceptance.pk, ["document", "version"])
    return acceptance
