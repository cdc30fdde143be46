"""Have a number of an account verified: start it, then hand in the proof."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.command import Outcome, RingfenceCommand, argument, money
from accounts.models import Account
from accounts.registration import find_account
from telephony import verifications
from telephony.models import Verification
from telephony.verifications import NewVerification, VerificationRefused


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError(f"{text!r} is not the id of a verification") from None


class Command(RingfenceCommand):
    help = "Starts a verification, which a worker begins; with --code hands in what was received."
    facts = (VerificationRefused,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", help="its name")
        parser.add_argument("number", metavar="NUMBER", help="with + and country code")
        parser.add_argument("--method", choices=Verification.Method.values, default=Verification.Method.SMS.value)
        parser.add_argument("--reference", default="", help="the account's own")
        parser.add_argument("--code", help="the code, or for a missed call the number that called")
        parser.add_argument("--id", type=argument(_id), help="of which verification; else the number's latest")

    def perform(self, **options: Any) -> Outcome:
        account = find_account(options["account"])
        now = timezone.now()
        if options["code"] is None:
            new = NewVerification(
                account_id=account.pk,
                number=options["number"],
                method=Verification.Method(options["method"]),
                reference=options["reference"],
            )
            return _shown(verifications.start(new, now))
        found = _found(account, options["number"], options["id"])
        return _shown(verifications.report(found, account, options["code"], now))


def _found(account: Account, number: str, id: UUID | None) -> UUID:
    if id is not None:
        return id
    latest = verifications.find_by_number(account, number)
    if latest is None:
        raise VerificationRefused("number", "No verification of this number was started for this account.")
    return latest.pk


def _shown(verification: Verification) -> Outcome:
    return Outcome(
        data={
            "id": str(verification.pk),
            "number": verification.number,
            "method": verification.method,
            "status": verification.status,
            "reason": verification.reason,
            "reference": verification.reference,
            "currency": verification.currency,
            "price": money(verification.price),
        },
        text=f"{verification.pk}: {verification.number} by {verification.method}, {verification.status}",
    )
