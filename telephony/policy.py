"""May this call happen, and for how long? Pure: facts in, a grant or a refusal out.

The steps are asked in this order: known, active, destination allowed, priced, not too dear, slot free, credit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS, Limits, Standing
from billing.money import ZERO
from billing.rating import Quote, affordable_seconds, affordable_seconds_together, least_price, price_of
from telephony.decisions import Reason, Refuse
from telephony.prompts import refusal

# A call that only we can end is ended a little late: the money for these seconds is held as well.
LATE_SECONDS = 10

# No end is believed, and so nothing charged, that claims more than this beyond what was granted: a provider's clock,
# the ringing that it counts, and the time that a hang-up takes.
BELIEVABLE_OVERRUN_SECONDS = 60
LONGEST_CHARGED_SECONDS = PLATFORM_LONGEST_CALL_SECONDS + BELIEVABLE_OVERRUN_SECONDS

# A slot worth less than a minute helps nobody: the least that is granted, where there is credit for it.
LEAST_SECONDS = 60


@dataclass(frozen=True)
class Grant:
    """The call may last this long. `late_seconds` more are held for, because we have to end it ourselves."""

    seconds: int
    late_seconds: int = 0

    @property
    def held_seconds(self) -> int:
        return self.seconds + self.late_seconds


def may_call(standing: Standing | None, *, to_app_user: bool = False) -> Refuse | None:
    """The questions that need no money: is the caller known, active, and allowed to call there?"""
    if standing is None:
        return refusal(Reason.UNKNOWN_CALLER)
    if not standing.is_active:
        return refusal(Reason.ACCOUNT_NOT_ACTIVE)
    if not standing.destination_allowed and not to_app_user:
        return refusal(Reason.DESTINATION_NOT_ALLOWED)
    return None


def how_long(standing: Standing, quote: Quote, *, open_calls: int, is_limited: bool = True) -> Grant | Refuse:
    """For how long a call to a phone may last: its fair share of the credit, bounded by the account's limits.

    A = available, S = calls at once, k = open calls: the call gets what A / (S - k) affords, at least a minute when
    A affords one, so that every slot of the account can still be used. `is_limited` says that the provider ends the
    call by itself; where it does not, we have to, and the account's exposure allowance must cover what that may cost.
    """
    limits = standing.limits
    if quote.rate is None:
        return refusal(Reason.NO_RATE)
    terms = quote.rate.terms
    if terms.price_per_minute > limits.highest_price_per_minute:
        return _too_dear(terms.price_per_minute, standing, quote)
    if (no_slot := _no_slot(standing, open_calls)) is not None:
        return no_slot
    late = 0 if is_limited else LATE_SECONDS
    longest = limits.longest_call_seconds + late
    share = quote.available / (limits.calls_at_once - open_calls)
    seconds = affordable_seconds(terms, share, at_most_seconds=longest)
    least = min(LEAST_SECONDS + late, longest)
    if seconds < least:
        seconds = affordable_seconds(terms, quote.available, at_most_seconds=least)
    if seconds < least:
        return _not_enough(quote, max(least_price(terms), price_of(terms, least)))
    too_exposed = None if is_limited else _too_exposed(limits, quote, price_of(terms, seconds))
    return too_exposed or Grant(seconds - late, late)


def how_long_together(standing: Standing, quotes: Sequence[Quote], *, open_calls: int) -> Grant | Refuse:
    """For how long several calls of one account may last that belong together and take one slot; as `how_long`.

    The quotes are one for each, of the same wallet at the same moment. Each call is granted the same seconds, which
    their prices together have to afford.
    """
    limits = standing.limits
    terms = [quote.rate.terms for quote in quotes if quote.rate is not None]
    if len(terms) < len(quotes):
        return refusal(Reason.NO_RATE)
    quote = quotes[0]
    dearest = max(each.price_per_minute for each in terms)
    if dearest > limits.highest_price_per_minute:
        return _too_dear(dearest, standing, quote)
    if (no_slot := _no_slot(standing, open_calls)) is not None:
        return no_slot
    longest = limits.longest_call_seconds
    share = quote.available / (limits.calls_at_once - open_calls)
    seconds = affordable_seconds_together(terms, share, at_most_seconds=longest)
    least = min(LEAST_SECONDS, longest)
    if seconds < least:
        seconds = affordable_seconds_together(terms, quote.available, at_most_seconds=least)
    if seconds < least:
        return _not_enough(quote, sum((max(least_price(each), price_of(each, least)) for each in terms), ZERO))
    return Grant(seconds)


def how_long_to_app_user(standing: Standing, quote: Quote, *, open_calls: int) -> Grant | Refuse:
    """For how long a call between app users may last. Free unless the deck prices it.

    No provider can end such a call for us, so one that is priced needs credit for the longest call there is.
    """
    if (no_slot := _no_slot(standing, open_calls)) is not None:
        return no_slot
    longest = PLATFORM_LONGEST_CALL_SECONDS
    if quote.rate is None or price_of(quote.rate.terms, longest) == 0:
        return Grant(longest)
    if quote.rate.terms.price_per_minute > standing.limits.highest_price_per_minute:
        return refusal(Reason.TOO_DEAR, f"{_figure(quote.rate.terms.price_per_minute)} {quote.currency} a minute.")
    needed = price_of(quote.rate.terms, longest)
    return Grant(longest) if needed <= quote.available else _not_enough(quote, needed)


def _no_slot(standing: Standing, open_calls: int) -> Refuse | None:
    if open_calls < standing.limits.calls_at_once:
        return None
    return refusal(
        Reason.NO_FREE_SLOT,
        f"{open_calls} calls were open; the account may have {standing.limits.calls_at_once}.",
    )


def _too_exposed(limits: Limits, quote: Quote, held: Decimal) -> Refuse | None:
    """Refused when the longest call that can be charged would cost more beyond what is held than we may lose.

    Every call gets an equal part of the allowance, so that all of them together can never lose more than that.
    """
    assert quote.rate is not None  # noqa: S101 - it was held by this rate
    exposure = price_of(quote.rate.terms, LONGEST_CHARGED_SECONDS) - held
    allowed = limits.exposure_allowance / limits.calls_at_once
    if exposure <= allowed:
        return None
    return refusal(
        Reason.TOO_EXPOSED,
        f"Up to {_figure(exposure)} {quote.currency} could be lost; each of {limits.calls_at_once} calls may lose "
        f"{_figure(allowed.quantize(Decimal('0.01'), ROUND_FLOOR))}.",
    )


def _too_dear(price_per_minute: Decimal, standing: Standing, quote: Quote) -> Refuse:
    return refusal(
        Reason.TOO_DEAR,
        f"{_figure(price_per_minute)} {quote.currency} a minute; "
        f"the account's limit is {_figure(standing.limits.highest_price_per_minute)}.",
    )


def _not_enough(quote: Quote, needed: Decimal) -> Refuse:
    return refusal(
        Reason.NOT_ENOUGH_CREDIT,
        f"{_figure(needed)} {quote.currency} needed to begin, {_figure(quote.available)} available.",
    )


def _figure(amount: Decimal) -> str:
    """An amount for people: at least two places, no zeros behind them."""
    text = f"{amount:f}"
    if "." not in text:
        return f"{text}.00"
    whole, places = text.rstrip("0").split(".")
    return f"{whole}.{places:0<2}"
