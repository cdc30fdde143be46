"""What the policy of verifications needs to know, counted so that nobody can pass a limit by asking at once.

Whoever wants to begin one first locks the number, then the network, then the country at the application, always in
this order and before any row: see docs/locking.md. A lock is held until the commit, so what is counted behind it stays
true until the new verification is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from accounts import notices
from accounts.models import Notice
from accounts.numbers import countries_of
from postgres.statements import Answer, ask, tell
from telephony.verification_policy import (
    CONVERSION_WITHIN,
    PER_NETWORK,
    PER_NUMBER,
    Allowance,
    Conversion,
    Denial,
    Facts,
    Limit,
    network_of,
)

# One that was denied, by us or by the provider, or never reached the provider, cost nobody anything. One that is
# pending may be on its way.
COUNTED = "status <> 'denied' AND (status = 'pending' OR provider_id <> '')"

_OF_COUNTRY = f"""
SELECT count(*), count(*) FILTER (WHERE status = 'successful') FROM telephony_verification
WHERE country = %s AND application_id = %s AND created_at > %s AND {COUNTED}
"""  # noqa: S608 - built from constants of this module

# A number of any default deck of verifications with a price for it. The currency does not matter here.
_PRICED = """
SELECT 1 FROM billing_rate rate JOIN billing_ratedeck deck ON deck.active_version_id = rate.version_id
WHERE deck.service = 'verifications' AND deck.is_default AND rate.prefix = ANY(%s) AND rate.effective_from <= %s
LIMIT 1
"""


_CONVERSIONS = f"""
SELECT application_id, country, count(*), count(*) FILTER (WHERE status = 'successful') FROM telephony_verification
WHERE created_at > %s AND {COUNTED}
GROUP BY application_id, country ORDER BY count(*) DESC, country LIMIT %s
"""  # noqa: S608 - built from constants of this module


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Counts on their way. `of_network` is None when nobody knows where the wish comes from."""

    country: str
    of_number: Answer
    of_network: Answer | None
    of_country: Answer


def country_of(number: str) -> str:
    """Where a number is counted: the first country it may be in, as two letters; empty when it is in none."""
    return next(iter(countries_of(number)), "")


def count(application_id: int, number: str, country: str, address: str | None, now: datetime) -> Counted:
    """Lock what is to be counted, then count it. See `facts_of`."""
    network = network_of(address) if address else None
    _lock(f"number:{number}")
    if network is not None:
        _lock(f"network:{network}")
    _lock(f"country:{application_id}:{country}")
    return Counted(
        country=country,
        of_number=_begun("number = %s", [number], PER_NUMBER, now),
        of_network=None
        if network is None
        else _begun(
            "from_address BETWEEN %s::inet AND %s::inet", [str(network[0]), str(network[-1])], PER_NETWORK, now
        ),
        of_country=ask(_OF_COUNTRY, [country, application_id, now - CONVERSION_WITHIN]),
    )


def find_price(prefixes: Sequence[str], now: datetime) -> Answer:
    """Ask whether anybody pays for verifying a number with these prefixes. A row means yes."""
    return ask(_PRICED, [list(prefixes), now])


def facts_of(counted: Counted, *, country_allowed: bool) -> Facts:
    """The facts, once the counts are here."""
    begun, successful = counted.of_country.row() or (0, 0)
    return Facts(
        country=counted.country,
        country_allowed=country_allowed,
        of_number=counted.of_number.row() or (),
        of_network=() if counted.of_network is None else counted.of_network.row() or (),
        conversion=Conversion(begun=begun, successful=successful),
    )


def conversions(now: datetime, at_most: int) -> list[tuple[int, str, Conversion]]:
    """What the conversion guard sees now: application, country and figures, the busiest first."""
    found = ask(_CONVERSIONS, [now - CONVERSION_WITHIN, at_most]).rows()
    return [(row[0], row[1], Conversion(begun=row[2], successful=row[3])) for row in found]


def tell_staff(denied: Denial, application_id: int, country: str, now: datetime) -> None:
    """Leave staff a notice when a country was stopped: once a day for each."""
    if denied.limit is Limit.CONVERSION:
        key = f"verifications-stopped:{application_id}:{country}:{now.date()}"
        notices.tell(None, key, denied.detail, Notice.Level.WARNING)


def _begun(whose: str, values: list[str], allowances: Sequence[Allowance], now: datetime) -> Answer:
    """Ask how many of these were begun, within each allowance's time."""
    longest = max(allowance.within for allowance in allowances)
    counts = ", ".join("count(*) FILTER (WHERE created_at > %s)" for _ in allowances)
    return ask(
        f"SELECT {counts} FROM telephony_verification WHERE {whose} AND created_at > %s AND {COUNTED}",  # noqa: S608
        [*(now - allowance.within for allowance in allowances), *values, now - longest],
    )


def lock_key(name: str) -> int:
    """The number by which PostgreSQL knows the lock of a number, network or country."""
    return int.from_bytes(sha256(f"verification {name}".encode()).digest()[:8], "big", signed=True)


def _lock(name: str) -> None:
    tell("SELECT pg_advisory_xact_lock(%s)", [lock_key(name)])
