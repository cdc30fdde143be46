"""A Voximplant account: its money, what it sent and whom it called, and the callbacks about it.

A scenario does here what the payload in its `script_custom_data` says, {"a": NUMBER, "b": NUMBER, "max_sec": N}: it
calls a, and when a answers connects b. Any other payload is a scenario that calls nobody. Dates are those of the wall
clock, because whoever asks for a day's history lives there; virtual time decides only when something ends. What
things cost, and the numbers of errors, are an invention of this desk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import count
from threading import RLock
from typing import Any, Literal

from sandbox import rates, segments, wire
from sandbox.courier import Answer
from sandbox.desk import Desk
from sandbox.events import Body
from sandbox.faults import REMOVED
from sandbox.service_accounts import ServiceAccounts

DESK_ACCOUNT = 1523447
DESK_API_KEY = "6b1d2c3e-0f4a-4b5c-8d6e-9a7b8c9d0e1f"
PART_PRICE = Decimal("0.0120")
LONGEST_TALK_SECONDS = 3600
RINGS_AT_MOST_SECONDS = 60
LEAST_FOR_LISTS = Decimal(1)
SMS_OK, SMS_ERROR, SMS_WAITING = 1, 2, 3


@dataclass
class Leg:
    """One telephone call of a scenario; numbers without plus."""

    call_id: int
    remote_number: str
    start_time: datetime
    duration: int
    successful: bool
    cost: Decimal
    end_reason: str
    transaction_id: int | None = None


@dataclass(eq=False)
class Session:
    """One run of a scenario. `legs` are known, and paid for, when it is finished."""

    id: int
    rule_id: int
    custom_data: str
    start_date: datetime
    duration: int = 0
    legs: list[Leg] = field(default_factory=list)
    finished: bool = False


@dataclass(eq=False)
class Sms:
    """One text; numbers without plus. status is 1 sent, 2 failed, 3 waiting."""

    message_id: int
    source: str
    destination: str
    text: str
    processed_date: datetime
    direction: Literal["IN", "OUT"] = "OUT"
    status: int = SMS_WAITING
    cost: Decimal = rates.FREE
    transaction_id: int | None = None

    @property
    def fragments(self) -> int:
        return segments.parts(self.text)


@dataclass(frozen=True)
class Transaction:
    id: int
    performed_at: datetime
    amount: Decimal
    kind: str
    description: str


@dataclass
class OwnNumber:
    """A number the account rents, without plus."""

    phone_id: int
    number: str
    sms_enabled: bool = True


class InsufficientFunds(Exception):
    """The account has not enough money for this."""


class Voximplant:
    """The one account of this desk. Everything public may be set at any time.

    callback_url is where callbacks go, nowhere when it is empty. When the balance falls below min_balance_to_notify,
    that is told there.
    """

    def __init__(self, desk: Desk) -> None:
        self.account_id, self.api_key = DESK_ACCOUNT, DESK_API_KEY
        self.account_name, self.account_email = "desk", "desk@example.com"
        self.balance, self.credit_limit = Decimal("100.00"), Decimal(0)
        self.currency, self.language_code, self.location = "USD", "en", "Etc/UTC"
        self.frozen = False
        self.callback_url, self.callback_salt = "", ""
        self.min_balance_to_notify = Decimal(0)
        self.settings: dict[str, str] = {}
        self.numbers = [OwnNumber(1, "12025550100")]
        self.sessions: list[Session] = []
        self.texts: list[Sms] = []
        self.transactions: list[Transaction] = []
        self.service_accounts = ServiceAccounts(self.account_id)
        self._clock = desk.clock
        self._wall_clock = desk.wall_clock
        self._phones = desk.phones
        self._rates = desk.rate_table
        self._messenger = desk.messenger
        self._record = desk.record
        self._lock = RLock()
        self._ids = count(1_000_001)
        self._callback_ids = count(993_810_021)

    def new_id(self) -> int:
        """The next id of anything."""
        return next(self._ids)

    def send_sms(self, source: str, destination: str, text: str) -> Sms:
        """Send one text. Raises InsufficientFunds."""
        price = PART_PRICE * segments.parts(text)
        with self._lock:
            if self.balance + self.credit_limit < price:
                raise InsufficientFunds
            sms = Sms(self.new_id(), source, destination, text, self._wall_clock(), cost=price)
            sms.transaction_id = self._pay(price, "sms", f"SMS to {destination}")
            self.texts.append(sms)
        self._record.add(self._clock.now, str(sms.message_id), "text accepted", to=[destination], body=text)
        fate = self._phones.reached(f"+{destination}").texts
        if fate.status:
            status = SMS_OK if fate.status == "Delivered" else SMS_ERROR
            self._clock.after(fate.after_seconds, partial(self._sms_ended, sms, status))
        return sms

    def _sms_ended(self, sms: Sms, status: int) -> None:
        sms.status = status
        self._record.add(self._clock.now, str(sms.message_id), "text", to=sms.destination, status=status)

    def start_scenario(self, rule_id: int, custom_data: str) -> Session:
        """Run a scenario. Raises InsufficientFunds."""
        with self._lock:
            if self.balance + self.credit_limit <= 0:
                raise InsufficientFunds
            session = Session(self.new_id(), rule_id, custom_data, self._wall_clock())
            self.sessions.append(session)
        self._record.add(self._clock.now, str(session.id), "scenario", rule=rule_id, custom_data=custom_data)
        self._clock.after(0, partial(self._play, session))
        return session

    def _play(self, session: Session) -> None:
        """Call a, then b, as long as the payload allows; all of it is known when the last hangs up."""
        numbers, limit = _payload(session.custom_data)
        session.legs = self._legs(session, numbers, limit)
        session.duration = max((each.duration for each in session.legs), default=0)
        rings = sum(self._rings(each) for each in numbers)
        self._clock.after(session.duration + rings, partial(self._finish, session))

    def _legs(self, session: Session, numbers: Sequence[str], limit: int) -> list[Leg]:
        legs: list[Leg] = []
        talked = None
        for number in reversed(numbers):
            phone = self._phones.reached(f"+{number}")
            answers = phone.refusal is None and self._rings(number) < RINGS_AT_MOST_SECONDS
            if not answers:
                legs, talked = [], 0
            elif talked is None:
                talked = min(limit, LONGEST_TALK_SECONDS if phone.talks_seconds is None else phone.talks_seconds)
            else:
                talked += self._rings(legs[-1].remote_number) if legs else 0
            cost = rates.debit(self._rates.per_minute(f"+{number}"), talked) if answers else rates.FREE
            reason = "Normal termination" if answers else phone.refusal[0] if phone.refusal else "NOANSWER"
            legs.append(Leg(self.new_id(), number, session.start_date, talked if answers else 0, answers, cost, reason))
        return legs[::-1]

    def _rings(self, number: str) -> int:
        phone = self._phones.reached(f"+{number}")
        return RINGS_AT_MOST_SECONDS if phone.rings_for_ever else min(phone.after_seconds, RINGS_AT_MOST_SECONDS)

    def _finish(self, session: Session) -> None:
        with self._lock:
            for leg in session.legs:
                leg.transaction_id = self._pay(leg.cost, "call", f"Call to {leg.remote_number}")
            session.finished = True
        self._record.add(self._clock.now, str(session.id), "scenario ended", duration=session.duration)

    def top_up(self, amount: Decimal, kind: str = "card_payment") -> None:
        """Money comes in, and that is told."""
        with self._lock:
            self.balance += amount
            self.transactions.append(Transaction(self.new_id(), self._wall_clock(), amount, kind, "Payment"))
        self.tell([{"type": "balance_is_changed", "balance_is_changed": {}}])

    def _pay(self, price: Decimal, kind: str, description: str) -> int:
        before = self.balance
        self.balance -= price
        paid = Transaction(self.new_id(), self._wall_clock(), -price, kind, description)
        self.transactions.append(paid)
        if self.balance < self.min_balance_to_notify <= before:
            self.tell([{"type": "min_balance", "min_balance": {"is_min_credit": False, "is_repeated": False}}])
        return paid.id

    def text_from_phone(self, from_: str, to: str, body: str) -> Sms:
        """Somebody sends a text to one of the account's numbers."""
        sms = Sms(self.new_id(), from_.removeprefix("+"), to.removeprefix("+"), body, self._wall_clock(), "IN", SMS_OK)
        with self._lock:
            self.texts.append(sms)
        inbound = {"source_number": sms.source, "destination_number": sms.destination, "sms_body": body}
        self.tell([{"type": "sms_inbound", "sms_inbound": {"sms_inbound": inbound}}])
        return sms

    def tell(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Have callbacks sent in one POST, now in virtual time, where they go. Nothing without a callback_url."""
        if self.callback_url:
            about, event = str(self.account_id), str(entries[0]["type"])
            self._messenger.tell(about, event, self.envelopes(entries), url=self.callback_url, signed=False)

    def send_callbacks(self, entries: Sequence[Mapping[str, Any]], *, url: str = "") -> Answer:
        """POST callbacks now, all of them in one request, and give the answer.

        An entry has a `type`, the object of that name, and whatever of the envelope is to be other than true:
        `hash` too, or REMOVED. Raises ValueError when there is neither a URL nor a callback_url.
        """
        if not url and not self.callback_url:
            raise ValueError("there is no callback_url to send callbacks to")
        event = str(entries[0].get("type", "")) if entries else ""
        body = self.envelopes(entries)
        return self._messenger.ask(str(self.account_id), event, body, url=url or self.callback_url, signed=False)

    def envelopes(self, entries: Sequence[Mapping[str, Any]]) -> Body:
        """The body of a POST with these callbacks."""
        return {"callbacks": [self._envelope(each) for each in entries]}

    def _envelope(self, entry: Mapping[str, Any]) -> Body:
        callback_id = entry.get("callback_id", None) or next(self._callback_ids)
        body: Body = {
            "callback_id": callback_id,
            "account_id": self.account_id,
            "account_name": self.account_name,
            "account_email": self.account_email,
            "language_code": self.language_code,
            "balance": self.balance,
            "currency": self.currency,
            "hash": self.hash(callback_id),
            **entry,
        }
        return {name: value for name, value in body.items() if value is not REMOVED}

    def hash(self, callback_id: int) -> str:
        """What proves a callback: MD5 of salt, account, key and number, one after the other."""
        text = f"{self.callback_salt}{self.account_id}{self.api_key}{callback_id}"
        return hashlib.md5(text.encode()).hexdigest()


def _payload(custom_data: str) -> tuple[list[str], int]:
    """Whom a scenario calls, without plus, and for how long at most."""
    try:
        payload = wire.loads(custom_data.encode())
    except ValueError:
        return [], 0
    if not isinstance(payload, dict):
        return [], 0
    numbers = [str(payload[name]).removeprefix("+") for name in ("a", "b") if payload.get(name)]
    limit = payload.get("max_sec")
    return [each for each in numbers if each.isdecimal()], limit if isinstance(limit, int) else LONGEST_TALK_SECONDS


def date(moment: datetime) -> str:
    """A time as this platform writes it, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
