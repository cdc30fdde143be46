"""What an app shows beside the keypad: what may still be spent, and what the number being typed costs.

The app asks for a rate after every pause in typing, so answers are remembered for a minute and a question that many
ask at once is put to the database once. Neither service takes a lock that a call waits for.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from accounts.numbers import NumberUnreadable, country_of, parse_number
from billing import price_list
from billing.price_list import Prices, Range, Tariff
from postgres.statements import ask
from softphone.amounts import between, spendable
from softphone.models import Line
from softphone.sentences import Refused, Sentence
from softphone.single_flight import SingleFlight
from softphone.views import Answer, Asking, SoftphoneView

REMEMBERED_SECONDS = 60
MOST_REMEMBERED = 20_000
LONGEST_TYPED = 32

_PER_MINUTE = {"en": "/min", "es": "/min"}
_FREE = {"en": "free", "es": "gratis"}

# What people put between digits.
_BESIDE_DIGITS = re.compile(r"[ ().\-\u00a0]")
_PARTIAL = re.compile(r"(?:\+|00)([1-9][0-9]*)")

_prices: SingleFlight[tuple[Tariff, str], Prices] = SingleFlight(most=MOST_REMEMBERED, ttl_seconds=REMEMBERED_SECONDS)


class BalanceView(SoftphoneView):
    """What the account may still spend: as a sentence of the app's language, and as figures."""

    promised: ClassVar[tuple[str, ...]] = ("balanceString",)

    def answer(self, asking: Asking) -> Answer:
        available = price_list.available(asking.proved_line.client_user.account_id)
        if available is None:
            raise Refused(Sentence.TROUBLE)
        return Answer(
            {
                "error": 0,
                "balanceString": spendable(available.amount, available.currency, asking.language),
                "balance": _short(available.amount),
                "currency": available.currency,
            }
        )


class RateView(SoftphoneView):
    """What calls and texts to a number cost; a range until it is typed to its end. Unknown: empty strings, no error."""

    def answer(self, asking: Asking) -> Answer:
        line, typed = asking.proved_line, asking.parameters.get("target", "")
        home = _home_country(line) if line.callback_number_id and not typed.startswith(("+", "00")) else None
        digits = typed_digits(typed, home)
        if len(digits) < asking.softphone.least_rate_digits:
            return _rates(None, None, asking)
        tariff = price_list.tariff_of(line.client_user.account_id, _decks_of_way_in(line))
        return _rates(prices_of(tariff, digits, asking.now) if tariff else None, tariff, asking)


def prices_of(tariff: Tariff, digits: str, now: datetime) -> Prices:
    """As `price_list.prices`, up to a minute old. Threads that ask the same thing at once ask the database once."""
    digits = digits[: price_list.LONGEST_PREFIX]
    return _prices.get((tariff, digits), lambda: price_list.prices(tariff, digits, now))


def typed_digits(text: str, home_country: str | None = None) -> str:
    """The digits of what was typed so far, country code first; empty while nobody can tell which country is meant.

    >>> typed_digits("+44 (0)20 79"), typed_digits("0046 70"), typed_digits("+4"), typed_digits("0701740")
    ('442079', '4670', '4', '')
    >>> typed_digits("070 174 06", "SE")
    '467017406'
    """
    if len(text) > LONGEST_TYPED:
        return ""
    # While the number is short its national zero would be taken for a digit of it.
    text = text.replace("(0)", "")
    try:
        return parse_number(text, home_country).removeprefix("+")
    except NumberUnreadable:
        found = _PARTIAL.fullmatch(_BESIDE_DIGITS.sub("", text))
        return found[1] if found else ""


def _rates(found: Prices | None, tariff: Tariff | None, asking: Asking) -> Answer:
    call = text = between_apps = ""
    if found is not None and tariff is not None:
        call = _price(found.call, tariff.currency, asking.language, _PER_MINUTE[asking.language])
        text = _price(found.text, tariff.currency, asking.language)
        price = found.call_between_apps
        own = Range(least=price, most=price)
        between_apps = _price(own, tariff.currency, asking.language, _PER_MINUTE[asking.language])
    return Answer(
        {
            "error": 0,
            "rateString": call,
            "callRateString": call,
            "messageRateString": text,
            "smartCallRateString": between_apps,
            # A text to somebody who has the app as well goes out as any other.
            "smartMessageRateString": text,
        }
    )


def _price(found: Range | None, currency: str, language: str, unit: str = "") -> str:
    if found is None:
        return ""
    if found.most == 0:
        return _FREE[language]
    return between(found.least, found.most, currency, language) + unit


def _short(value: Decimal) -> Decimal:
    """The exact value with at least two places: 12.400000 as 12.40."""
    places = max(2, -int(value.normalize().as_tuple().exponent))
    return round(value, places)


def _home_country(line: Line) -> str | None:
    """Where the line's user is at home, as far as we know: where Web Callback rings them."""
    row = ask("SELECT number FROM accounts_callernumber WHERE id = %s", [line.callback_number_id]).row()
    return country_of(row[0]) if row else None


def _decks_of_way_in(line: Line) -> list[int]:
    """The decks that price what comes in by the line's own access number, if it has one."""
    if line.access_number_id is None:
        return []
    found = ask(
        "SELECT ratedeck_id FROM telephony_accessnumber_rate_decks WHERE accessnumber_id = %s", [line.access_number_id]
    )
    return [row[0] for row in found.rows()]
