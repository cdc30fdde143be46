"""Who proves to be whom by a PIN: the caller's number names an account, the PIN proves it.

A number alone proves nothing, because it can be made up. Whether a number is known, has a PIN or is locked cannot be
heard by somebody who guesses: every try costs one hash and sounds the same.

A PIN has so few digits that no slow hash protects it from somebody who holds the database: ten thousand tries are
nothing. What protects it is a key that is not in the database, FIELD_KEY; see docs/adr/0013.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password

from postgres.statements import Answer, ask, tell

# Ten wrong PINs within a day, and none is right until the day is over.
MOST_WRONG_PINS = 10
WRONG_PINS_COUNT_FOR = timedelta(days=1)

_MARK = "pin"
_NOBODYS_HASH = f"{_MARK}$salt$no digest"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The account that a caller's number claims to belong to. `pin_hash` is empty when it has no PIN."""

    account_id: int
    pin_hash: str


def find_claim(number: str) -> Answer:
    """Ask whose verified number this is. See `read_claim`."""
    return ask(
        "SELECT a.id, a.pin_hash FROM accounts_callernumber known "
        "JOIN accounts_account a ON a.id = known.account_id "
        "WHERE known.number = %s AND known.verified_at IS NOT NULL",
        [number],
    )


def read_claim(answer: Answer) -> Claim | None:
    """The claim that was asked for; None when the number is nobody's."""
    row = answer.row()
    return None if row is None else Claim(account_id=row[0], pin_hash=row[1])


def proves(claim: Claim | None, pin: str, at: datetime) -> bool:
    """Does the PIN prove the claim? A wrong one is counted, and the right one proves nothing once ten were counted.

    Whoever guesses in a hundred calls at once gains nothing by that: the account's row lets them in one by one.
    """
    is_right = fits(pin, claim.pin_hash if claim else "")
    if claim is None:
        return False
    if is_right:
        return _forget_wrong(claim.account_id, at)
    count_wrong(claim.account_id, at)
    return False


def count_wrong(account_id: int, at: datetime) -> None:
    """A wrong PIN was given for the account. A day after the first one the count begins again."""
    day_ago = at - WRONG_PINS_COUNT_FOR
    tell(
        "UPDATE accounts_account SET "
        "wrong_pins = CASE WHEN wrong_pins_since > %s THEN least(wrong_pins + 1, 1000) ELSE 1 END, "
        "wrong_pins_since = CASE WHEN wrong_pins_since > %s THEN wrong_pins_since ELSE %s END "
        "WHERE id = %s",
        [day_ago, day_ago, at, account_id],
    )


def _forget_wrong(account_id: int, at: datetime) -> bool:
    """Begin the count again, unless it has reached its end; then False."""
    forgotten = ask(
        "UPDATE accounts_account SET wrong_pins = 0, wrong_pins_since = NULL "
        "WHERE id = %s AND NOT coalesce(wrong_pins >= %s AND wrong_pins_since > %s, false) RETURNING id",
        [account_id, MOST_WRONG_PINS, at - WRONG_PINS_COUNT_FOR],
    )
    return forgotten.row() is not None


def hash_of(pin: str) -> str:
    """What is kept of a PIN: a salt, and a keyed hash of both."""
    salt = secrets.token_hex(8)
    return f"{_MARK}${salt}${_digest(settings.FIELD_KEYS[0], salt, pin)}"


def fits(pin: str, pin_hash: str) -> bool:
    """Is this the PIN's hash? An empty one is nobody's. Every key of FIELD_KEY is tried, so keys can be rotated."""
    if pin_hash and not pin_hash.startswith(f"{_MARK}$"):
        return check_password(pin, pin_hash)  # kept before 0.2.0
    _, salt, digest = (pin_hash or _NOBODYS_HASH).split("$")
    matches = [hmac.compare_digest(digest, _digest(key, salt, pin)) for key in settings.FIELD_KEYS]
    return any(matches)


def _digest(key: str, salt: str, pin: str) -> str:
    return hmac.digest(key.encode(), f"{_MARK}:{salt}:{pin}".encode(), "sha256").hex()
