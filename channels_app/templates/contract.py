"""What a provider that has templates can do, beside contract.Provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """A template as the platform tells of it; all words but `components` in lower case."""

    external_id: str
    name: str
    language: str
    category: str
    status: str
    quality: str = ""
    reason: str = ""  # why it was rejected, as a code word
    components: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """What the platform answered to a new or changed template."""

    external_id: str
    status: str
    category: str


@dataclass(frozen=True, slots=True)
class TemplateDraft:
    """A template to hand in. `components` are in the platform's form (templates.drafts)."""

    name: str
    language: str
    category: str
    components: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    is_named: bool = False  # variables have names, not numbers


@runtime_checkable
class KeepsTemplates(Protocol):
    """A provider with templates. They belong to the account, not to one of its channels."""

    def list_templates(self, account_id: str, credentials: Mapping[str, Any]) -> list[TemplateFacts]:
        """All of the account's. Raises ProviderError."""

    def create_template(self, account_id: str, credentials: Mapping[str, Any], draft: TemplateDraft) -> Placed:
        """Hand a new one in. Raises ProviderError."""

    def edit_template(self, external_id: str, credentials: Mapping[str, Any], draft: TemplateDraft) -> None:
        """Hand a changed one in. Raises ProviderError."""

    def delete_template(self, account_id: str, credentials: Mapping[str, Any], external_id: str, name: str) -> None:
        """Delete one language of a template. Raises ProviderError."""

    def contradicts_template(self, code: int) -> bool:
        """Whether this error says that the template is not as we know it."""
