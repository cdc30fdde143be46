"""Have somebody called for an account."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand, money
from accounts.registration import find_account
from billing.models import Hold
from billing.money import ZERO
from telephony import callouts
from telephony.callouts import CalloutRefused
from telephony.management.callout_wishes import add_wishes, wished
from telephony.models import Callout


class Command(RingfenceCommand):
    help = "Has a number called: speaks a text, plays a menu or leads into a conference. A worker places the call."
    facts = (CalloutRefused,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", help="its name")
        parser.add_argument("number", metavar="NUMBER", help="with + and country code")
        parser.add_argument("--reference", default="", help="the same reference is called once")
        add_wishes(parser)

    def perform(self, **options: Any) -> Outcome:
        new = wished(find_account(options["account"]).pk, options, options["number"])
        callout = callouts.place(replace(new, reference=options["reference"]))
        data = _data(callout)
        failure = callout.detail if callout.state == Callout.State.FAILED else ""
        text = f"{callout.pk} to {callout.destination}: {callout.state}, {data['held']} held, due {data['due_at']}"
        return Outcome(data=data, text=text, failure=failure)


def _data(callout: Callout) -> dict[str, Any]:
    call = callout.calls.order_by("-begun_at").first()
    hold = Hold.objects.filter(subject=call.pk, state=Hold.State.OPEN).first() if call else None
    return {
        "id": str(callout.pk),
        "destination": callout.destination,
        "caller_id": callout.caller_id,
        "kind": callout.kind,
        "state": callout.state,
        "due_at": callout.due_at.isoformat(),
        "call": str(call.pk) if call else None,
        "limit_seconds": call.limit_seconds if call else None,
        "held": money(hold.amount if hold else ZERO),
        "detail": callout.detail,
    }
