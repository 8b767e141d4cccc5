"""The endpoints of contacts and their opt-ins."""

import re
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api_views import ApiView, PageQuery, TextField, keyset_page
from accounts.roles import Permission as P
from channels_app.contract import Person
from channels_app.models import Provider
from conversations import identities, masking, opt_ins
from conversations.ingest import lock_workspace
from conversations.models import Contact, Handle, OptIn
from conversations.opt_ins.forms import TOLD
from conversations.opt_ins.ledger import ALL, TOPICS
from omnistra.core.keyring import KeyMissing
from omnistra.core.sealing import preload
from omnistra.core.tenancy import current_workspace_id
from omnistra.problems import Conflict

_GAPS = re.compile(r"[\s()+./-]")


class MaskedHandleOut(serializers.Serializer[Any]):
    """One identifier, masked: POST reveal/ shows it in full."""

    id = serializers.UUIDField()
    provider = serializers.ChoiceField(choices=Provider.choices)
    kind = serializers.ChoiceField(choices=Handle.Kind.choices)
    masked = serializers.CharField()


class ContactOut(serializers.Serializer[Any]):
    """An end user."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_null=True)
    handles = MaskedHandleOut(many=True)
    created_at = serializers.DateTimeField()


class ContactPage(serializers.Serializer[Any]):
    """A page of contacts."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = ContactOut(many=True)


class ContactQuery(PageQuery):
    """Filters of the list."""

    handle = TextField(max_length=128, required=False, help_text="A number or id on any platform, whole.")


class NewContact(serializers.Serializer[Any]):
    """A person to be written to. The other platforms tell a person's id only once the person has written."""

    provider = serializers.ChoiceField(choices=[(Provider.WHATSAPP.value, Provider.WHATSAPP.label)])
    handle = serializers.RegexField(r"^[+(]?\d[\d\s()./-]{4,28}\d$", help_text="A phone number in international form.")
    name = TextField(max_length=120, required=False, allow_blank=True, default="")


class ContactChange(serializers.Serializer[Any]):
    """What may change of a contact."""

    name = TextField(max_length=120, required=False)


class NewOptIn(serializers.Serializer[Any]):
    """What a person agreed to, or took back (`is_granted` false; topic `all` for everything)."""

    provider = serializers.ChoiceField(choices=Provider.choices)
    topic = serializers.ChoiceField(choices=[*TOPICS, ALL])
    is_granted = serializers.BooleanField(default=True)
    source = serializers.ChoiceField(choices=TOLD)  # type: ignore[assignment]  # a field; the stubs see DRF's attribute
    wording = TextField(max_length=2000, help_text="The words they agreed to, or in which they took it back.")
    at = serializers.DateTimeField(help_text="When they decided.")
    proof = TextField(max_length=500, required=False, allow_blank=True, default="", help_text="Where it can be seen.")

    def validate_at(self, at: Any) -> Any:
        """A decision that is to come is none."""
        if at > timezone.now():
            raise serializers.ValidationError("This is in the future.")
        return at

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Nobody agrees to everything: what they agree to has a name."""
        if attrs["is_granted"] and attrs["topic"] == ALL:
            raise serializers.ValidationError({"topic": ["Name what they agreed to."]})
        return attrs


class OptInOut(serializers.Serializer[Any]):
    """An entry of the opt-in ledger."""

    id = serializers.UUIDField()
    provider = serializers.ChoiceField(choices=Provider.choices)
    topic = serializers.CharField()
    is_granted = serializers.BooleanField()
    source = serializers.ChoiceField(choices=OptIn.Source.choices)  # type: ignore[assignment]  # as above
    wording = serializers.CharField(allow_blank=True)
    proof = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()


class OptInPage(serializers.Serializer[Any]):
    """A page of entries."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = OptInOut(many=True)


def _opened(row: Any, name: str) -> Any:
    try:
        return getattr(row, name)
    except KeyMissing:
        return None


def _shown(contacts: list[Contact]) -> list[dict[str, Any]]:
    """Contacts with their identifiers masked. One query and one look for keys, whatever their number."""
    handles = list(Handle.objects.filter(contact_id__in=[each.pk for each in contacts]).order_by("created_at"))
    preload([*contacts, *handles])
    of: dict[UUID, list[dict[str, Any]]] = {}
    for each in handles:
        value = _opened(each, "value")
        if value is not None:
            masked = masking.handle(each.kind, value)
            row = {"id": each.pk, "provider": each.provider, "kind": each.kind, "masked": masked}
            of.setdefault(each.contact_id, []).append(row)
    return [
        {
            "id": each.pk,
            "name": masking.name(str(name)) if (name := _opened(each, "name")) else None,
            "handles": of.get(each.pk, []),
            "created_at": each.created_at,
        }
        for each in contacts
    ]


def _entry(row: OptIn) -> dict[str, Any]:
    names = ("id", "provider", "topic", "is_granted", "source", "at", "recorded_at")
    texts = {name: _opened(row, name) or "" for name in ("wording", "proof")}
    return {name: getattr(row, name) for name in names} | texts


def _find(contact_id: UUID) -> Contact:
    found: Contact | None = Contact.objects.filter(pk=contact_id).first()
    if found is None:
        raise Http404
    return found


def _one(contact_id: UUID) -> dict[str, Any]:
    with transaction.atomic():
        return _shown([_find(contact_id)])[0]


def _holders(value: str) -> QuerySet[Any]:
    """Who holds this identifier, on whatever platform."""
    workspace_id, plain = current_workspace_id(), value.strip()
    any_of = Q(pk__in=[])
    for slug in Provider.values:
        for kind in Handle.Kind.values:
            given = _GAPS.sub("", plain) if kind == Handle.Kind.WA_ID else plain.removeprefix("@")
            hashed = identities.handle_hash(workspace_id, slug, kind, given)
            any_of |= Q(provider=slug, kind=kind, value_hash=hashed)
    return Handle.objects.filter(any_of, ended_at=None).values("contact_id")


class Contacts(ApiView):
    """All contacts."""

    required_scopes = {"GET": P.CONVERSATIONS_VIEW, "POST": P.CONTACTS_MANAGE}

    @extend_schema(operation_id="contacts_list", parameters=[ContactQuery], responses=ContactPage)
    def get(self, request: Request) -> Response:
        """List contacts, the newest first; `handle` finds one by its whole number or id."""
        query = self.valid(ContactQuery, request.query_params)
        with transaction.atomic():
            rows = Contact.objects.all()
            if query.get("handle"):
                rows = rows.filter(pk__in=_holders(query["handle"]))
            found, around = keyset_page(request, rows, "created_at", query)
            return Response(around | {"results": _shown(found)})

    @extend_schema(operation_id="contacts_create", request=NewContact, responses={201: ContactOut})
    def post(self, request: Request) -> Response:
        """Add a person who is to be written to first. 409 when there is one with this number."""
        values = self.valid(NewContact, request.data)
        if self.holder.key.channel_ids is not None:
            raise PermissionDenied("A key that is limited to channels cannot add contacts: they belong to none yet.")
        return self.once(request, lambda _: self._make(values), _one)

    def _make(self, values: dict[str, Any]) -> UUID:
        workspace_id, digits = current_workspace_id(), _GAPS.sub("", values["handle"])
        with transaction.atomic():
            lock_workspace(workspace_id)
            hashed = identities.handle_hash(workspace_id, values["provider"], Handle.Kind.WA_ID, digits)
            if Handle.objects.filter(
                provider=values["provider"], kind=Handle.Kind.WA_ID, value_hash=hashed, ended_at=None
            ).exists():
                raise Conflict("There is a contact with this number: find it with ?handle=.")
            person = Person({Handle.Kind.WA_ID.value: digits}, values["name"].strip())
            contact_id = identities.resolve(workspace_id, values["provider"], [(person, timezone.now())])[0]
            audit.record("contact.created", self.actor, contact_id)
        return contact_id


class OneContact(ApiView):
    """One contact."""

    required_scopes = {"GET": P.CONVERSATIONS_VIEW, "PATCH": P.CONTACTS_MANAGE}

    @extend_schema(operation_id="contacts_read", responses=ContactOut)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a contact."""
        return Response(_one(id))

    @extend_schema(operation_id="contacts_change", request=ContactChange, responses=ContactOut)
    def patch(self, request: Request, id: UUID) -> Response:
        """Change the name."""
        with transaction.atomic():
            row = _find(id)
            values = self.valid(ContactChange, request.data)
            if "name" in values:
                row.name = values["name"]
                row.save(update_fields=["name"])
                audit.record("contact.changed", self.actor, row.pk, ["name"])
        return Response(_one(id))


class OptIns(ApiView):
    """The opt-in ledger of a contact."""

    required_scopes = {"GET": P.CONVERSATIONS_VIEW, "POST": P.CONTACTS_MANAGE}

    @extend_schema(operation_id="contacts_opt_ins", parameters=[PageQuery], responses=OptInPage)
    def get(self, request: Request, id: UUID) -> Response:
        """List what the contact agreed to and took back, the latest decision first."""
        query = self.valid(PageQuery, request.query_params)
        with transaction.atomic():
            _find(id)
            found, around = keyset_page(request, OptIn.objects.filter(contact_id=id), "at", query)
            preload(found)
            return Response(around | {"results": [_entry(row) for row in found]})

    @extend_schema(operation_id="contacts_opt_in", request=NewOptIn, responses={201: OptInOut})
    def post(self, request: Request, id: UUID) -> Response:
        """Record that the contact agreed to be written to first, or took it back."""
        with transaction.atomic():
            _find(id)
        values = self.valid(NewOptIn, request.data)

        def make(_: UUID) -> UUID:
            with transaction.atomic():
                entry = opt_ins.Entry(contact_id=_find(id).pk, **values)
                return UUID(str(opt_ins.record(entry, self.actor).pk))

        def show(entry_id: UUID) -> dict[str, Any]:
            with transaction.atomic():
                return _entry(OptIn.objects.get(pk=entry_id))

        return self.once(request, make, show)


urlpatterns = [
    path("contacts/", Contacts.as_view(), name="contacts"),
    path("contacts/<uuid:id>/", OneContact.as_view(), name="contact"),
    path("contacts/<uuid:id>/opt-ins/", OptIns.as_view(), name="contact_opt_ins"),
]
