"""Open an account with its wallet and its first money."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from accounts.command import Outcome, RingfenceCommand, amount, money, positive_number
from accounts.registration import open_account
from billing.exceptions import BillingError
from billing.money import Money, NotMoney
from billing.rates import find_deck
from billing.topups import credit
from billing.wallets import open_wallet

LIMITS = (
    "verified",
    "calls_at_once",
    "longest_call_seconds",
    "highest_price_per_minute",
    "exposure_allowance",
    "velocity_limits",
    "numbers",
    "client_users",
    "pin",
    "card",
    "allow",
    "deny",
    "time_zone",
)


class Command(RingfenceCommand):
    help = "Opens an account: everything it is recognised by, its limits, its wallet and its first top-up."
    facts = (BillingError, NotMoney)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--currency", required=True, help="three capital letters, such as USD")
        parser.add_argument("--balance", type=amount, default=amount("0"), help="the first top-up")
        parser.add_argument("--credit-limit", type=amount, default=amount("0"))
        parser.add_argument("--deck", metavar="NAME", help="default: the default deck of the currency")
        parser.add_argument("--verified", action="store_true", help="the wider plan")
        parser.add_argument("--calls-at-once", type=positive_number)
        parser.add_argument("--longest-call", type=positive_number, metavar="SECONDS", dest="longest_call_seconds")
        parser.add_argument("--highest-price", type=amount, dest="highest_price_per_minute", help="per minute")
        parser.add_argument("--exposure-allowance", type=amount, help="what may be lost if we cannot end its calls")
        parser.add_argument("--no-velocity-limits", action="store_false", dest="velocity_limits")
        parser.add_argument("--number", action="append", default=[], dest="numbers", help="a caller number")
        parser.add_argument("--client-user", action="append", default=[], dest="client_users")
        parser.add_argument("--pin", help="4 to 12 digits")
        parser.add_argument("--card", action="store_true", help="a card number, for calls from any telephone")
        parser.add_argument("--allow", action="append", default=[], metavar="PREFIX")
        parser.add_argument("--deny", action="append", default=[], metavar="PREFIX")
        parser.add_argument("--time-zone", default="UTC")

    @transaction.atomic
    def perform(self, **options: Any) -> Outcome:
        name, currency, balance = options["name"], options["currency"], options["balance"]
        account = open_account(name, **{limit: options[limit] for limit in LIMITS})
        deck = find_deck(options["deck"]) if options["deck"] else None
        open_wallet(account, currency, credit_limit=options["credit_limit"], deck=deck)
        if balance:
            credit(account, Money.of(balance, currency), reference=f"opening:{name}")
        available = money(balance + options["credit_limit"])
        card = f", card number {account.card_number}" if account.card_number else ""
        return Outcome(
            data={
                "account": account.pk,
                "name": name,
                "currency": currency,
                "available": available,
                "card_number": account.card_number or "",
            },
            text=f"account {account.pk}: {name}, {available} {currency} available{card}",
        )
