"""What would a call cost, and how long could it last?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.command import Outcome, RingfenceCommand, argument, moment, money
from accounts.models import Account
from accounts.numbers import parse_number, prefixes
from accounts.registration import find_account
from billing import charging
from billing.exceptions import BillingError
from billing.rating import PinnedRate, Quote, affordable_seconds, breakdown
from billing.wallets import NoWallet


class Command(RingfenceCommand):
    help = "Shows the rate an account pays for a number, how long it could talk and every figure behind the price."
    facts = (BillingError,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", metavar="NUMBER", type=argument(parse_number))
        parser.add_argument("--account", metavar="NAME", required=True)
        parser.add_argument("--at", type=moment, metavar="ISO-TIME", help="default: now")

    def perform(self, **options: Any) -> Outcome:
        account, number = find_account(options["account"]), options["number"]
        quote = _quote(account, number, options["at"] or timezone.now())
        rate = quote.rate
        if rate is None:
            raise CommandError(f"There is no rate for {number}: load and activate a deck that has one.")
        longest = account.limits.longest_call_seconds
        seconds = affordable_seconds(rate.terms, quote.available, at_most_seconds=longest)
        return Outcome(
            data={
                "number": number,
                "account": account.name,
                "currency": quote.currency,
                "available": money(quote.available),
                "rate": _rate(rate),
                "affordable_seconds": seconds,
                "longest_call_seconds": longest,
                "breakdown": breakdown(rate.terms, seconds),
            },
            text=_text(number, quote, rate, seconds),
        )


@transaction.atomic
def _quote(account: Account, number: str, at: datetime) -> Quote:
    quote = charging.read_quote(charging.quote(account.pk, prefixes(number), at))
    if quote is None:
        raise NoWallet(f"The account {account.name!r} has no wallet: open it with open_account.")
    return quote


def _rate(rate: PinnedRate) -> dict[str, str | int]:
    terms = rate.terms
    return {
        "prefix": rate.prefix,
        "destination": rate.destination,
        "price_per_minute": money(terms.price_per_minute),
        "connection_fee": money(terms.connection_fee),
        "first_increment": terms.first_increment,
        "next_increment": terms.next_increment,
        "minimum_charge": money(terms.minimum_charge),
        "grace_seconds": terms.grace_seconds,
    }


def _text(number: str, quote: Quote, rate: PinnedRate, seconds: int) -> str:
    figures = {**_rate(rate), **breakdown(rate.terms, seconds)}
    return "\n".join(
        [
            f"{number}: {rate.destination}, {money(rate.terms.price_per_minute)} {quote.currency} per minute",
            f"{seconds} s for the {money(quote.available)} {quote.currency} available",
            *(f"  {name.replace('_', ' ')}: {value}" for name, value in figures.items()),
        ]
    )
