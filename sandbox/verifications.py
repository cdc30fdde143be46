"""Verifications: the proof that a number is somebody's, by text, missed call or spoken code.

Where the documentation leaves it open, the reading is this. A wrong proof leaves the verification PENDING with the
reason "Invalid code", or "Invalid CLI"; the third one ends it. A verification that has ended cannot be reported
again, and a reference counts once for ever, that of a denied verification too. A deny is HTTP 403, and an answer of
the application that cannot be understood is a deny. A code is spoken once to whoever answers. Virtual time decides
when a verification expires, and only time that somebody lets pass does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from random import Random
from threading import RLock
from typing import Any, Literal
from uuid import uuid4

from sandbox import rates, wire
from sandbox.clock import Turn
from sandbox.courier import Answer
from sandbox.desk import Desk
from sandbox.events import Body
from sandbox.svaml import IllegalReply
from sandbox.svaml.reading import fold

Method = Literal["sms", "flashcall", "callout"]
METHODS: Mapping[str, Method] = {"sms": "sms", "flashcall": "flashcall", "callout": "callout"}
ALPHABETS = {"numeric": "0123456789", "alpha": "ABCDEFGHJKLMNPQRSTUVWXYZ"}
ALPHABETS["alphanumeric"] = ALPHABETS["numeric"] + ALPHABETS["alpha"]
CODE_LENGTH = 4
EXPIRES_AFTER_SECONDS = 300
MOST_WRONG = 3
PRICE = Decimal("0.0500")
SPOKEN_SECONDS = 8
TEXT_AFTER_SECONDS, CALL_AFTER_SECONDS = 2, 1
CALLERS = tuple(f"+1202555{line:04}" for line in range(100, 200))


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a verification is to be. code_type is a key of ALPHABETS."""

    number: str
    method: Method
    reference: str = ""
    custom: str = ""
    code_type: str = "numeric"
    expires_after_seconds: int = EXPIRES_AFTER_SECONDS
    languages: tuple[str, ...] = ()


@dataclass(eq=False)
class Verification:
    """One verification. code is what a text or a voice tells, cli the number that calls and is missed."""

    id: str
    wish: Wish
    started_at: datetime
    code: str
    cli: str
    status: str = "PENDING"
    reason: str = ""
    source: str = ""
    call_result: str = ""
    billable_seconds: int = 0
    wrong: int = 0
    expires_after_seconds: int = EXPIRES_AFTER_SECONDS
    heard: list[str] = field(default_factory=list)

    @property
    def proof(self) -> str:
        """What has to be reported."""
        return self.cli if self.wish.method == "flashcall" else self.code

    @property
    def ended(self) -> bool:
        return self.status != "PENDING"


class Taken(Exception):
    """There is a verification with this reference already."""


class Verifications(Mapping[str, Verification]):
    """All verifications by id, in the order they were started.

    always_asks makes the application decide every verification, not only those an app started publicly.
    """

    def __init__(self, desk: Desk, seed: int) -> None:
        self.always_asks = False
        self._clock = desk.clock
        self._phones = desk.phones
        self._rates = desk.rate_table
        self._messenger = desk.messenger
        self._record = desk.record
        self._chance = Random(f"verifications/{seed}")
        self._lock = RLock()
        self._all: dict[str, Verification] = {}
        self._references: dict[str, str] = {}

    def __getitem__(self, id: str) -> Verification:
        return self._all[id]

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def by_reference(self, reference: str) -> Verification | None:
        """The verification with this reference, or None."""
        id = self._references.get(reference)
        return None if id is None else self._all[id]

    def latest(self, number: str, method: str | None = None) -> Verification | None:
        """The last one of a number, by this method if one is given; or None."""
        with self._lock:
            found = [each for each in self._all.values() if each.wish.number == number]
        return next((each for each in reversed(found) if method in (None, each.wish.method)), None)

    def start(self, wish: Wish, *, publicly: bool) -> Verification:
        """Begin, if the application does not mind; one that is denied comes back with the status DENIED.

        Raises Taken when the reference was used before: nothing is done then.
        """
        started = self._new(wish)
        self._record.add(self._clock.now, started.id, "verification", number=wish.number, method=wish.method)
        if publicly or self.always_asks:
            self._obey(
                started, self._messenger.ask(started.id, "VerificationRequestEvent", self._request_event(started))
            )
        if not started.ended:
            self._carry_out(started)
        return started

    def _new(self, wish: Wish) -> Verification:
        with self._lock:
            if wish.reference and wish.reference in self._references:
                raise Taken(f"there is a verification with the reference {wish.reference} already")
            alphabet = ALPHABETS[wish.code_type]
            code = "".join(self._chance.choice(alphabet) for _ in range(CODE_LENGTH))
            cli = self._chance.choice(CALLERS)
            new = Verification(str(uuid4()), wish, self._clock.now, code, cli)
            new.expires_after_seconds = wish.expires_after_seconds
            self._all[new.id] = new
            if wish.reference:
                self._references[wish.reference] = new.id
            return new

    def _obey(self, verification: Verification, answer: Answer) -> None:
        """What the application says about it: allowed with these particulars, or denied."""
        try:
            said = fold(wire.loads(answer.body)) if answer.status == 200 else None
        except (ValueError, IllegalReply):
            said = None
        if not isinstance(said, dict) or str(said.get("action")).lower() not in ("allow", "deny"):
            self._end(verification, "DENIED", "Invalid callback")
        elif str(said["action"]).lower() == "deny":
            self._end(verification, "DENIED", "Denied by callback")
        else:
            particulars = said.get(verification.wish.method)
            self._particulars(verification, particulars if isinstance(particulars, dict) else {})

    def _particulars(self, verification: Verification, said: Mapping[str, Any]) -> None:
        """A code, caller or expiry of the application's own."""
        if isinstance(said.get("code"), str | int):
            verification.code = str(said["code"])
        if isinstance(said.get("cli"), str) and verification.wish.method == "flashcall":
            verification.cli = said["cli"]
        seconds = expiry_seconds(said.get("expiry"))
        if seconds is not None:
            verification.expires_after_seconds = seconds

    def _carry_out(self, verification: Verification) -> None:
        number, method = verification.wish.number, verification.wish.method
        phone = self._phones.reached(number)
        if method == "sms":
            after = TEXT_AFTER_SECONDS + phone.texts.after_seconds
            self._clock.after(after, partial(self._text_arrived, verification), Turn.PHONE)
        else:
            after = CALL_AFTER_SECONDS + phone.after_seconds
            self._clock.after(after, partial(self._called, verification), Turn.PHONE)
        expires = partial(self._end, verification, "FAIL", "Expired")
        self._clock.after(verification.expires_after_seconds, expires, Turn.HANG_UP, waits=True)

    def _text_arrived(self, verification: Verification) -> None:
        fate = self._phones.reached(verification.wish.number).texts
        if not fate.status:
            return
        delivered = fate.status == "Delivered"
        event = self._event("VerificationSmsDeliveredEvent", verification)
        event["smsResult"] = "Successful" if delivered else "Failed"
        self._messenger.tell(verification.id, str(event["event"]), event)
        if delivered:
            self._heard(verification, f"Your code is {verification.code}")
        else:
            ends = partial(self._end, verification, "FAIL", "SMS delivery failure")
            self._clock.after(0, ends, Turn.HANG_UP)  # at the same instant, but after the event was told

    def _called(self, verification: Verification) -> None:
        """A missed call rings and is taken back; a spoken code needs somebody who answers."""
        phone = self._phones.reached(verification.wish.number)
        failed = phone.refusal is not None and phone.refusal[0] == "FAILED"
        if verification.wish.method == "flashcall" and not failed:
            verification.call_result = "CANCEL"
            self._heard(verification, verification.cli)
        elif phone.refusal is None and not phone.rings_for_ever:
            verification.call_result, verification.billable_seconds = "ANSWERED", SPOKEN_SECONDS
            self._heard(verification, f"Your code is {' '.join(verification.code)}")
        else:
            busy = phone.refusal is not None and phone.refusal[0] == "BUSY"
            verification.call_result = "FAILED" if failed else "BUSY" if busy else "NO_ANSWER"
            self._end(verification, "FAIL", "Network error or number unreachable")

    def report(self, verification: Verification, proof: str) -> None:
        """Somebody brings the proof, right or wrong. One that has ended stays as it is."""
        with self._lock:
            if verification.ended:
                return
            if proof.removeprefix("+") == verification.proof.removeprefix("+"):
                verification.source, reason = "manual", ""
                status = "SUCCESSFUL"
            else:
                verification.wrong += 1
                reason = "Invalid CLI" if verification.wish.method == "flashcall" else "Invalid code"
                status = "FAIL" if verification.wrong >= MOST_WRONG else "PENDING"
            verification.reason = reason
        if status != "PENDING":
            self._end(verification, status, reason)

    def _heard(self, verification: Verification, what: str) -> None:
        verification.heard.append(what)
        self._record.add(self._clock.now, verification.id, "heard", text=what)

    def _end(self, verification: Verification, status: str, reason: str) -> None:
        with self._lock:
            if verification.ended:
                return
            verification.status, verification.reason = status, reason
        self._record.add(self._clock.now, verification.id, "verified", status=status, reason=reason)
        event = self._event("VerificationResultEvent", verification) | {"status": status}
        optional = {"reason": reason, "source": verification.source}
        event |= {name: value for name, value in optional.items() if value}
        self._messenger.tell(verification.id, "VerificationResultEvent", event)

    def _request_event(self, verification: Verification) -> Body:
        event = self._event("VerificationRequestEvent", verification)
        return event | {"price": rates.amount(PRICE), "acceptLanguage": list(verification.wish.languages)}

    @staticmethod
    def _event(name: str, verification: Verification) -> Body:
        wish = verification.wish
        event: Body = {
            "id": verification.id,
            "event": name,
            "method": wish.method,
            "identity": {"type": "number", "endpoint": wish.number},
        }
        optional = {"reference": wish.reference, "custom": wish.custom}
        return event | {name: value for name, value in optional.items() if value}

    def price(self, verification: Verification) -> Body:
        """What it cost the operator so far: the verification when it succeeded, and the spoken code's minutes."""
        succeeded = verification.status == "SUCCESSFUL"
        minutes = rates.debit(self._rates.per_minute(verification.wish.number), verification.billable_seconds)
        return {
            "verificationPrice": rates.amount(PRICE if succeeded else rates.FREE),
            "terminationPrice": rates.amount(minutes),
            "billableDuration": verification.billable_seconds,
        }


def expiry_seconds(given: object) -> int | None:
    """HH:MM:SS in seconds; None for anything else."""
    parts = given.split(":") if isinstance(given, str) else []
    if len(parts) != 3 or not all(each.isdecimal() and len(each) <= 2 for each in parts):
        return None
    hours, minutes, seconds = (int(each) for each in parts)
    return hours * 3600 + minutes * 60 + seconds
