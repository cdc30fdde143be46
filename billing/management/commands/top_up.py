"""Put money on an account, once per reference."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand, amount, money
from accounts.registration import find_account
from billing.exceptions import BillingError
from billing.models import Wallet
from billing.money import Money, NotMoney
from billing.topups import credit
from billing.wallets import wallet_of


class Command(RingfenceCommand):
    help = "Tops an account up. The same reference counts once, however often the command is repeated."
    facts = (BillingError, NotMoney)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("amount", metavar="AMOUNT", type=amount)
        parser.add_argument("--reference", required=True, help="what proves the payment, such as an invoice number")
        parser.add_argument("--reason", default="")
        parser.add_argument("--made-by", default="", help="who booked it")

    def perform(self, **options: Any) -> Outcome:
        account = find_account(options["name"])
        currency = wallet_of(account).currency
        booked = credit(
            account,
            Money.of(options["amount"], currency),
            reference=options["reference"],
            made_by=options["made_by"],
            reason=options["reason"],
        )
        wallet: Wallet = wallet_of(account)
        available = money(wallet.balance - wallet.held + wallet.credit_limit)
        done = "booked" if booked.is_new else "was booked before"
        return Outcome(
            data={
                "name": account.name,
                "amount": money(booked.amount.amount),
                "currency": currency,
                "reference": options["reference"],
                "new": booked.is_new,
                "balance": money(wallet.balance),
                "available": available,
            },
            text=f"{booked.amount} {done}: {account.name} has {available} {currency} available",
        )
