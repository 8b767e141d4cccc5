"""Where a request comes from, as far as limits and the notice of new addresses need it: a keyed hash, never an address."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.http import HttpRequest

from omnistra.core.sealing import installation_hash


def network(address: str) -> str:
    """What counts as one place: an IPv4 address, the /64 of an IPv6 address (one household or host has all of it)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((int(parsed), 64), strict=False))
    return str(parsed)


def network_hash(request: HttpRequest, purpose: str) -> bytes:
    """The place that a request comes from, 16 bytes. Hashes of different purposes cannot be matched."""
    return installation_hash(purpose, network(request.META.get("REMOTE_ADDR", "")).encode())
