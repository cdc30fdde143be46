"""Who proves to be whom by a PIN: the caller's number names an account, or a card number does; the PIN proves it.

A number alone proves nothing, because it can be made up. Whether a number is known, has a PIN or is locked cannot be
heard by somebody who guesses: every try costs the same hashes and sounds the same.

An account has the PIN that its people remember, and each app's line one that the app dials by itself.

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

from postgres.statements import Answer, ask

# Ten wrong PINs within a day, and none is right until the day is over.
MOST_WRONG_PINS = 10
WRONG_PINS_COUNT_FOR = timedelta(days=1)

# Ten digits and the shortest PIN behind them are more than the longest PIN, so what was entered has one reading.
CARD_NUMBER_DIGITS = 10
LONGEST_PIN = 12
SHORTEST_PIN = 4

_MARK = "pin"
_LINE_MARK = "line-pin"
_NOBODYS_HASH = f"{_MARK}$salt$no digest"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The account that a number claims. `pin_hash` is empty when it has no PIN; `line_digests` are its lines' PINs."""

    account_id: int
    pin_hash: str
    line_digests: tuple[str, ...] = ()


_CLAIMED = (
    "SELECT a.id, a.pin_hash, "
    "ARRAY(SELECT pin_digest FROM accounts_clientuser WHERE account_id = a.id AND pin_digest <> '') "
    "FROM accounts_account a "
)


def find_claim(number: str) -> Answer:
    """Ask whose verified number this is. See `read_claim`."""
    return ask(
        _CLAIMED + "JOIN accounts_callernumber known ON known.account_id = a.id "
        "WHERE known.number = %s AND known.verified_at IS NOT NULL",
        [number],
    )


def find_claim_of_card(card_number: str) -> Answer:
    """Ask whose card number this is. See `read_claim`."""
    return ask(_CLAIMED + "WHERE a.card_number = %s", [card_number])


def read_claim(answer: Answer) -> Claim | None:
    """The claim that was asked for; None when the number is nobody's."""
    row = answer.row()
    return None if row is None else Claim(account_id=row[0], pin_hash=row[1], line_digests=tuple(row[2]))


def find_trusted(number: str) -> Answer:
    """Ask whose number this is that needs no PIN, because its owner chose to run that risk. See `read_trusted`."""
    return ask(
        "SELECT account_id FROM accounts_callernumber WHERE number = %s AND verified_at IS NOT NULL AND NOT needs_pin",
        [number],
    )


def read_trusted(answer: Answer) -> int | None:
    """The account that was asked for; None when a PIN is needed."""
    row = answer.row()
    return None if row is None else row[0]


def read_entered(digits: str) -> tuple[str, str]:
    """What somebody entered as card number and PIN; the card number is empty when only a PIN was entered.

    >>> read_entered("4711"), read_entered("90123456784711")
    (('', '4711'), ('9012345678', '4711'))
    """
    if len(digits) < CARD_NUMBER_DIGITS + SHORTEST_PIN:
        return "", digits
    return digits[:CARD_NUMBER_DIGITS], digits[CARD_NUMBER_DIGITS:]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a try at a PIN came to. `has_locked`: it was the wrong one too many; `account` is then whose, by name."""

    is_proved: bool
    has_locked: bool
    account: str


# The right PIN begins the count again, unless it has reached its end; a wrong one is counted within its day. One
# statement whatever was tried, so that nobody can tell by the time it takes; nobody's account has the id 0.
_TRY = """
UPDATE accounts_account SET
    wrong_pins = CASE
        WHEN %s AND wrong_pins >= %s AND wrong_pins_since > %s THEN wrong_pins
        WHEN %s THEN 0
        WHEN wrong_pins_since > %s THEN least(wrong_pins + 1, 1000)
        ELSE 1 END,
    wrong_pins_since = CASE
        WHEN %s AND wrong_pins >= %s AND wrong_pins_since > %s THEN wrong_pins_since
        WHEN %s THEN NULL
        WHEN wrong_pins_since > %s THEN wrong_pins_since
        ELSE %s END
WHERE id = %s RETURNING wrong_pins, name
"""


def try_pin(claim: Claim | None, pin: str, at: datetime) -> Verdict:
    """Does the PIN prove the claim? A wrong one is counted, and the right one proves nothing once ten were counted.

    Whoever guesses in a hundred calls at once gains nothing by that: the account's row lets them in one by one. A day
    after the first wrong one the count begins again.
    """
    fits_account = fits(pin, claim.pin_hash if claim else "")
    fits_line = _fits_line(pin, claim)
    is_right, day_ago = fits_account or fits_line, at - WRONG_PINS_COUNT_FOR
    locked = [is_right, MOST_WRONG_PINS, day_ago, is_right, day_ago]
    row = ask(_TRY, [*locked, *locked, at, claim.account_id if claim else 0]).row()
    wrong, name = row or (0, "")
    return Verdict(
        is_proved=row is not None and is_right and wrong == 0,
        has_locked=not is_right and wrong == MOST_WRONG_PINS,
        account=name,
    )


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


def digest_of_line_pin(account_id: int, pin: str) -> str:
    """What is kept of the PIN that a line's app dials by itself. The account is its salt: one hash tries all lines."""
    return _line_digest(settings.FIELD_KEYS[0], account_id, pin)


def _fits_line(pin: str, claim: Claim | None) -> bool:
    account_id, digests = (claim.account_id, claim.line_digests) if claim else (0, ())
    tried = [_line_digest(key, account_id, pin) for key in settings.FIELD_KEYS]
    matches = [hmac.compare_digest(digest, each) for digest in digests for each in tried]
    return any(matches)


def _line_digest(key: str, account_id: int, pin: str) -> str:
    return hmac.digest(key.encode(), f"{_LINE_MARK}:{account_id}:{pin}".encode(), "sha256").hex()


def _digest(key: str, salt: str, pin: str) -> str:
    return hmac.digest(key.encode(), f"{_MARK}:{salt}:{pin}".encode(), "sha256").hex()
