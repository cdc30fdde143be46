"""What things cost and what may be spent, for people who look. Nothing is locked, and nothing is promised.

Who begins a call or sends a text asks `charging` or `piecework`, whose answers hold until the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from accounts.numbers import prefixes
from billing.charging import APP_PREFIX
from billing.money import ZERO, Money
from postgres.statements import Row, ask

LONGEST_PREFIX = 15  # as the column is wide

_TARIFF = """
SELECT w.currency,
    (SELECT deck.active_version_id FROM billing_ratedeck deck WHERE deck.id = coalesce(
        (SELECT named.id FROM billing_ratedeck named
         WHERE named.id = ANY(%s) AND named.currency = w.currency AND named.service = 'calls'
         ORDER BY named.id LIMIT 1),
        w.deck_id,
        (SELECT usual.id FROM billing_ratedeck usual
         WHERE usual.currency = w.currency AND usual.service = 'calls' AND usual.is_default))),
    (SELECT deck.active_version_id FROM billing_ratedeck deck
     WHERE deck.currency = w.currency AND deck.service = 'texts' AND deck.is_default)
FROM billing_wallet w
WHERE w.account_id = %s
"""

# The longest prefix of what was typed, and every prefix that begins with what was typed: the whole number may cost any
# of their prices. A rate counts from its date until the next of its prefix. All are digits, which every collation
# sorts alike, so the unique index of a version's rates has them side by side.
_RANGE = """
SELECT min(found.price), max(found.price) FROM (
    (SELECT rate.{price} AS price FROM billing_rate rate
     WHERE rate.version_id = %s AND rate.prefix = ANY(%s) AND rate.effective_from <= %s
     ORDER BY length(rate.prefix) DESC, rate.effective_from DESC LIMIT 1)
    UNION ALL
    (SELECT newest.price FROM (
        SELECT DISTINCT ON (rate.prefix) rate.{price} AS price FROM billing_rate rate
        WHERE rate.version_id = %s AND rate.prefix > %s AND rate.prefix <= %s AND rate.effective_from <= %s
        ORDER BY rate.prefix, rate.effective_from DESC) newest)
) found
"""
_PRICES = f"""
SELECT calls.*, texts.*, (
    SELECT rate.price_per_minute FROM billing_rate rate
    WHERE rate.version_id = %s AND rate.prefix = '{APP_PREFIX}' AND rate.effective_from <= %s
    ORDER BY rate.effective_from DESC LIMIT 1)
FROM ({_RANGE.format(price="price_per_minute")}) calls, ({_RANGE.format(price="price_each")}) texts
"""  # noqa: S608 - built from constants of this module


@dataclass(frozen=True, kw_only=True)
class Tariff:
    """Which versions of which decks price what an account does; None where there is no deck in force."""

    currency: str
    calls_version_id: int | None
    texts_version_id: int | None


@dataclass(frozen=True, kw_only=True)
class Range:
    """The lowest and the highest of the prices that something may have."""

    least: Decimal
    most: Decimal


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What a number costs of which the first digits are known; None where there is no price.

    `call` and `call_between_apps` are by the minute, `text` is for one segment. Calls between apps are free unless the
    deck says otherwise.
    """

    call: Range | None
    text: Range | None
    call_between_apps: Decimal


def available(account_id: int) -> Money | None:
    """What the account may still spend; less than nothing is possible. None when it has no wallet."""
    row = ask(
        "SELECT balance - held + credit_limit, currency FROM billing_wallet WHERE account_id = %s", [account_id]
    ).row()
    return None if row is None else Money(row[0], row[1])


def tariff_of(account_id: int, deck_ids: Sequence[int] = ()) -> Tariff | None:
    """The account's tariff as it is now; None when it has no wallet.

    Calls are priced by its own deck, or by that among `deck_ids` which has its currency.
    """
    row = ask(_TARIFF, [list(deck_ids), account_id]).row()
    return None if row is None else Tariff(currency=row[0], calls_version_id=row[1], texts_version_id=row[2])


def prices(tariff: Tariff, typed: str, at: datetime) -> Prices:
    """What numbers cost that begin with the typed digits, country code first, without plus. More than 15 are cut."""
    digits = typed[:LONGEST_PREFIX]
    calls = _range_parameters(tariff.calls_version_id, digits, at)
    texts = _range_parameters(tariff.texts_version_id, digits, at)
    (row,) = ask(_PRICES, [tariff.calls_version_id, at, *calls, *texts]).rows()
    return Prices(call=_range(row[:2]), text=_range(row[2:4]), call_between_apps=ZERO if row[4] is None else row[4])


def _range_parameters(version_id: int | None, digits: str, at: datetime) -> list[object]:
    last = digits.ljust(LONGEST_PREFIX, "9")
    return [version_id, prefixes(digits), at, version_id, digits, last, at]


def _range(row: Row) -> Range | None:
    return None if row[0] is None else Range(least=row[0], most=row[1])
