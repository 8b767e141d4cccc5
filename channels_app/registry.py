"""The providers, one line each."""

from channels_app.contract import Provider
from channels_app.providers.instagram.provider import Instagram
from channels_app.providers.messenger.provider import Messenger
from channels_app.providers.whatsapp.provider import WhatsApp

_ALL: tuple[Provider, ...] = (WhatsApp(), Messenger(), Instagram())
PROVIDERS: dict[str, Provider] = {each.slug: each for each in _ALL}


def provider(slug: str) -> Provider:
    """The provider of a channel. Raises KeyError for an unknown one."""
    return PROVIDERS[slug]
