"""Texts: sent over REST or the classic way, delivered or not as the telephone decides, and reported.

A text is dispatched a second after it was accepted and comes to its end when the called phone says so. Virtual time
decides when; `send_at` and `expire_at` are measured from the wall clock, because whoever gives them lives there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import RLock
from typing import Literal
from uuid import uuid4

from sandbox import segments
from sandbox.clock import Turn
from sandbox.desk import Desk
from sandbox.events import Body
from sandbox.phones import TextFate

ReportWanted = Literal["none", "summary", "full", "per_recipient", "per_recipient_final"]
REPORTS: tuple[ReportWanted, ...] = ("none", "summary", "full", "per_recipient", "per_recipient_final")
DISPATCHED_AFTER_SECONDS = 1
KEPT_FOR = timedelta(days=3)
QUEUED, DISPATCHED = ("Queued", 400), ("Dispatched", 401)
EXPIRED, CANCELLED, TOO_MANY_PARTS = ("Expired", 406), ("Cancelled", 407), ("Rejected", 411)
CLASSIC = {"Queued": "Pending", "Dispatched": "Pending", "Delivered": "Successful"}
ORIGINATOR = "12025550100"
OPERATOR = "310260"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a batch is to be; numbers without plus. client_reference and callback_url are empty when not given."""

    recipients: tuple[str, ...]
    body: str
    sender: str = ORIGINATOR
    delivery_report: ReportWanted = "none"
    callback_url: str = ""
    client_reference: str = ""
    send_at: datetime | None = None
    expire_at: datetime | None = None
    most_parts: int | None = None
    flash: bool = False


@dataclass
class Copy:
    """The text on its way to one recipient."""

    number: str
    status: str
    code: int
    at: datetime
    is_final: bool = False


@dataclass(eq=False)
class Batch:
    """A text to one or more recipients; `copies` by number without plus."""

    id: str
    order: Order
    created_at: datetime
    modified_at: datetime
    expire_at: datetime
    copies: dict[str, Copy]
    canceled: bool = False
    classic: bool = False

    @property
    def parts(self) -> int:
        return segments.parts(self.order.body)

    @property
    def is_over(self) -> bool:
        return all(each.is_final for each in self.copies.values())


@dataclass(frozen=True)
class Inbound:
    """A text somebody sent to one of our numbers; both without plus."""

    sender: str
    to: str
    body: str
    received_at: datetime
    id: str = field(default_factory=lambda: uuid4().hex)


class Texts:
    """All texts. report_url is where reports go when a batch names no URL, inbound_url where texts from telephones go.

    Both are empty by default: then nothing is reported, and a text from a telephone goes the classic way, signed, to
    the application's callback URL.
    """

    def __init__(self, desk: Desk) -> None:
        self.report_url = ""
        self.inbound_url = ""
        self._clock = desk.clock
        self._wall_clock = desk.wall_clock
        self._phones = desk.phones
        self._messenger = desk.messenger
        self._record = desk.record
        self._lock = RLock()
        self._batches: dict[str, Batch] = {}
        self._inbounds: list[Inbound] = []

    def __iter__(self) -> Iterator[Batch]:
        with self._lock:
            return iter(list(self._batches.values()))

    def find(self, id: str) -> Batch | None:
        """The batch of that id, or None."""
        return self._batches.get(id)

    @property
    def inbounds(self) -> list[Inbound]:
        """Texts from telephones, in the order they came."""
        with self._lock:
            return list(self._inbounds)

    def send(self, order: Order, *, classic: bool = False) -> Batch:
        """Accept a text, and set it going."""
        now, wall = self._clock.now, self._wall_clock()
        waits_seconds = max(0.0, (order.send_at - wall).total_seconds()) if order.send_at else 0.0
        lasts = order.expire_at - wall if order.expire_at else KEPT_FOR + timedelta(seconds=waits_seconds)
        copies = {number: Copy(number, *QUEUED, now) for number in order.recipients}
        with self._lock:
            id = str(len(self._batches) + 1) if classic else uuid4().hex[:24].upper()
            batch = Batch(id, order, now, now, now + lasts, copies, classic=classic)
            self._batches[id] = batch
        self._record.add(now, id, "text accepted", sender=order.sender, to=list(copies), body=order.body)
        too_long = order.most_parts is not None and batch.parts > order.most_parts
        for copy in copies.values():
            if too_long:
                self._later(batch, copy, waits_seconds, TOO_MANY_PARTS)
            else:
                self._clock.after(waits_seconds, partial(self._dispatch, batch, copy))
        return batch

    def cancel(self, batch: Batch) -> None:
        """Send no copy that has not been sent."""
        with self._lock:
            batch.canceled, batch.modified_at = True, self._clock.now
        for copy in batch.copies.values():
            self._become(batch, copy, CANCELLED)

    def text_from_phone(self, from_: str, to: str, body: str, *, classic: bool | None = None) -> Inbound:
        """Somebody sends a text to one of our numbers: told at inbound_url, or the classic way without one.

        classic forces one of the two. Raises ValueError when there is no inbound_url and REST was wanted.
        """
        inbound = Inbound(from_.removeprefix("+"), to.removeprefix("+"), body, self._clock.now)
        classic = not self.inbound_url if classic is None else classic
        if not classic and not self.inbound_url:
            raise ValueError("there is no inbound_url to tell of texts from telephones")
        with self._lock:
            self._inbounds.append(inbound)
        self._record.add(self._clock.now, inbound.id, "text came in", sender=inbound.sender, to=inbound.to, body=body)
        if classic:
            self._messenger.tell(inbound.id, "incomingSms", _incoming_sms(inbound))
        else:
            told = mo_text(inbound)
            self._messenger.tell(inbound.id, "mo_text", told, url=self.inbound_url, signed=False, retried=True)
        return inbound

    def _dispatch(self, batch: Batch, copy: Copy) -> None:
        fate: TextFate = self._phones.reached(f"+{copy.number}").texts
        self._later(batch, copy, DISPATCHED_AFTER_SECONDS, DISPATCHED)
        if fate.status:
            seconds = DISPATCHED_AFTER_SECONDS + fate.after_seconds
            self._later(batch, copy, seconds, (fate.status, fate.code))
        left = (batch.expire_at - self._clock.now).total_seconds()
        # Nobody waits three days for a report that never comes, unless time is let pass that far.
        self._clock.after(max(0.0, left), partial(self._become, batch, copy, EXPIRED), Turn.HANG_UP, waits=True)

    def _later(self, batch: Batch, copy: Copy, seconds: float, status: tuple[str, int]) -> None:
        self._clock.after(seconds, partial(self._become, batch, copy, status), Turn.PHONE)

    def _become(self, batch: Batch, copy: Copy, status: tuple[str, int]) -> None:
        """A copy has come so far; what is final stays so, and what has expired meanwhile has expired."""
        with self._lock:
            if copy.is_final:
                return
            now = self._clock.now
            if now > batch.expire_at:
                status = EXPIRED
            copy.status, copy.code = status
            copy.at, copy.is_final = now, status != DISPATCHED
            over = batch.is_over
        self._record.add(now, batch.id, "text", to=copy.number, status=copy.status, code=copy.code)
        self._report(batch, copy, over=over)

    def _report(self, batch: Batch, copy: Copy, *, over: bool) -> None:
        wanted, url = batch.order.delivery_report, batch.order.callback_url or self.report_url
        if not url:
            return
        if wanted == "per_recipient" or (wanted == "per_recipient_final" and copy.is_final):
            self._tell(batch, recipient_report(batch, copy), url)
        elif wanted in ("summary", "full") and over:
            self._tell(batch, batch_report(batch, full=wanted == "full"), url)

    def _tell(self, batch: Batch, report: Body, url: str) -> None:
        self._messenger.tell(batch.id, str(report["type"]), report, url=url, signed=False, retried=True)


def recipient_report(batch: Batch, copy: Copy) -> Body:
    """How far the text to one recipient has come."""
    body: Body = {
        "type": "recipient_delivery_report_sms",
        "batch_id": batch.id,
        "recipient": copy.number,
        "code": copy.code,
        "status": copy.status,
        "at": stamp(copy.at),
        "applied_originator": batch.order.sender,
        "number_of_message_parts": batch.parts,
        "encoding": segments.encoding(batch.order.body),
    }
    if copy.status == "Delivered":
        body |= {"operator_status_at": stamp(copy.at), "operator": OPERATOR}
    return body | _reference(batch)


def batch_report(batch: Batch, *, full: bool, statuses: set[str] | None = None, codes: set[int] | None = None) -> Body:
    """How many copies have come how far, of these statuses and codes; `full` names the recipients."""
    groups: dict[tuple[int, str], list[str]] = {}
    for copy in batch.copies.values():
        if (not statuses or copy.status in statuses) and (not codes or copy.code in codes):
            groups.setdefault((copy.code, copy.status), []).append(copy.number)
    counted = [
        {"code": code, "status": status, "count": len(numbers), **({"recipients": numbers} if full else {})}
        for (code, status), numbers in sorted(groups.items())
    ]
    return {
        "type": "delivery_report_sms",
        "batch_id": batch.id,
        "statuses": counted,
        "total_message_count": len(batch.copies),
        **_reference(batch),
    }


def mo_text(inbound: Inbound) -> Body:
    """A text from a telephone, as REST tells of it."""
    return {
        "type": "mo_text",
        "id": inbound.id,
        "from": inbound.sender,
        "to": inbound.to,
        "body": inbound.body,
        "received_at": stamp(inbound.received_at),
        "operator_id": OPERATOR,
    }


def stamp(moment: datetime) -> str:
    """A time as texts carry it: 2026-03-02T08:15:30.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _incoming_sms(inbound: Inbound) -> Body:
    return {
        "event": "incomingSms",
        "to": {"type": "number", "endpoint": f"+{inbound.to}"},
        "from": {"type": "number", "endpoint": f"+{inbound.sender}"},
        "message": inbound.body,
        "timestamp": stamp(inbound.received_at),
        "version": 1,
    }


def _reference(batch: Batch) -> Body:
    return {"client_reference": batch.order.client_reference} if batch.order.client_reference else {}
