"""The providers, one line each."""

from channels_app.contract import Provider
from channels_app.providers.whatsapp.provider import WhatsApp

PROVIDERS: dict[str, Provider] = {each.slug: each for each in (WhatsApp(),)}


def provider(slug: str) -> Provider:
    """The provider of a channel. Raises KeyError for an unknown one."""
    return PROVIDERS[slug]
