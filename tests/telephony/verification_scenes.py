"""A verifier on the desk: it acts first, then answers as it was told to, and keeps a list of what it really did."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from outbox import performing
from outbox.models import Row
from outbox.relay import relay_once
from telephony import verifications
from telephony.models import Verification
from telephony.news import VerificationAsked, VerificationEnded, VerificationMethod, VerificationStatus
from telephony.providers.base import (
    Access,
    CommandRefused,
    NotSent,
    ProviderTrouble,
    VerificationOrder,
    VerificationReport,
)
from telephony.providers.sinch.provider import Sinch
from telephony.verifications import NewVerification

NUMBER = "+46701740605"
CODE = "4711"
CALLING = "+46846500405"

_serial = itertools.count(1)


@dataclass
class Begun:
    """A verification as the verifier has it."""

    id: str
    order: VerificationOrder
    status: VerificationStatus = VerificationStatus.PENDING
    reason: str = ""


@dataclass
class Desk(Sinch):
    """Sinch, but for verifications, which happen here. `faults` are taken one by one, each by the next request."""

    begun: list[Begun] = field(default_factory=list)
    faults: list[Callable[[], Exception] | None] = field(default_factory=list)
    faults_before: list[Callable[[], Exception] | None] = field(default_factory=list)
    blind: bool = False  # does not find what it has begun
    final_after_wrong: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def start_verification(self, access: Access, order: VerificationOrder) -> VerificationReport:
        self._fail(self.faults_before)
        before = [begun for begun in self.begun if begun.order.reference == order.reference]
        if before:
            return _said(before[0])
        begun = Begun(id=f"theirs-{next(_serial)}", order=order)
        self.begun.append(begun)
        self._fail(self.faults)
        return _said(begun)

    def report_verification(
        self, access: Access, verification_id: str, method: VerificationMethod, proof: str
    ) -> VerificationReport:
        self._fail(self.faults_before)
        begun = next(begun for begun in self.begun if begun.id == verification_id)
        if begun.status is not VerificationStatus.PENDING:
            raise CommandRefused("it is over")
        right = CALLING if method is VerificationMethod.FLASHCALL else CODE
        if proof == right:
            begun.status = VerificationStatus.SUCCESSFUL
        elif self.final_after_wrong:
            begun.status, begun.reason = VerificationStatus.FAILED, "Invalid code"
        self._fail(self.faults)
        if proof != right:
            return VerificationReport(verification_id=begun.id, status=VerificationStatus.FAILED, reason="Invalid code")
        return _said(begun)

    def find_verification(self, access: Access, reference: str) -> VerificationReport | None:
        self._fail(self.faults_before)
        if self.blind:
            raise ProviderTrouble("not now")
        found = [begun for begun in self.begun if begun.order.reference == reference]
        return _said(found[0]) if found else None

    def _fail(self, faults: list[Callable[[], Exception] | None]) -> None:
        fault = faults.pop(0) if faults else None
        if fault is not None:
            raise fault()


def _said(begun: Begun) -> VerificationReport:
    return VerificationReport(
        verification_id=begun.id,
        status=begun.status,
        method=begun.order.method,
        number=begun.order.number,
        reference=begun.order.reference,
        reason=begun.reason,
    )


def lost() -> Exception:
    return ProviderTrouble("the answer did not come")


def not_sent() -> Exception:
    return NotSent("nobody listens")


def refused() -> Exception:
    return CommandRefused("Destination denied")


def started(account: Account, number: str = NUMBER, method: str = "sms", **options: Any) -> Verification:
    """One that was started and is not yet begun."""
    new = NewVerification(account_id=account.pk, number=number, method=Verification.Method(method), **options)
    return verifications.start(new, timezone.now())


def begun(account: Account, **options: Any) -> Verification:
    """One that the provider has begun."""
    verification = started(account, **options)
    work()
    verification.refresh_from_db()
    return verification


def work(rounds: int = 1) -> None:
    """Do what is in the outbox and due, as the relay and a worker would; rows that wait are made due before."""
    for _ in range(rounds):
        Row.objects.exclude(state__in=["done", "dead"]).update(due_at=timezone.now())
        ids: list[int] = []
        relay_once(ids.append)
        for id in ids:
            performing.perform(id)


def row_of(verification: Verification) -> Row:
    return Row.objects.get(key=f"verification:{verification.pk}")


def asked(number: str = NUMBER, id: str | None = None, **changes: Any) -> VerificationAsked:
    """An app has the provider verify a number."""
    id = id or f"app-{next(_serial)}"
    values = {"method": VerificationMethod.SMS, "method_word": "sms", **changes}
    return VerificationAsked(call_id="", verification_id=id, number=number, **values)


def told(
    verification: Verification, status: VerificationStatus = VerificationStatus.SUCCESSFUL, **changes: Any
) -> VerificationEnded:
    """The provider's news of a verification's end."""
    values = {
        "verification_id": verification.provider_id or f"theirs-{next(_serial)}",
        "method": VerificationMethod(verification.method),
        "number": verification.number,
        "reference": str(verification.pk) if not verification.by_app else verification.reference,
        **changes,
    }
    return VerificationEnded(call_id="", status=status, **values)


@contextlib.contextmanager
def another_session() -> Iterator[psycopg.Connection]:
    """Somebody else at the same database, in a transaction of their own."""
    parameters = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{name: parameters[name] for name in names if name in parameters}) as session:
        yield session
