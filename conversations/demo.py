"""The demo workspace: a tea shop's conversations, so that the first page is worth a look.

Customers' lines go through the same `ingest.store` as webhooks do; the shop's earlier answers are written as the outbox
leaves them. Both also stand on the sandbox's phones, so that the story can be played on.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from channels_app.contract import InboundMessage, Media, Person
from channels_app.contract import Reaction as ReactionUpdate
from channels_app.models import Channel
from conversations import identities, ingest
from conversations.models import Conversation, Message
from conversations.story import STORY, Line
from omnistra.core.tenancy import workspace_scope
from privacy import policies

SLUG = "demo"
EMAIL, PASSWORD = "demo@northwind.example", "steep-for-three-minutes"  # a local demo's sign-in, printed at start
PHONE_ID, WABA_ID, DISPLAY = "210000000000501", "310000000000101", "+49 30 12345678"
TOKEN = "EAAG-sandbox-northwind"  # noqa: S105  (the sandbox's, not Meta's)


@dataclass(frozen=True, slots=True)
class _Colleague:
    name: str
    email: str
    role: Role


_COLLEAGUES = (
    _Colleague("Tomás Ferreira", "tomas@northwind.example", Role.AGENT),
    _Colleague("Aylin Demir", "aylin@northwind.example", Role.AGENT),
    _Colleague("Ruth Okafor", "ruth@northwind.example", Role.PRIVACY_OFFICER),
)


def create() -> bool:
    """Make the demo workspace with its content; False when it is there already."""
    if Workspace.objects.filter(slug=SLUG).exists():
        return False
    from channels_app.sandbox import history as world

    world.add_business(PHONE_ID, WABA_ID, DISPLAY, "Northwind Tea", TOKEN)
    with transaction.atomic():
        owner = _user("Ines Prado", EMAIL, PASSWORD)
        workspace = Workspace.open("Northwind Tea", SLUG, owner)
        with workspace_scope(workspace.pk):
            members = [Membership.objects.get(user=owner)]
            for each in _COLLEAGUES:
                members.append(Membership.objects.create(user=_user(each.name, each.email, None), role=each.role))
            policies.accept_processing(Actor.member(members[0]), members[0], None)
            channel = Channel.objects.create(
                provider="whatsapp", external_id=PHONE_ID, account_id=WABA_ID, name="Northwind Tea Berlin",
                address=DISPLAY, credentials={"token": TOKEN}, checked_at=timezone.now(),
            )  # fmt: skip
            for contact in STORY:
                world.add_person(contact.number, contact.name)
                _play(workspace, channel, contact, members, world)
    return True


def _user(name: str, email: str, password: str | None) -> User:
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(email, password, name=name, declared_of_age_at=timezone.now())
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _play(workspace: Workspace, channel: Channel, contact: Any, members: list[Membership], world: Any) -> None:
    """Write one person's conversation, line by line, in the order in which it happened."""
    now = timezone.now()
    ids: list[str] = []
    for line in contact.lines:
        at = now - line.ago
        ids.append(world.new_wamid(contact.number, line.who == "customer"))
        quoted = ids[line.quotes] if line.quotes is not None else ""
        if line.who == "customer":
            _customer(workspace, channel, contact, line, at, ids[-1], quoted, ids, world)
        else:
            _shop(workspace, channel, contact, line, at, ids[-1], quoted, members, world)
    conversation = Conversation.objects.get(contact_id=_contact_id(channel, contact))
    conversation.unread_count = contact.unread
    conversation.status = "closed" if contact.closed else "open"
    conversation.assignee = members[contact.assignee] if contact.assignee is not None else None
    conversation.save()


def _contact_id(channel: Channel, contact: Any) -> Any:
    from conversations.models import Handle

    hashed = identities.handle_hash(channel.workspace_id, channel.provider, "wa_id", contact.number)
    return Handle.objects.get(value_hash=hashed).contact_id


def _customer(
    workspace: Workspace, channel: Channel, contact: Any, line: Line, at: datetime, wamid: str, quoted: str,
    ids: list[str], world: Any,
) -> None:  # fmt: skip
    person = Person({"wa_id": contact.number}, contact.name)
    if line.reacts is not None:
        update: Any = ReactionUpdate(PHONE_ID, WABA_ID, ids[line.reacts], person, line.text, at)
        ingest.store(workspace.pk, [ingest.Item(update, channel, at)])
        return
    media = None
    if line.file:
        kind, mime, name, make = line.file
        media = Media(world.add_media(PHONE_ID, mime, name, make()), kind, mime, name)
    content: dict[str, Any] = {"text": line.text} if line.text else {}
    if line.place:
        content["location"] = line.place
    kind = media.kind if media else "location" if line.place else "text"
    update = InboundMessage(PHONE_ID, WABA_ID, wamid, person, kind, at, content, media, quoted)  # type: ignore[arg-type]
    ingest.store(workspace.pk, [ingest.Item(update, channel, at)])
    world.add_message(
        PHONE_ID, contact.number, "person", kind, at=at.timestamp(), wamid=wamid, text=line.text, quoted=quoted,
        media_id=media.external_id if media else None, extra=line.place or {},
    )  # fmt: skip


def _shop(
    workspace: Workspace, channel: Channel, contact: Any, line: Line, at: datetime, wamid: str, quoted: str,
    members: list[Membership], world: Any,
) -> None:  # fmt: skip
    conversation = Conversation.objects.get(contact_id=_contact_id(channel, contact))
    failed = line.status == "failed"
    Message.objects.create(
        channel=channel, conversation=conversation, contact_id=conversation.contact_id, direction="outbound",
        type="text", content={"text": line.text}, status=line.status, provider_at=at, sent_at=at,
        external_id=wamid, external_hash=identities.message_hash(workspace.pk, channel.pk, wamid),
        reply_to_hash=identities.message_hash(workspace.pk, channel.pk, quoted) if quoted else None,
        delivered_at=None if failed else at + timedelta(seconds=2),
        read_at=at + timedelta(minutes=1) if line.status == "read" else None,
        error_code=131026 if failed else None,
        error={"title": "WhatsApp could not deliver this to the number.", "detail": ""} if failed else None,
        instructed_by_kind="member", instructed_by_id=members[contact.assignee or 0].pk,
    )  # fmt: skip
    Conversation.objects.filter(pk=conversation.pk, last_message_at__lt=at).update(last_message_at=at)
    world.add_message(
        PHONE_ID, contact.number, "business", "text", at=at.timestamp(), wamid=wamid, text=line.text, quoted=quoted,
        status=line.status,
    )  # fmt: skip


def sign_in() -> str:
    """What to tell the person at the terminal."""
    return f"Sign in at {settings.BASE_URL}/accounts/login/ with {EMAIL} and {PASSWORD}"
