"""What the product holds of an account's person, as a file (policy clauses 1a, 10a, 11a).

1. It follows the data map: every row that points to the person, with each of its fields, why it is held and how long.
2. What would only help a thief (hashes, secrets of second factors, contents of sessions) is named and left out.
3. It is streamed. What the person did, which may be long, comes in chunks, each a short transaction.
4. What was written to customers is the workspace's and is not in it; its owner exports that.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_of_person
from accounts.models import AuditEntry, Invitation, Membership, User, Workspace
from omnistra.core.sealing import SealedTextField
from omnistra.core.tenancy import system_scope, workspace_scope
from privacy.account_closure import rows_of_people
from privacy.models import TermsAcceptance
from privacy.registry import HOLDINGS

WITHHELD = "held, not handed out: it would only help a thief"
CHUNK = 1000  # entries of the audit log read in one transaction
_SECRETS = {"password", "session_data"}
# Rows that say something of a person by way of their membership.
BY_MEMBERSHIP: dict[type[models.Model], str] = {Invitation: "accepted_by", TermsAcceptance: "accepted_by"}

Places = list[tuple[UUID, UUID]]  # workspace and membership, also those that the person has left


@dataclass(frozen=True, slots=True)
class Section:
    """All rows of one kind: `name` is for programs, `title` for people."""

    name: str
    title: str
    kept: str
    purposes: dict[str, list[str]]
    rows: list[dict[str, Any]]


def export(user: User, kind: str) -> Iterator[str]:
    """Record the export and give its parts. `kind` is a key of FORMATS. Outside any scope; the parts may be asked for
    after the transaction is over."""
    with transaction.atomic():
        record_of_person("account.exported", user.pk, [kind])
        sections = _sections(user)
        with system_scope("privacy.account_export"):
            places = list(Membership.ever.filter(user=user).order_by("pk").values_list("workspace_id", "pk"))
    return FORMATS[kind][1](sections, places)


def _sections(user: User) -> list[Section]:
    found = [replace(_section(User, [user]), title=_("Your account"))]
    with system_scope("privacy.account_export"):
        for model, name in rows_of_people():
            found.append(_section(model, _rows(model, **{name: user})))
        for model, name in BY_MEMBERSHIP.items():
            found.append(_section(model, _rows(model, **{f"{name}__user": user})))
    return [section for section in found if section.rows]


def _rows(model: type[models.Model], **which: Any) -> list[models.Model]:
    named = [field.name for field in model._meta.concrete_fields if field.related_model is Workspace]
    return list(model._base_manager.filter(**which).select_related(*named).order_by("pk"))


def _section(model: type[models.Model], rows: list[Any]) -> Section:
    holding = HOLDINGS[model]
    return Section(
        name=model._meta.label_lower,
        title=str(model._meta.verbose_name_plural),
        kept=holding.retention,
        purposes={name: list(why) for name, why in holding.personal.items()},
        rows=[_row(row) for row in rows],
    )


def _row(row: models.Model) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        if field.name in _SECRETS or (isinstance(field, models.BinaryField) and not isinstance(field, SealedTextField)):
            shown[field.name] = WITHHELD
        elif field.related_model is Workspace:
            shown[field.name] = f"{getattr(row, field.name).name} ({getattr(row, field.attname)})"
        else:
            shown[field.name] = _plain(getattr(row, field.attname))
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | bool | float | None) else str(value)


def _doings(places: Places) -> Iterator[list[dict[str, str | None]]]:
    """What the person did, oldest first in each workspace: the entries of the audit log as they stand, ids alone."""
    for workspace_id, member_id in places:
        number = 0
        while True:
            with workspace_scope(workspace_id), transaction.atomic():
                rows = AuditEntry.objects.filter(
                    actor_kind=AuditEntry.Actor.MEMBER, actor_id=member_id, number__gt=number
                )
                found = list(rows.order_by("number")[:CHUNK])
            if not found:
                break
            yield [
                {
                    "at": each.at.isoformat(), "action": each.action, "workspace": str(each.workspace_id),
                    "target": str(each.target_id) if each.target_id else None,
                }
                for each in found
            ]  # fmt: skip
            number = found[-1].number


def _as_json(sections: list[Section], places: Places) -> Iterator[str]:
    head = {
        "exported_at": timezone.now().isoformat(),
        "held": {
            each.name: {"kept": each.kept, "purposes": each.purposes, "rows": each.rows} for each in sections
        },
    }  # fmt: skip
    yield json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "done": ['
    between = "\n"
    for chunk in _doings(places):
        yield between + ",\n".join(json.dumps(each) for each in chunk)
        between = ",\n"
    yield "\n]}\n"


def _as_text(sections: list[Section], places: Places) -> Iterator[str]:
    yield _("What Omnistra holds of you") + f"\n{timezone.now():%Y-%m-%d %H:%M} UTC\n"
    for section in sections:
        why = sorted({f"{purpose} ({basis})" for purpose, basis in section.purposes.values()})
        lines = ["", section.title.upper(), _("Kept: %s") % section.kept, *(_("Held %s") % each for each in why)]
        for row in section.rows:
            lines += ["", *(f"  {name.replace('_', ' ')}: {_words(value)}" for name, value in row.items())]
        yield "\n".join([*lines, ""])
    yield "\n" + _("WHAT YOU DID") + "\n"
    for chunk in _doings(places):
        yield "".join(f"  {each['at']}  {each['action']}  {each['target'] or ''}".rstrip() + "\n" for each in chunk)


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value in (None, "") else " ".join(str(value).split())


Parts = Callable[[list[Section], Places], Iterator[str]]
FORMATS: dict[str, tuple[str, Parts]] = {
    "txt": ("text/plain; charset=utf-8", _as_text),
    "json": ("application/json", _as_json),
}
