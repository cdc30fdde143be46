"""Guessing at PINs: whoever guesses is stopped, and the operator hears of it.

An account's own count is in `accounts.pins`. Here is what is counted by the caller's number, for whoever tries one
account after the other, and for all callers together, whose numbers may be made up.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from accounts.pins import MOST_WRONG_PINS, WRONG_PINS_COUNT_FOR
from postgres.statements import Answer, ask
from postgres.work import in_one_transaction
from telephony import alarms

# So many wrong PINs of all callers within ten minutes are no accidents.
SUSPICIOUS = 30
SUSPICIOUS_WITHIN = timedelta(minutes=10)
TOLD_EVERY = timedelta(hours=1)


def find_by(caller: str, at: datetime) -> Answer:
    """Ask how many wrong PINs came from this number within a day. See `are_too_many`.

    A hidden number is nobody's, so it is not counted: then the account's own count alone protects it.
    """
    return ask(
        "SELECT coalesce(sum(wrong_pins), 0) FROM ("
        "    SELECT r.wrong_pins FROM telephony_call c JOIN telephony_menurun r ON r.call_id = c.id "
        "    WHERE c.caller = %s AND c.access_number_id IS NOT NULL AND c.begun_at > %s AND r.wrong_pins > 0 "
        "    ORDER BY c.begun_at DESC LIMIT %s) latest",
        [caller if caller.startswith("+") else None, at - WRONG_PINS_COUNT_FOR, MOST_WRONG_PINS],
    )


def are_too_many(guessed: Answer) -> bool:
    """Whether nothing that comes from this number is right any more today."""
    row = guessed.row()
    return row is not None and row[0] >= MOST_WRONG_PINS


def tell_locked(account: str, at: datetime) -> None:
    """The operator hears of an account, by name, at which no PIN is right any more; in the caller's transaction."""
    sentence = f"The PIN of {account} was wrong {MOST_WRONG_PINS} times: no PIN is right there for a day."
    key = f"pin-locked:{sha256(account.encode()).hexdigest()[:16]}"
    alarms.raise_alarm(key, "a PIN is locked", sentence, at, every=TOLD_EVERY)


def watch(now: datetime) -> None:
    """Tell the operator when wrong PINs come from everywhere, once an hour while it lasts."""
    in_one_transaction(lambda: _watch(now))


def _watch(now: datetime) -> None:
    row = ask(
        "SELECT coalesce(sum(r.wrong_pins), 0), count(DISTINCT c.caller) "
        "FROM telephony_call c JOIN telephony_menurun r ON r.call_id = c.id "
        "WHERE c.begun_at > %s AND r.wrong_pins > 0",
        [now - SUSPICIOUS_WITHIN],
    ).row()
    assert row is not None  # noqa: S101 - it counts
    wrong, callers = row
    if wrong >= SUSPICIOUS:
        minutes = SUSPICIOUS_WITHIN.seconds // 60
        sentence = f"{wrong} wrong PINs from {callers} numbers within {minutes} minutes: somebody may be guessing."
        alarms.raise_alarm("pins-guessed", "somebody guesses PINs", sentence, now, every=TOLD_EVERY)
