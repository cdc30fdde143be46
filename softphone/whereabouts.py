"""Where a request came from."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

# What one customer of a network is given, at least: whoever has one address of it has all of them.
IPV6_PREFIX_BITS = 64


def address_of(request: HttpRequest) -> str:
    """The client's address; empty when it has none, as behind a local socket.

    X-Forwarded-For counts only behind a proxy that is trusted (TRUSTED_PROXY), and then only its right-most entry,
    which that proxy wrote: everything left of it may be made up.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.ALLAUTH_TRUSTED_PROXY_COUNT else ""
    found = _read(forwarded.rpartition(",")[2]) or _read(request.META.get("REMOTE_ADDR", ""))
    return "" if found is None else str(found)


def network_of(address: str) -> str:
    """By what attempts are counted: an IPv4 address itself, an IPv6 address's network.

    >>> network_of("192.0.2.7"), network_of("2001:db8::7:8"), network_of("")
    ('192.0.2.7', '2001:db8::', '')
    """
    found = _read(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((found, IPV6_PREFIX_BITS), strict=False).network_address)
    return address


def is_secure(request: HttpRequest) -> bool:
    """Did the request come by https? Behind a trusted proxy, what it says; else PUBLIC_URL tells how we are reached."""
    return request.is_secure() or (settings.SECURE and settings.SECURE_PROXY_SSL_HEADER is None)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: bare, in brackets, with a port."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
