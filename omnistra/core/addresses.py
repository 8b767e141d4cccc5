"""Where a request comes from: one function for everybody, and the parts of an address that may be counted or shown.

1. A header can say anything: X-Forwarded-For is read only as far as proxies of ours (TRUSTED_PROXIES) wrote it.
2. A whole address is never kept: limits count a keyed hash of `network`, pages and mails show `hint`.
"""

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

from omnistra.core.sealing import installation_hash

UNIX = "unix"  # in TRUSTED_PROXIES: whoever connects through a socket in the file system, and so has no address

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(maxsize=8)
def _networks(names: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(name, strict=False) for name in names if name != UNIX)


def _parsed(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.strip().split("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _is_ours(address: Address | None) -> bool:
    if address is None:
        return UNIX in settings.TRUSTED_PROXIES
    return any(address in network for network in _networks(tuple(settings.TRUSTED_PROXIES)))


def client_address(request: HttpRequest) -> str:
    """The client's address, or "" where there is none. Past proxies of ours the last entry that a proxy wrote counts."""
    here = _parsed(request.META.get("REMOTE_ADDR") or "")
    for said in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if not _is_ours(here) or (before := _parsed(said)) is None:
            break
        here = before
    return str(here) if here else ""


def network(address: str) -> str:
    """What one visitor can choose addresses from freely, and so what a limit counts: IPv4 whole, IPv6 its /64."""
    found = _parsed(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network(f"{found}/64", strict=False))
    return str(found or "")


def network_hash(request: HttpRequest, purpose: str) -> bytes:
    """The network that a request comes from, 16 bytes. Hashes of different purposes cannot be matched."""
    return installation_hash(purpose, network(client_address(request)).encode())


def hint(address: str) -> str:
    """Enough to recognise one's own network by, and no more: `203.0.113.*`, `2001:db8:1:*`; "" for none."""
    found = _parsed(address)
    if isinstance(found, ipaddress.IPv4Address):
        return f"{str(found).rpartition('.')[0]}.*"
    return ":".join(f"{int(group, 16):x}" for group in found.exploded.split(":")[:3]) + ":*" if found else ""
