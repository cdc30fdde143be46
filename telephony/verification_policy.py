"""May this verification begin? Facts in, None or the reason out. Every limit is in the table below.

A text or a call with a code costs money, and whoever has numbers of a premium range earns by having them sent. So it
is counted how often a number, and the network that asks, had one; and a country in which hardly anybody ever brings the
code back is stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


class Limit(StrEnum):
    """What a verification can be refused for."""

    COUNTRY = "country"
    NUMBER = "number"
    NETWORK = "network"
    CONVERSION = "conversion"


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """At most so many within a time, and how that time is called."""

    most: int
    within: timedelta
    words: str


PER_NUMBER = (
    Allowance(most=1, within=timedelta(seconds=30), words="within 30 seconds"),
    Allowance(most=5, within=timedelta(hours=1), words="within an hour"),
    Allowance(most=10, within=timedelta(hours=24), words="within a day"),
)
PER_NETWORK = (Allowance(most=10, within=timedelta(hours=1), words="within an hour"),)

# A network is what one customer of an access provider has: the addresses in it are one person's to choose.
IPV4_NETWORK_BITS = 24
IPV6_NETWORK_BITS = 48

CONVERSION_WITHIN = timedelta(hours=24)
CONVERSION_ASKED_FROM = 50  # verifications of a country; fewer say nothing
LEAST_CONVERSION_PERCENT = 30


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """How many verifications of a country were begun, and how many of those were successful."""

    begun: int
    successful: int

    @property
    def percent(self) -> int:
        """Rounded down; 0 when none was begun."""
        return 100 * self.successful // self.begun if self.begun else 0

    @property
    def is_stopped(self) -> bool:
        """Enough were begun to judge, and too few came to a good end."""
        too_few = 100 * self.successful < LEAST_CONVERSION_PERCENT * self.begun
        return self.begun >= CONVERSION_ASKED_FROM and too_few


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known when somebody wants to begin. Counts are of those begun before, one for each allowance.

    `of_network` is empty when nobody knows where the wish comes from. `country` is two letters, or empty.
    """

    country: str
    country_allowed: bool
    of_number: tuple[int, ...]
    of_network: tuple[int, ...]
    conversion: Conversion


@dataclass(frozen=True, kw_only=True)
class Denial:
    """Why not: `say` is for whoever asked, `detail` for staff, with the figures."""

    limit: Limit
    say: str
    detail: str


def denial(facts: Facts) -> Denial | None:
    """The first reason against it, or None."""
    place = f"numbers in {facts.country}" if facts.country else "such numbers"
    if not facts.country_allowed:
        sentence = f"We do not verify {place}: use a number of another country."
        return Denial(limit=Limit.COUNTRY, say=sentence, detail=sentence)
    for allowance, count in zip(PER_NUMBER, facts.of_number, strict=True):
        if count >= allowance.most:
            return _too_often(Limit.NUMBER, "of this number", allowance, count)
    if facts.of_network:
        for allowance, count in zip(PER_NETWORK, facts.of_network, strict=True):
            if count >= allowance.most:
                return _too_often(Limit.NETWORK, "from your network", allowance, count)
    if facts.conversion.is_stopped:
        return Denial(
            limit=Limit.CONVERSION,
            say=f"We verify no {place} for now: use a number of another country, or try again tomorrow.",
            detail=(
                f"Verifications of {place} are stopped: {facts.conversion.successful} of {facts.conversion.begun} "
                f"begun within 24 hours were successful, which is under {LEAST_CONVERSION_PERCENT} %."
            ),
        )
    return None


def network_of(address: str) -> IPv4Network | IPv6Network | None:
    """The network that an address is counted with; None for what is no address.

    >>> [str(network_of(text)) for text in ("192.0.2.77", "2001:db8:1:2::3", "::ffff:192.0.2.77", "")]
    ['192.0.2.0/24', '2001:db8:1::/48', '192.0.2.0/24', 'None']
    """
    plain = plain_address(address)
    if plain is None:
        return None
    bits = IPV6_NETWORK_BITS if ":" in plain else IPV4_NETWORK_BITS
    return ip_network(f"{plain}/{bits}", strict=False)


def plain_address(text: str) -> str | None:
    """The address in its one spelling, without a zone, an IPv4 address in IPv6 dress undressed; None for no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or IPv6Address(int(address))
    return str(address)


def _too_often(limit: Limit, whose: str, allowance: Allowance, count: int) -> Denial:
    begun = "One verification" if count == 1 else f"{count} verifications"
    was = "was" if count == 1 else "were"
    sentence = f"{begun} {whose} {was} begun {allowance.words}, and {allowance.most} is the most: try again later."
    return Denial(limit=limit, say=sentence, detail=sentence)
