"""The obvious way to write it: a DRF view, the ORM, `select_for_update` on the wallet. Same rows, same tables.

Nothing here is slow on purpose; it is what a good programmer writes on the first day. The database's triggers move
balance and held sum, as they do for ours.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.db.models.functions import Length
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Account, CallerNumber, ClientUser, DestinationRule
from accounts.numbers import parse_number, prefixes
from benchmarks.naive.proof import SinchSignature
from billing.models import Entry, Hold, Posting, Rate, RateDeck, Wallet
from billing.rating import Terms, affordable_seconds, billed_seconds, breakdown, price_of
from telephony.models import CDR, Call, ReceivedEvent

DIAL_TIMEOUT_SECONDS = 45
HANGUP = {"instructions": [], "action": {"name": "hangup"}}


class NaiveView(APIView):
    """ICE and DiCE of every application."""

    authentication_classes: ClassVar = [SinchSignature]

    def post(self, request: Request) -> Response:
        """The answer in SVAML, or nothing."""
        if request.data["event"] == "ice":
            return Response(authorise(request))
        settle(request)
        return Response()


@transaction.atomic
def authorise(request: Request) -> dict[str, Any]:
    """Hold the money and connect, or hang up; a call asked for before is answered as before."""
    event, now = request.data, timezone.now()
    call_id = call_id_of(event)
    before = ReceivedEvent.objects.filter(call_id=call_id, kind="incoming", outcome="decided").first()
    if before is not None:
        return before.decision
    account = ClientUser.objects.select_related("account").get(name=event["user"]).account
    number = parse_number(event["to"]["endpoint"])
    wallet = Wallet.objects.select_for_update().get(account=account)
    rate = find_rate(wallet, number, now)
    seconds = affordable(account, wallet, rate, number)
    caller_id, answer = "", HANGUP
    if rate is not None and seconds:
        shown = CallerNumber.objects.filter(account=account, verified_at__isnull=False, is_shown=True).first()
        caller_id = shown.number if shown else request.auth.caller_id
        answer = connect(number, seconds, caller_id)
        Hold.objects.create(
            wallet=wallet,
            subject=call_id,
            rate=rate,
            amount=price_of(terms_of(rate), seconds),
            opened_at=now,
            expires_at=now + timedelta(seconds=seconds + DIAL_TIMEOUT_SECONDS + 120),
        )
    Call.objects.create(
        id=call_id,
        application_id=request.auth.id,
        provider_call_id=event["callid"],
        account=account,
        caller=event["user"],
        destination=number,
        shown_caller_id=caller_id,
        state=Call.State.AUTHORISED if seconds else Call.State.REFUSED,
        limit_seconds=seconds or None,
        begun_at=now,
        ended_at=None if seconds else now,
    )
    keep_event(request, call_id, "incoming", answer, now)
    return answer


def affordable(account: Account, wallet: Wallet, rate: Rate | None, number: str) -> int:
    """For how many seconds the call may last; 0 when it may not be."""
    limits = account.limits
    open_calls = Call.objects.filter(account=account, ended_at__isnull=True).count()
    allowed = account.status == Account.Status.ACTIVE and is_allowed(account, number)
    if rate is None or not allowed or open_calls >= limits.calls_at_once:
        return 0
    share = (wallet.balance - wallet.held + wallet.credit_limit) / (limits.calls_at_once - open_calls)
    return affordable_seconds(terms_of(rate), share, at_most_seconds=limits.longest_call_seconds)


@transaction.atomic
def settle(request: Request) -> None:
    """Charge what the call cost, once."""
    event, now = request.data, timezone.now()
    call = Call.objects.select_for_update().get(id=call_id_of(event))
    if CDR.objects.filter(call=call).exists():
        return
    hold = Hold.objects.select_related("rate").get(subject=call.id, state=Hold.State.OPEN)
    wallet = Wallet.objects.select_for_update().get(id=hold.wallet_id)
    price = price_of(terms_of(hold.rate), event["duration"])
    charge = min(price, hold.amount + wallet.balance - wallet.held + wallet.credit_limit)
    hold.state, hold.resolved_at = Hold.State.SETTLED, now
    hold.save()
    posting = charge_wallet(wallet, call, price, charge)
    call.state, call.ended_at = Call.State.ENDED, now
    call.save()
    write_cdr(event, call, hold.rate, wallet, posting, price, charge)
    keep_event(request, call.id, "ended", {}, now)


def charge_wallet(wallet: Wallet, call: Call, price: Decimal, charge: Decimal) -> Posting:
    """The posting and its entries; triggers move the balance."""
    posting = Posting.objects.create(
        kind=Posting.Kind.SETTLEMENT, idempotency_key=f"settles:{call.id}", subject=call.id
    )
    lines = [
        Entry(posting=posting, wallet=wallet, currency=wallet.currency, amount=-charge),
        Entry(posting=posting, house=Entry.House.REVENUE, currency=wallet.currency, amount=price),
        Entry(posting=posting, house=Entry.House.LOSS_OVERRUN, currency=wallet.currency, amount=charge - price),
    ]
    Entry.objects.bulk_create([line for line in lines if line.amount])
    return posting


def write_cdr(
    event: dict[str, Any],
    call: Call,
    rate: Rate,
    wallet: Wallet,
    posting: Posting,
    price: Decimal,
    charge: Decimal,
) -> None:
    """The record of the ended call."""
    terms, seconds = terms_of(rate), event["duration"]
    CDR.objects.create(
        call=call,
        account_id=call.account_id,
        caller=call.caller,
        destination=call.destination,
        begun_at=call.begun_at,
        ended_at=call.ended_at,
        duration_seconds=seconds,
        billed_seconds=billed_seconds(terms, seconds),
        result=event["result"].lower(),
        reason=event["reason"],
        currency=wallet.currency,
        price=price,
        charge=charge,
        loss=price - charge,
        rate=rate,
        posting=posting,
        breakdown=breakdown(terms, seconds),
        provider_cost=Decimal(str(event["debit"]["amount"])),
        provider_currency=event["debit"]["currencyId"],
    )


def call_id_of(event: dict[str, Any]) -> UUID:
    """The same call always has the same id."""
    return uuid5(NAMESPACE_URL, event["callid"])


def find_rate(wallet: Wallet, number: str, now: datetime) -> Rate | None:
    """The longest prefix that is valid now."""
    deck = wallet.deck or RateDeck.objects.get(currency=wallet.currency, is_default=True)
    return (
        Rate.objects.filter(version_id=deck.active_version_id, prefix__in=prefixes(number), effective_from__lte=now)
        .order_by(Length("prefix").desc(), "-effective_from")
        .first()
    )


def is_allowed(account: Account, number: str) -> bool:
    """What the longest rule says; without one, what the account's own setting says."""
    rule = (
        DestinationRule.objects.filter(account=account, prefix__in=prefixes(number))
        .order_by(Length("prefix").desc(), "-kind")
        .first()
    )
    if rule is None:
        return account.destinations == Account.Destinations.ANYTHING_RATED
    return rule.kind == DestinationRule.Kind.ALLOW


def terms_of(rate: Rate) -> Terms:
    """The rate as our arithmetic wants it."""
    return Terms(
        price_per_minute=rate.price_per_minute,
        connection_fee=rate.connection_fee,
        first_increment=rate.first_increment,
        next_increment=rate.next_increment,
        minimum_charge=rate.minimum_charge,
        grace_seconds=rate.grace_seconds,
    )


def connect(number: str, seconds: int, caller_id: str) -> dict[str, Any]:
    """The SVAML that connects the call and limits it."""
    action = {
        "name": "connectPstn",
        "number": number,
        "maxDuration": seconds,
        "dialTimeout": DIAL_TIMEOUT_SECONDS,
        "cli": caller_id,
    }
    return {"instructions": [], "action": action}


def keep_event(request: Request, call_id: UUID, kind: str, decision: dict[str, Any], now: datetime) -> None:
    """What came and what we said."""
    ReceivedEvent.objects.create(
        application_id=request.auth.id,
        call_id=call_id,
        provider_call_id=request.data["callid"],
        kind=kind,
        outcome=ReceivedEvent.Outcome.DECIDED,
        decision=decision,
        signed_at=now,
        received_at=now,
        content_type=request.content_type,
        body=request._request.body,
    )
