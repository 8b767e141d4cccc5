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
from channels_app.templates.jobs import fetch_templates
from conversations import identities, ingest
from conversations.models import Contact, Conversation, Handle, Message
from conversations.story import STORY, Customer, Line
from omnistra.core.tenancy import workspace_scope
from privacy import policies, retention

SLUG = "demo"
EMAIL, PASSWORD = "demo@northwind.example", "steep-for-three-minutes"  # a local demo's sign-in, printed at start
WABA_ID = "310000000000101"
TOKEN = "EAAG-sandbox-northwind"  # noqa: S105  (the sandbox's, not Meta's)
INSTAGRAM_TOKEN = "IGAA-sandbox-northwind"  # noqa: S105


@dataclass(frozen=True, slots=True)
class _Shop:
    """One of the shop's channels: by `handle` people are known there, `token` opens it."""

    provider: str
    external_id: str
    account_id: str
    address: str
    name: str
    handle: str = "wa_id"
    token: str = TOKEN


SHOPS = (  # in the order of story.BERLIN, PORTO, PAGE, INSTAGRAM
    _Shop("whatsapp", "210000000000501", WABA_ID, "+49 30 23125014", "Northwind Tea Berlin"),
    _Shop("whatsapp", "210000000000518", WABA_ID, "+351 22 0005018", "Northwind Tea Porto"),
    _Shop(
        "messenger", "110000000000901", "110000000000901", "northwindtea", "Northwind Tea", "psid", "EAAG-sandbox-page"
    ),
    _Shop(
        "instagram",
        "17841400000000901",
        "17841400000000901",
        "northwind.tea",
        "@northwind.tea",
        "igsid",
        INSTAGRAM_TOKEN,
    ),
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
TEMPLATES: tuple[tuple[str, str, list[dict[str, Any]]], ...] = (
    (
        "order_ready", "UTILITY",
        [
            {"type": "BODY", "text": "Hello {{1}}, your order {{2}} is packed and waiting for you at the counter.",
             "example": {"body_text": [["Lena", "4711"]]}},
            {"type": "FOOTER", "text": "Northwind Tea"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "I come today"}, {"type": "QUICK_REPLY", "text": "Send it, please"},
            ]},
        ],
    ),
    (
        "first_flush", "MARKETING",
        [
            {"type": "HEADER", "format": "TEXT", "text": "The first flush is in"},
            {"type": "BODY", "text": "Hello {{1}}, forty tins of this year's Darjeeling came in this morning.",
             "example": {"body_text": [["Priya"]]}},
            {"type": "FOOTER", "text": "Reply STOP and you hear no more of it"},
        ],
    ),
)  # fmt: skip
_UNDELIVERABLE = {
    "title": "WhatsApp could not deliver this to the number.",
    "detail": "The phone may have an old version of WhatsApp, or none.",
}


def create() -> bool:
    """Make the demo workspace with its content; False when it is there already."""
    if Workspace.objects.filter(slug=SLUG).exists():
        return False
    for shop in SHOPS:
        if shop.provider == "messenger":
            history.add_page(shop.external_id, shop.name, shop.address, shop.token)
        elif shop.provider == "instagram":
            history.add_instagram(shop.external_id, shop.address, shop.name.removeprefix("@"), shop.token)
        else:
            history.add_business(shop.external_id, WABA_ID, shop.address, shop.name, shop.token)
    for name, category, components in TEMPLATES:
        history.add_template(WABA_ID, name, "en", category, components)
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
                    provider=shop.provider, external_id=shop.external_id, account_id=shop.account_id, name=shop.name,
                    address=shop.address, credentials={"token": shop.token}, checked_at=timezone.now(),
                )
                for shop in SHOPS
            ]  # fmt: skip
            for customer in STORY:
                history.add_person(customer.number, customer.name)
                _play(channels[customer.at], customer, members)
    fetch_templates.enqueue(workspace.pk, channels[0].pk)
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
    if channel.provider != "whatsapp":  # a name would come once the platform is asked; the demo has it at once
        Handle.objects.filter(contact_id=conversation.contact_id).update(asked_at=now)
        contact = Contact.objects.get(pk=conversation.contact_id)
        contact.name = customer.name
        contact.save(update_fields=["name"])
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
    kind = SHOPS[customer.at].handle
    value = customer.number if kind == "wa_id" else history.scoped_id(channel.external_id, customer.number)
    hashed = identities.handle_hash(channel.workspace_id, channel.provider, kind, value)
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
