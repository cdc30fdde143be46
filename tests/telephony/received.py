"""Events as the use cases get them, without HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from telephony.applications import KnownApplication
from telephony.events import CallEnded, Caller, CallerMode, CallIncoming, Endpoint, EndpointKind, Event, Origin, Result
from telephony.inbox import Received
from telephony.models import Application
from tests.builders import an_application

NOW = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)
UK = Endpoint(kind=EndpointKind.NUMBER, value="+447700900123", word="number")


def known(application: Application) -> KnownApplication:
    return KnownApplication(
        id=application.pk,
        provider=application.provider,
        key=application.key,
        default_account_id=application.default_account_id,
        caller_id=application.caller_id,
    )


def received(event: Event, application: Application | None = None, **changes: Any) -> Received:
    """An event that came in just now; `changes` are fields of `Received`."""
    values = {
        "application": known(application or an_application()),
        "signed_at": NOW,
        "received_at": NOW,
        "late": False,
        "content_type": "application/json",
        "body": b"{}",
        **changes,
    }
    return Received(event=event, **values)


def incoming(call_id: str = "one", **changes: Any) -> CallIncoming:
    """Alice's app calls a number in the United Kingdom."""
    return CallIncoming(
        **{"call_id": call_id, "client_user": "alice", "origin": Origin.APP, "destination": UK, **changes}
    )


def from_a_phone(call_id: str = "one", to: str = "+442079460199", cli: str = "+447700900123") -> CallIncoming:
    """Somebody dials one of our numbers."""
    return CallIncoming(
        call_id=call_id,
        origin=Origin.PHONE,
        caller=Caller(mode=CallerMode.NUMERIC, number=cli, text=cli.removeprefix("+")),
        destination=Endpoint(kind=EndpointKind.ACCESS_NUMBER, value=to, word="did"),
    )


def ended(call_id: str = "one", duration_seconds: int | None = 61, **changes: Any) -> CallEnded:
    """Alice's call is over."""
    values = {"result": Result.ANSWERED, "client_user": "alice", "destination": UK, **changes}
    return CallEnded(call_id=call_id, duration_seconds=duration_seconds, **values)
