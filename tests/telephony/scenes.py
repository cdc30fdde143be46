"""Calls in every state, written by the same code that writes them in production."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from accounts.numbers import prefixes
from billing import charging
from telephony import calls, endings
from telephony.calls import NewCall
from telephony.cdrs import Ending
from telephony.decisions import Reason, Refuse, write_decision
from telephony.models import CDR, Application, Call, ReceivedEvent
from telephony.prompts import refusal

_serial = itertools.count(1)

LONDON = "+442079460123"
WASHINGTON = "+12025550123"


def a_running_call(
    account: Account,
    application: Application,
    *,
    to: str = LONDON,
    limit_seconds: int = 600,
    begun_ago: timedelta = timedelta(seconds=40),
    answered: bool = True,
) -> Call:
    """A call that was allowed and is not over, with its money held."""
    begun_at = timezone.now() - begun_ago
    new = _new(account, application, to, begun_at, Call.State.AUTHORISED, limit_seconds=limit_seconds)
    with transaction.atomic():
        quote = charging.read_quote(charging.quote(account.pk, prefixes(to), begun_at))
        assert quote is not None
        charging.reserve(
            quote,
            new.id,
            limit_seconds,
            opened_at=begun_at,
            expires_at=begun_at + timedelta(seconds=limit_seconds + 120),
        )
        calls.write(new)
        if answered:
            calls.mark_answered(new.id, begun_at + timedelta(seconds=5))
    return Call.objects.get(pk=new.id)


def an_ended_call(
    account: Account,
    application: Application,
    *,
    to: str = LONDON,
    seconds: int = 95,
    result: str = "answered",
    begun_ago: timedelta = timedelta(hours=1),
) -> Call:
    """A call that is over and charged."""
    call = a_running_call(account, application, to=to, begun_ago=begun_ago, answered=result == "answered")
    ending = Ending(
        duration_seconds=seconds if result == "answered" else 0,
        result=result,
        reason="CALLERHANGUP",
        cost=None,
        source=CDR.Source.EVENT,
    )
    with transaction.atomic():
        known = calls.read(calls.lock(call.pk))
        assert known is not None
        reservation = charging.read_reservation(charging.find_reservation(call.pk))
        endings.end(known, reservation, ending, call.begun_at + timedelta(seconds=seconds + 5))
    return Call.objects.get(pk=call.pk)


def a_refused_call(
    account: Account | None,
    application: Application,
    *,
    to: str = WASHINGTON,
    reason: Reason = Reason.NOT_ENOUGH_CREDIT,
    detail: str = "0.10 USD needed to begin, 0.02 available.",
    begun_ago: timedelta = timedelta(minutes=30),
) -> Call:
    """A call that was refused, with its reason and figures."""
    begun_at = timezone.now() - begun_ago
    new = _new(account, application, to, begun_at, Call.State.REFUSED, refusal=reason.value, detail=detail)
    with transaction.atomic():
        calls.write(new)
    an_event(application, new.id, decision=refusal(reason, detail))
    return Call.objects.get(pk=new.id)


def an_event(
    application: Application,
    call_id: UUID | None,
    *,
    kind: str = "incoming",
    outcome: str = "decided",
    error: str = "",
    body: bytes = b'{"event": "ice"}',
    decision: Refuse | None = None,
) -> ReceivedEvent:
    """Something a provider sent."""
    return ReceivedEvent.objects.create(
        application=application,
        call_id=call_id,
        provider_call_id=f"provider-{next(_serial)}",
        kind=kind,
        outcome=outcome,
        decision=write_decision(decision) if decision else None,
        error=error,
        signed_at=timezone.now(),
        received_at=timezone.now(),
        content_type="application/json",
        body=body,
    )


def _new(
    account: Account | None,
    application: Application,
    to: str,
    begun_at: datetime,
    state: Call.State,
    *,
    limit_seconds: int | None = None,
    refusal: str = "",
    detail: str = "",
) -> NewCall:
    provider_call_id = f"provider-{next(_serial)}"
    return NewCall(
        id=calls.call_id(application.pk, provider_call_id),
        application_id=application.pk,
        provider_call_id=provider_call_id,
        account_id=account.pk if account else None,
        caller="alice",
        destination=to,
        begun_at=begun_at,
        state=state,
        shown_caller_id="+442079460999",
        limit_seconds=limit_seconds,
        refusal=refusal,
        detail=detail,
    )
