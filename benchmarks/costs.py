"""What a callback costs outside the database: the decision, and the proof of who sent it."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from accounts.limits import VERIFIED, Standing
from benchmarks.signed_calls import CALLBACK_PATH, ice_body
from benchmarks.world import KEY, SECRET
from billing.rating import PinnedRate, Quote, Terms
from sandbox import signing
from telephony.policy import Grant, how_long
from telephony.providers.base import Callback, Credentials
from telephony.providers.sinch.provider import Sinch
from telephony.providers.sinch.signing import normalise_key

RUNS = 2_000
REPEATS = 7

STANDING = Standing(
    account_id=1, is_active=True, limits=VERIFIED, destination_allowed=True, shown_number="+12025550123"
)


def decision_microseconds() -> float:
    """A policy decision with its quote, as it is made once the database has answered."""
    return _best_of(_decide)


def verification_microseconds() -> float:
    """Proving one signed ICE genuine: MD5 of the body, HMAC, clock."""
    now = datetime.now(UTC)
    body = ice_body("7d1f6a2c-9b3e-4c58-8a70-2f5e6d9c1b04", "user1", "+442079460000")
    headers = signing.signed_headers(
        key=KEY, secret=SECRET, path=CALLBACK_PATH, body=body, content_type="application/json", now=now
    )
    lowered = {name.lower(): value for name, value in headers.items()}
    callback = Callback(method="POST", path=CALLBACK_PATH, headers=lowered, body=body)
    sinch, keyring = Sinch(), _OneApplication()
    return _best_of(lambda: sinch.verify(callback, keyring, now))


class _OneApplication:
    """A keyring with the benchmark's application."""

    def find(self, key: str) -> Credentials | None:
        known = Credentials(application_id=1, key=KEY, secrets=(SECRET,))
        return known if key == normalise_key(KEY) else None


def _decide() -> None:
    terms = Terms(price_per_minute=Decimal("0.0600"), connection_fee=Decimal("0.010000"))
    rate = PinnedRate(rate_id=1, prefix="44", destination="United Kingdom", terms=terms)
    quote = Quote(wallet_id=1, currency="USD", available=Decimal("5.000000"), rate=rate)
    assert isinstance(how_long(STANDING, quote, open_calls=3), Grant)


def _best_of(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, number=RUNS, repeat=REPEATS)) / RUNS * 1e6
