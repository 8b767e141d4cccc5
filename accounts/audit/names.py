"""What the rows that entries point to are called today. Entries hold ids alone (audit.recording); a name is looked up
when somebody who may see it looks, and is gone when the row is.

One query for each kind of row on a page. Apps above accounts say how their rows are called (`add_names`).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.audit.actions import ACTIONS
from accounts.models import ApiKey, AuditEntry, CustomRole, Membership, User


@dataclass(frozen=True, slots=True)
class Name:
    """What a row is called, and the address at which it is shown ("": none)."""

    text: str
    url: str = ""


Finder = Callable[[str, Collection[UUID]], dict[UUID, Name]]  # (slug, ids) -> names, in the workspace's scope
_FINDERS: dict[str, Finder] = {}
# How a row is spoken of that is gone, or has no name that may be shown here.
_NAMELESS: dict[str, Promise] = {
    "member": _("a former member"),
    "api_key": _("an API key that is gone"),
    "channel": _("a channel that is gone"),
    "conversation": _("a conversation that was erased"),
    "campaign": _("a campaign that is gone"),
    "role": _("a role that is gone"),
    "template": _("that is gone"),
    "operator": _("an operator"),
}


def add_names(kind: str, finder: Finder) -> None:
    """Say how rows of a kind are called: a name of `Action.target`."""
    _FINDERS[kind] = finder


def _members(slug: str, ids: Collection[UUID]) -> dict[UUID, Name]:
    return {each.pk: Name(each.user.name) for each in Membership.ever.filter(pk__in=ids).select_related("user")}


def _api_keys(slug: str, ids: Collection[UUID]) -> dict[UUID, Name]:
    return {
        pk: Name(str(_("the API key %(name)s") % {"name": name}))
        for pk, name in ApiKey.objects.filter(pk__in=ids).values_list("pk", "name")
    }


def _roles(slug: str, ids: Collection[UUID]) -> dict[UUID, Name]:
    return {
        pk: Name(str(_("the role %(name)s") % {"name": name}))
        for pk, name in CustomRole.objects.filter(pk__in=ids).values_list("pk", "name")
    }


def _operators(slug: str, ids: Collection[UUID]) -> dict[UUID, Name]:
    return {
        pk: Name(str(_("the operator %(name)s") % {"name": name}))
        for pk, name in User.objects.filter(pk__in=ids).values_list("pk", "name")
    }


add_names("member", _members)
add_names("api_key", _api_keys)
add_names("role", _roles)
add_names("operator", _operators)


class Names:
    """The names of all that a page of entries points to."""

    def __init__(self, slug: str, entries: Sequence[AuditEntry]) -> None:
        wanted: dict[str, set[UUID]] = {}
        for entry in entries:
            if entry.actor_id:
                wanted.setdefault(entry.actor_kind, set()).add(entry.actor_id)
            if entry.target_id and (kind := kind_of_target(entry)):
                wanted.setdefault(kind, set()).add(entry.target_id)
        self._found = {kind: _FINDERS[kind](slug, ids) for kind, ids in wanted.items() if kind in _FINDERS}

    def actor(self, entry: AuditEntry) -> Name:
        """Who did it."""
        if entry.actor_kind == AuditEntry.Actor.SYSTEM or entry.actor_id is None:
            return Name(str(_("Omnistra itself")))
        return self._name(entry.actor_kind, entry.actor_id)

    def target(self, entry: AuditEntry) -> Name:
        """What it was done to; an empty name where the sentence speaks of nothing."""
        kind = kind_of_target(entry)
        return self._name(kind, entry.target_id) if kind and entry.target_id else Name("")

    def _name(self, kind: str, identity: UUID) -> Name:
        return self._found.get(kind, {}).get(identity) or Name(str(_NAMELESS.get(kind, "")))


def kind_of_target(entry: AuditEntry) -> str:
    """What kind of row an entry's target is, "" for none that has a name."""
    action = ACTIONS.get(entry.action)
    return action.target if action else ""
