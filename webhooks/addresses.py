"""Which addresses of customers may be told anything: how a URL must be written, and which IPs are out of bounds.

Pure. The URL is read once, by one strict reader, and what was read is what is connected to: two readers that disagree
about the host of `https://a@b\\@c` are how such checks are passed by. What is not plainly allowed is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

PORTS = (443, 8443)
LONGEST_URL = 2000

# IANA's special-purpose registry and what lies beside it. The library's own `is_global` is asked too, but it depends
# on the Python version, and what it says of relays and of multicast is not what is needed here.
_NOT_PUBLIC_4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and inside some clouds
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: the clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays to 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# Whatever carries an IPv4 address inside (mapped, compatible, translated by NAT64) lies outside, and so do loopback,
# link-local, site-local, unique local and multicast addresses.
_GLOBAL_UNICAST_6 = ip_network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    ip_network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)
# An interface identifier with an IPv4 address inside (ISATAP), whatever the network is.
_ISATAP = (0x00005EFE, 0x02005EFE)

_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([1-9][0-9]{0,4}))?")
_TAIL = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class AddressRefused(ValueError):
    """An address that is not told anything; the message is one sentence that says why."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A URL that may be told, taken apart. An IPv6 host has no brackets; `path` includes the query.

    `is_private` says that the operator named it for a test bench: then its address is not looked at.
    """

    is_tls: bool
    host: str
    port: int
    path: str
    is_private: bool

    @property
    def is_ip(self) -> bool:
        return _is_ip(self.host)

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def read_target(url: str, private_targets: Collection[str] = ()) -> Target:
    """Take a URL apart. Raises AddressRefused for everything that is not https to a public name or IP.

    `private_targets` are the "host:port" that may be told all the same, on any port and without TLS.

    >>> read_target("https://hooks.example.com/ringfence?for=us").host_header
    'hooks.example.com'
    """
    if len(url) > LONGEST_URL:
        raise AddressRefused(f"The address is longer than {LONGEST_URL} characters.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise AddressRefused("Write the address in ASCII without spaces or backslashes; a name such as xn--… included.")
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in ("https", "http"):
        raise AddressRefused("The address must start with https://.")
    authority, tail = _split(rest)
    host, port = _host_and_port(authority, default=443 if scheme.lower() == "https" else 80)
    is_private = f"{f'[{host}]' if ':' in host else host}:{port}" in private_targets
    if not is_private:
        _check_public(scheme.lower(), host, port)
    path = tail if tail.startswith("/") else f"/{tail}"
    return Target(is_tls=scheme.lower() == "https", host=host, port=port, path=path, is_private=is_private)


def is_public(address: str) -> bool:
    """Is this IP one that anybody on the internet may be told at? False for what is no plain IP at all.

    >>> is_public("169.254.169.254"), is_public("64:ff9b::a9fe:a9fe"), is_public("192.175.48.1")
    (False, False, True)
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if not ip.is_global or ip.is_multicast or ip.is_reserved or ip.is_unspecified:
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC_4)
    if ip.scope_id is not None or ip not in _GLOBAL_UNICAST_6 or (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP:
        return False
    return not any(ip in network for network in _NOT_PUBLIC_6)


def _split(rest: str) -> tuple[str, str]:
    begin = next((position for position, character in enumerate(rest) if character in "/?#"), len(rest))
    authority, tail = rest[:begin], rest[begin:]
    if "@" in authority:
        raise AddressRefused("The address must not hold a user name or password.")
    if "#" in tail:
        raise AddressRefused("The address must not have a fragment (#…): nobody would receive it.")
    if _TAIL.fullmatch(tail) is None:
        raise AddressRefused("Write special characters of the path with percent signs, such as %22.")
    return authority, tail


def _host_and_port(authority: str, *, default: int) -> tuple[str, int]:
    match = _AUTHORITY.fullmatch(authority)
    port = int(match[2] or default) if match else 0
    if match is None or not match[1] or port > 65_535:
        raise AddressRefused("The address has no host or port that can be read.")
    host = match[1].lower()
    return (_read_ipv6(host[1:-1]) if host.startswith("[") else _read_name(host)), port


def _read_ipv6(text: str) -> str:
    try:
        ip = IPv6Address(text)
    except ValueError:
        ip = None
    if ip is None or ip.scope_id is not None:
        raise AddressRefused("What stands in the brackets is not an IPv6 address.")
    return str(ip)


def _read_name(host: str) -> str:
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise AddressRefused("Write an IPv4 address as four decimal numbers without zeros in front.") from None
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise AddressRefused("The host is not a name such as hooks.example.com.")
    return host


def _check_public(scheme: str, host: str, port: int) -> None:
    if scheme != "https":
        raise AddressRefused("The address must start with https://.")
    if port not in PORTS:
        raise AddressRefused(f"The port must be {' or '.join(map(str, PORTS))}.")
    if _is_ip(host) and not is_public(host):
        raise AddressRefused("The address is not a public one.")
    if not _is_ip(host) and "." not in host:
        raise AddressRefused("The host is not a name such as hooks.example.com.")


def _is_ip(host: str) -> bool:
    """Whether a host that was read is an IP: a name never ends in a number."""
    return ":" in host or host.rpartition(".")[2].isdecimal()
