"""Names of people whom the platform names only when it is asked (providers/messenger.md 9, instagram.md 10).

A message never waits for it: until the name is there, the masked id stands for the person. Asked once, with the name alone,
and only of people who wrote to us.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from channels_app.contract import CredentialsRefused, HasProfiles, Person, ProviderError, Retryable
from channels_app.models import Channel
from channels_app.registry import provider
from conversations.identities import handle_hash
from conversations.models import Contact, Conversation, Handle
from omnistra.core import live
from omnistra.core.bulk import insert_new
from omnistra.core.keyring import KeyMissing
from omnistra.core.logs import get_logger
from omnistra.core.sealing import preload
from omnistra.core.tenancy import system_scope, workspace_scope

log = get_logger(__name__)
GIVE_UP = timedelta(days=1)  # a name that could not be had by then is not asked for any more


def ask_due(limit: int = 50) -> int:
    """Ask the platforms for the names that are due, the newest people first; gives how many were asked for."""
    with transaction.atomic(), system_scope("conversations.ask_names"):
        handles = list(
            Handle.objects.filter(
                kind__in=Handle.NAMED_ON_REQUEST,
                asked_at__isnull=True,
                ended_at__isnull=True,
                created_at__gt=timezone.now() - GIVE_UP,
            ).order_by("-created_at")[:limit]
        )
        channels = _channels(handles)
        preload([*handles, *channels.values()])
    asked = 0
    waiting: set[UUID] = set()
    for handle in handles:
        channel = channels.get(handle.contact_id)
        if channel is None or channel.pk in waiting:
            continue
        asked += 1
        try:
            person = _ask(handle, channel)
        except (Retryable, CredentialsRefused) as error:  # the rest of this channel would hear the same
            log.info("profile.later", channel=channel.pk, code=error.code)
            waiting.add(channel.pk)
        except ProviderError as error:
            log.info("profile.none", channel=channel.pk, code=error.code)
            _record(handle, channel, None)
        except KeyMissing:  # erased meanwhile
            continue
        else:
            _record(handle, channel, person)
    return asked


def _channels(handles: Sequence[Handle]) -> dict[UUID, Channel]:
    """By contact, the channel on which they wrote to us."""
    talks = (
        Conversation.objects.filter(
            contact_id__in={handle.contact_id for handle in handles}, last_inbound_at__isnull=False,
            channel__status=Channel.Status.ACTIVE,
        )
        .select_related("channel")
        .order_by("last_inbound_at")
    )  # fmt: skip
    return {talk.contact_id: talk.channel for talk in talks}


def _ask(handle: Handle, channel: Channel) -> Person | None:
    platform = provider(channel.provider)
    if not isinstance(platform, HasProfiles):
        return None
    return platform.profile(channel.external_id, channel.credentials or {}, {handle.kind: handle.value})


def _record(handle: Handle, channel: Channel, person: Person | None) -> None:
    """Write the name where there is none yet, unless the contact is gone."""
    workspace_id = handle.workspace_id
    with workspace_scope(workspace_id), transaction.atomic():
        if not Handle.objects.filter(pk=handle.pk, asked_at__isnull=True).update(asked_at=timezone.now()) or not person:
            return
        contact = Contact.objects.select_for_update().filter(pk=handle.contact_id).first()
        if contact is None:
            return
        if person.name and not contact.name:
            contact.name = person.name
            contact.save(update_fields=["name"])
        if username := person.handles.get("username"):
            hashed = handle_hash(workspace_id, handle.provider, "username", username)
            insert_new(
                [
                    Handle(
                        workspace_id=workspace_id, contact_id=contact.pk, provider=handle.provider, kind="username",
                        value=username, value_hash=hashed,
                    )
                ]
            )  # fmt: skip
        talks = Conversation.objects.filter(contact=contact).values_list("pk", "channel_id")
        live.publish(workspace_id, "message", dict(talks))
