"""The demo workspace: a tea shop's conversations, so that the first page is worth a look.

Customers' lines are read and stored as webhooks are; the shop's earlier answers are written as the outbox leaves
them. Both also stand on the sandbox's phones, so that the story can be played on.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from channels_app.models import Channel
from channels_app.registry import provider
from channels_app.sandbox import cast, history
from conversations import identities, ingest
from conversations.models import Contact, Conversation, Handle, Message
from conversations.story import STORY, Customer, Line
from omnistra.core.tenancy import workspace_scope
from privacy import policies, retention

SLUG = "demo"
EMAIL, PASSWORD = "demo@northwind.example", "steep-for-three-minutes"  # a local demo's sign-in, printed at start
WABA_ID = "310000000000101"
TOKEN = "EAAG-sandbox-northwind"  # noqa: S105  (the sandbox's, not Meta's)


@dataclass(frozen=True, slots=True)
class _Shop:
    """One of the shop's numbers."""

    phone_id: str
    display: str
    name: str


SHOPS = (
    _Shop("210000000000501", "+49 30 23125014", "Northwind Tea Berlin"),
    _Shop("210000000000518", "+351 22 0005018", "Northwind Tea Porto"),
)


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
_UNDELIVERABLE = {
    "title": "WhatsApp could not deliver this to the number.",
    "detail": "The phone may have an old version of WhatsApp, or none.",
}


def create() -> bool:
    """Make the demo workspace with its content; False when it is there already."""
    if Workspace.objects.filter(slug=SLUG).exists():
        return False
    for shop in SHOPS:
        history.add_business(shop.phone_id, WABA_ID, shop.display, shop.name, TOKEN)
    with transaction.atomic():
        owner = _user("Ines Prado", EMAIL, PASSWORD)
        workspace = Workspace.open("Northwind Tea", SLUG, owner)
        with workspace_scope(workspace.pk):
            members = [Membership.objects.get(user=owner)]
            for each in _COLLEAGUES:
                members.append(Membership.objects.create(user=_user(each.name, each.email, None), role=each.role))
            policies.accept_processing(Actor.member(members[0]), members[0], None)
            retention.change(
                retention.Settings(retention.Days(conversation=365, media=180), {}), Actor.member(members[0])
            )
            channels = [
                Channel.objects.create(
                    provider="whatsapp", external_id=shop.phone_id, account_id=WABA_ID, name=shop.name,
                    address=shop.display, credentials={"token": TOKEN}, checked_at=timezone.now(),
                )
                for shop in SHOPS
            ]  # fmt: skip
            for customer in STORY:
                history.add_person(customer.number, customer.name)
                _play(channels[customer.at], customer, members)
    return True


def _user(name: str, email: str, password: str | None) -> User:
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(email, password, name=name, declared_of_age_at=timezone.now())
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _play(channel: Channel, customer: Customer, members: list[Membership]) -> None:
    """Write one person's conversation, line by line, in the order in which it happened."""
    now = timezone.now()
    ids: list[str] = []
    for line in customer.lines:
        at = now - line.ago
        quoted = ids[line.quotes] if line.quotes is not None else ""
        if line.reacts is not None:
            target, mark = ids[line.reacts], line.text
            _store(channel, history.react(channel.external_id, customer.number, target, mark, at=at.timestamp()))
            ids.append("")
        elif line.who == "customer":
            kind, content = _said(line)
            wamid, body = history.say(
                channel.external_id, customer.number, kind, content, at=at.timestamp(), quoted=quoted
            )
            _store(channel, body)
            ids.append(wamid)
        else:
            ids.append(_answer(channel, customer, line, at, quoted, members[customer.assignee or 0]))
    conversation = _conversation(channel, customer)
    conversation.unread_count = customer.unread
    conversation.status = Conversation.Status.CLOSED if customer.closed else Conversation.Status.OPEN
    conversation.assignee = members[customer.assignee] if customer.assignee is not None else None
    conversation.save()
    first = now - customer.lines[0].ago
    Contact.objects.filter(pk=conversation.contact_id, created_at__gt=first).update(created_at=first)


def _said(line: Line) -> tuple[str, Any]:
    """The kind and content of a customer's line, as WhatsApp has them."""
    if line.sample:
        return "sample", {"sample": line.sample, "caption": line.text}
    if line.place:
        return "location", line.place
    if line.card:
        return "contacts", cast.CARD
    return ("unsupported", {}) if line.unsupported else ("text", {"body": line.text})


def _store(channel: Channel, body: bytes) -> None:
    updates = provider(channel.provider).parse(body).updates
    ingest.store(channel.workspace_id, [ingest.Item(each, channel, each.at or timezone.now()) for each in updates])


def _conversation(channel: Channel, customer: Customer) -> Conversation:
    hashed = identities.handle_hash(channel.workspace_id, channel.provider, "wa_id", customer.number)
    contact: UUID = Handle.objects.get(value_hash=hashed).contact_id
    return Conversation.objects.get(channel=channel, contact_id=contact)


def _answer(channel: Channel, customer: Customer, line: Line, at: datetime, quoted: str, by: Membership) -> str:
    conversation = _conversation(channel, customer)
    failed = line.status == "failed"
    wamid = history.answer(
        channel.external_id, customer.number, line.text, at=at.timestamp(), status=line.status, quoted=quoted
    )
    Message.objects.create(
        channel=channel, conversation=conversation, contact_id=conversation.contact_id, direction="outbound",
        type="text", content={"text": line.text}, status=line.status, provider_at=at, sent_at=at,
        external_id=wamid, external_hash=identities.message_hash(channel.workspace_id, channel.pk, wamid),
        reply_to_hash=identities.message_hash(channel.workspace_id, channel.pk, quoted) if quoted else None,
        delivered_at=None if failed else at + timedelta(seconds=2),
        read_at=at + timedelta(minutes=1) if line.status == "read" else None,
        error_code=131026 if failed else None,
        error=_UNDELIVERABLE if failed else None,
        instructed_by_kind="member", instructed_by_id=by.pk,
    )  # fmt: skip
    Conversation.objects.filter(pk=conversation.pk, last_message_at__lt=at).update(last_message_at=at)
    return wamid


def sign_in() -> str:
    """What to tell the person at the terminal."""
    return f"Sign in at {settings.BASE_URL}/accounts/login/ with {EMAIL} and {PASSWORD}"
