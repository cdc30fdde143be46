"""Send a text for an account."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand, money
from accounts.registration import find_account
from billing.models import Hold
from billing.money import ZERO
from telephony import texts
from telephony.texts import NewText, TextRefused


class Command(RingfenceCommand):
    help = "Promises a text for an account: its price is held, and a worker sends it."
    facts = (TextRefused,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", help="its name")
        parser.add_argument("number", metavar="NUMBER", help="with + and country code")
        parser.add_argument("text", metavar="TEXT")
        parser.add_argument("--sender", default="", help="a verified number or a sender name of the account")
        parser.add_argument("--reference", default="", help="the same reference is sent once")

    def perform(self, **options: Any) -> Outcome:
        text = texts.send(
            NewText(
                account_id=find_account(options["account"]).pk,
                recipient=options["number"],
                body=options["text"],
                sender=options["sender"],
                reference=options["reference"],
            )
        )
        hold = Hold.objects.filter(subject=text.pk, state=Hold.State.OPEN).first()
        held = money(hold.amount if hold else ZERO)
        return Outcome(
            data={
                "id": str(text.pk),
                "recipient": text.recipient,
                "sender": text.sender,
                "encoding": text.encoding,
                "segments": text.segments,
                "currency": text.currency,
                "held": held,
                "status": text.status,
            },
            text=f"{text.pk} to {text.recipient}: {text.segments} segments, {held} {text.currency} held, {text.status}",
        )
