"""Who is written with: Contact, Handle; and whether they agreed to it: OptIn, OptOut."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEntry
from channels_app.models import Provider
from omnistra.core.sealing import SealedTextField
from omnistra.core.tenancy import WorkspaceForeignKey, WorkspaceModel


class Contact(WorkspaceModel):
    """An end user.

    One that was merged into another stays as a row without name, handles and conversations, for its key: what it sealed
    opens until the other goes, and then goes with it.
    """

    sealed_by: ClassVar[str] = "id"

    name: Any = SealedTextField(null=True)
    merged_into = WorkspaceForeignKey("self", null=True, related_name="+", editable=False)
    # Another number or another device answers to this name: nothing automatic goes out until a person has confirmed it.
    identity_changed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(WorkspaceModel.Meta):
        indexes = [
            models.Index(fields=["workspace", "created_at"], name="conversations_contact_list"),
            models.Index(
                fields=["workspace", "merged_into"],
                condition=models.Q(merged_into__isnull=False),
                name="conversations_merged",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def confirm_identity(self) -> None:
        """A person has made sure that it is still them."""
        type(self).objects.filter(pk=self.pk).update(identity_changed_at=None)
        self.identity_changed_at = None


class Handle(WorkspaceModel):
    """One identifier of a contact on one provider. Looked up by keyed hash, so no dump holds the identifier.

    One with `ended_at` is history: it no longer leads to the contact, nor to anybody.
    """

    class Kind(models.TextChoices):
        WA_ID = "wa_id", "Phone"
        BSUID = "bsuid", "WhatsApp id"
        USERNAME = "username", "User name"
        PSID = "psid", "Messenger id"
        IGSID = "igsid", "Instagram id"

    sealed_by: ClassVar[str] = "contact_id"
    KEYS: ClassVar[tuple[str, ...]] = (
        "bsuid",
        "wa_id",
        "psid",
        "igsid",
    )  # the kinds that identify; a user name may change hands
    NUMBER: ClassVar[str] = "wa_id"  # the one of them that changes hands too

    NAMED_ON_REQUEST: ClassVar[tuple[str, ...]] = ("psid", "igsid")  # their messages bring no name

    contact = WorkspaceForeignKey(Contact, related_name="+")
    provider = models.CharField(max_length=20, choices=Provider.choices)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value: Any = SealedTextField()
    value_hash = models.BinaryField(max_length=16)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    asked_at = models.DateTimeField(null=True, editable=False)  # when the platform was asked for the name (profiles)

    class Meta(WorkspaceModel.Meta):
        indexes = [
            models.Index(
                fields=["-created_at"],
                condition=models.Q(kind__in=("psid", "igsid"), asked_at__isnull=True),
                name="conversations_handle_unasked",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "provider", "kind", "value_hash"],
                condition=~models.Q(kind="username") & models.Q(ended_at__isnull=True),
                name="conversations_handle_once",
            ),
            models.UniqueConstraint(
                fields=["workspace", "contact", "provider", "kind", "value_hash"],
                name="conversations_handle_of_contact",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class OptIn(WorkspaceModel):
    """An entry of the ledger of who agreed to be written to, and who took it back (policy clause 4c). Entries are never
    changed: of those about one topic the newest holds, by the time at which the person decided (opt_ins.ledger)."""

    class Source(models.TextChoices):
        WEBSITE = "website", _("A form on a website")
        PAPER = "paper", _("Signed on paper")
        SPOKEN = "spoken", _("Said in person or on the phone")
        CHAT = "chat", _("Written in a conversation")
        IMPORTED = "imported", _("Taken over from another system")
        WORD = "word", _("Wrote a stop word")
        PLATFORM = "platform", _("Set at the platform")

    sealed_by: ClassVar[str] = "contact_id"

    contact = WorkspaceForeignKey(Contact, related_name="+")
    provider = models.CharField(max_length=20, choices=Provider.choices)
    topic = models.CharField(max_length=80)  # opt_ins.ledger.TOPICS, or what the person subscribed to at the platform
    is_granted = models.BooleanField()
    source = models.CharField(max_length=10, choices=Source.choices)
    wording: Any = SealedTextField(null=True)  # what they agreed to, or what they wrote
    proof: Any = SealedTextField(null=True)  # where it can be seen: an address, a number of a record
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    recorded_by_kind = models.CharField(max_length=10, choices=AuditEntry.Actor.choices)
    recorded_by_id = models.UUIDField(null=True)

    class Meta(WorkspaceModel.Meta):
        constraints = [  # a webhook that comes twice is one decision
            models.UniqueConstraint(
                fields=["workspace", "contact", "provider", "topic", "is_granted", "source", "at"],
                name="conversations_opt_in_once",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class OptOut(WorkspaceModel):
    """What is left of a no when the person's data are gone: a keyed hash of the identifier, so that whoever writes or is
    added again under it is not taken for somebody who never said no."""

    provider = models.CharField(max_length=20, choices=Provider.choices)
    kind = models.CharField(max_length=10, choices=Handle.Kind.choices)
    value_hash = models.BinaryField(max_length=16)
    topic = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta(WorkspaceModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "provider", "kind", "value_hash", "topic", "at"], name="conversations_opt_out_once"
            )
        ]
        indexes = [models.Index(fields=["workspace", "value_hash"], name="conversations_opt_out_of")]

    def __str__(self) -> str:
        return str(self.pk)
