"""What the channels hold of people (privacy.registry)."""

from uuid import UUID

from channels_app.models import Channel, RawEvent
from privacy.registry import add_channel_names, register

CONNECT = ("to connect the customer's channels", "contract")
ROUTE = ("to route messages between the customer and its end users", "contract (processor)")

register(
    Channel, role="controller", retention="until disconnected",
    personal={"credentials": CONNECT, "name": CONNECT, "address": CONNECT},
    clear=("provider", "external_id", "account_id", "status", "status_reason"),
)  # fmt: skip
register(
    RawEvent, role="processor", retention="7 days",
    personal={"body": ROUTE, "event_key": ROUTE}, clear=("provider", "state", "reason"),
)  # fmt: skip


def _names() -> dict[UUID, str]:
    return {channel.pk: channel.name for channel in Channel.objects.order_by("created_at")}


add_channel_names(_names)
