"""An account as it is now: its money and its calls."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db.models import OuterRef, QuerySet, Subquery, Sum

from accounts.command import Outcome, RingfenceCommand, argument, money
from accounts.models import Account
from accounts.registration import find_account
from billing.exceptions import BillingError
from billing.money import ZERO
from billing.wallets import wallet_of
from telephony.models import CDR, Call

MOST_CALLS = 1000


class Command(RingfenceCommand):
    help = "Shows an account's money, its open calls and its newest calls."
    facts = (BillingError,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--calls", type=argument(_calls), default=MOST_CALLS, help=f"how many, at most {MOST_CALLS}"
        )

    def perform(self, **options: Any) -> Outcome:
        account = find_account(options["name"])
        wallet = wallet_of(account)
        data = {
            "name": account.name,
            "currency": wallet.currency,
            "balance": money(wallet.balance),
            "held": money(wallet.held),
            "available": money(wallet.balance - wallet.held + wallet.credit_limit),
            "credit_limit": money(wallet.credit_limit),
            "status": account.status,
            "open_calls": Call.objects.filter(account=account, ended_at__isnull=True).count(),
            "calls": [_shown(call) for call in _newest_calls(account)[: options["calls"]]],
            "entries": wallet.entries.count(),
        }
        return Outcome(data=data, text=_text(data))


def _newest_calls(account: Account) -> QuerySet[Call]:
    cdrs = CDR.objects.filter(call=OuterRef("pk"))
    return (
        Call.objects.filter(account=account)
        .annotate(
            duration_seconds=Subquery(cdrs.order_by("-revision").values("duration_seconds")[:1]),
            price=Subquery(cdrs.order_by().values("call").annotate(total=Sum("price")).values("total")),
        )
        .order_by("-begun_at", "-pk")
    )


def _shown(call: Any) -> dict[str, str | int | None]:
    """A call that is over and has no CDR was refused: it lasted nothing and cost nothing."""
    if call.duration_seconds is not None:
        duration_seconds, price = call.duration_seconds, money(call.price)
    elif call.ended_at is not None:
        duration_seconds, price = 0, money(ZERO)
    else:
        duration_seconds = price = None
    return {
        "call_id": call.provider_call_id,
        "to": call.destination,
        "state": call.state,
        "duration_seconds": duration_seconds,
        "price": price,
        "limit_seconds": call.limit_seconds,
    }


def _calls(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > MOST_CALLS:
        raise ValueError(f"{text!r} is not a number of calls from 0 to {MOST_CALLS}")
    return int(text)


def _text(data: dict[str, Any]) -> str:
    lines = [
        f"{data['name']} ({data['status']}): {data['available']} {data['currency']} available",
        f"balance {data['balance']}, held {data['held']}, credit limit {data['credit_limit']}",
        f"{data['open_calls']} open calls, {data['entries']} entries",
    ]
    for call in data["calls"]:
        seconds = "-" if call["duration_seconds"] is None else f"{call['duration_seconds']} s"
        lines.append(f"  {call['call_id']} to {call['to']}: {call['state']}, {seconds}, {call['price'] or '-'}")
    return "\n".join(lines)
