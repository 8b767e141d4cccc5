"""What a member does about the contact of a conversation: record and withdraw opt-ins, block, confirm who it is; and the
page on which a workspace states that it writes only to people who agreed (policy clause 4c)."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages as notices
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import MemberRequest, requires
from accounts.audit import Actor
from accounts.roles import Permission
from conversations import blocking, opt_ins, threads
from conversations.listing import Filters
from conversations.models import Contact, Conversation
from conversations.opt_ins.forms import OptInForm
from conversations.policy import Refused
from conversations.views import conversation_url, page_of
from omnistra.core import live
from omnistra.core.addresses import client_address
from privacy import policies

P = Permission


def _find(identity: UUID) -> Conversation:
    rows = Conversation.objects.select_related("channel", "contact").defer("channel__credentials")
    return get_object_or_404(rows, pk=identity)


def _back(request: MemberRequest, conversation: Conversation) -> HttpResponse:
    live.publish(conversation.workspace_id, "conversation", {conversation.pk: conversation.channel_id})
    query = Filters.read(request.GET).query()
    return redirect(conversation_url(request, conversation.pk) + (f"?{query}" if query else ""))


@require_POST
@requires(P.CONTACTS_MANAGE)
def record_opt_in(request: MemberRequest, identity: UUID) -> HttpResponse:
    """Write down that the contact agreed to be written to first."""
    conversation, form = _find(identity), OptInForm(request.POST)
    if not form.is_valid():
        shown = threads.load(conversation, request.member, Filters.read(request.GET).query())
        shown["contact"]["opt_ins"]["form"] = form
        return page_of(request, identity, shown, status=422)
    told = form.cleaned_data
    entry = opt_ins.Entry(
        conversation.contact_id, conversation.channel.provider, told["topic"], True, told["source"], told["at"],
        wording=told["wording"], proof=told["proof"],
    )  # fmt: skip
    opt_ins.record(entry, Actor.member(request.member))
    notices.success(request, _("Recorded."))
    return _back(request, conversation)


@require_POST
@requires(P.CONTACTS_MANAGE)
def withdraw_opt_in(request: MemberRequest, identity: UUID) -> HttpResponse:
    """They told somebody that they want no more: of one topic, or of everything."""
    conversation = _find(identity)
    topic = request.POST.get("topic", "")[:80] or opt_ins.ALL
    opt_ins.withdraw(
        conversation.contact_id, conversation.channel.provider, topic, Actor.member(request.member), timezone.now()
    )
    notices.success(request, _("Recorded. It holds from now on."))
    return _back(request, conversation)


@transaction.non_atomic_requests
@require_POST
@requires(P.CONTACTS_MANAGE)
def block(request: MemberRequest, identity: UUID, blocked: bool) -> HttpResponse:
    """Block the contact at the platform, or no longer."""
    with transaction.atomic():
        conversation = _find(identity)
    try:
        blocking.set_blocked(conversation, blocked, Actor.member(request.member))
    except Refused as refused:
        notices.error(request, str(refused))
    else:
        notices.success(request, _("Blocked.") if blocked else _("No longer blocked."))
    with transaction.atomic():
        return _back(request, conversation)


@require_POST
@requires(P.CONVERSATIONS_REPLY)
def confirm(request: MemberRequest, identity: UUID) -> HttpResponse:
    """A member made sure who it is, or that the person can be reached: sending goes on."""
    conversation = _find(identity)
    contact: Contact = conversation.contact
    contact.confirm_identity()
    conversation.try_again()
    audit.record("contact.confirmed", Actor.member(request.member), contact.pk)
    return _back(request, conversation)


@require_GET
@requires(P.WORKSPACE_VIEW)
def opt_in_page(request: MemberRequest) -> HttpResponse:
    """The statement, who made it and when, and the words that count as a no."""
    context = {
        "section": "opt_ins",
        "document": policies.current("opt-in"),
        "attestation": policies.opt_in_attestation(),
        "stop_words": settings.STOP_WORDS,
    }
    return render(request, "conversations/opt_ins.html", context)


@require_POST
@requires(P.WORKSPACE_MANAGE)
def attest(request: MemberRequest) -> HttpResponse:
    """Make the statement for the workspace."""
    if request.POST.get("confirm"):
        policies.attest_opt_in(request.member, client_address(request) or None)
        notices.success(request, _("Confirmed. You can write first to everybody whose opt-in is recorded."))
    else:
        notices.error(request, _("Tick the box to confirm."))
    return redirect("conversations:opt_ins", request.member.workspace.slug)
