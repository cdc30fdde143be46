"""The life of a call: asked for, answered by the application, rung, talked, ended.

What the platform's documentation leaves open is decided here: hangup as the answer to ICE ends a call with
result N/A, reason MANAGERHANGUP; no or no legal answer with FAILED, CALLBACKERROR; a call cut at its
maxDuration with ANSWERED, TIMEOUT; a caller who gives up with NOANSWER, CANCEL. Each has duration 0 unless
somebody answered.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from threading import Lock

from sandbox import events, rates, svaml, wire
from sandbox.calls import Call
from sandbox.clock import Clock, Turn
from sandbox.courier import Answer, Courier
from sandbox.faults import AnsweredElsewhere, CutLate, GiveUp
from sandbox.phones import Phone, PhoneBook
from sandbox.rates import RateTable
from sandbox.record import Record

RINGS_AT_MOST_SECONDS = 60


class Switchboard:
    """Connects calls as the application decides, and tells it what happened.

    resource_url gives the REST address of a call id.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        courier: Courier,
        phones: PhoneBook,
        rate_table: RateTable,
        record: Record,
        key: str,
        resource_url: Callable[[str], str],
    ) -> None:
        self._clock = clock
        self._courier = courier
        self._phones = phones
        self._rates = rate_table
        self._record = record
        self._key = key
        self._resource_url = resource_url
        self._lock = Lock()

    def start(self, call: Call) -> None:
        """Somebody dials: ask the application with ICE."""
        call.started_at = self._clock.now
        call.user_rate = self._rate(call.to_type, call.to)
        self._note(call, "dialled", user=call.user, cli=call.cli, to=call.to)
        elsewhere = [fault for fault in call.faults if isinstance(fault, AnsweredElsewhere)]
        if elsewhere:
            self._obey_ice(call, Answer(200, wire.dumps(elsewhere[0].reply)))
        else:
            url = self._resource_url(call.call_id)
            body = events.ice(call, key=self._key, now=self._clock.now, resource_url=url)
            self._courier.send(call, "ice", body, partial(self._obey_ice, call))
        for fault in call.faults:
            if isinstance(fault, GiveUp):
                self._give_up_after(call, fault.after_seconds)

    def _give_up_after(self, call: Call, seconds: int) -> None:
        if seconds == 0:
            self._end(call, "NOANSWER", "CANCEL")
        else:
            self._clock.after(seconds, partial(self._give_up, call), Turn.HANG_UP)

    def _give_up(self, call: Call) -> None:
        if not call.answered:
            self._end(call, "NOANSWER", "CANCEL")

    def _obey_ice(self, call: Call, answer: Answer) -> None:
        if call.ended:
            return
        try:
            reply = _understood(answer, "ice")
            callee = _callee(call, reply.action)
        except svaml.IllegalReply as error:
            self._refuse_reply(call, error)
            self._end(call, "FAILED", "CALLBACKERROR")
            return
        call.action = reply.action_name
        self._hear(call, reply)
        match reply.action:
            case svaml.Hangup():
                self._end(call, "N/A", "MANAGERHANGUP")
            case svaml.ConnectPstn() as connect:
                self._connect_pstn(call, connect, callee)
            case svaml.ConnectMxp():
                self._ring(call, "username", callee)
            case svaml.Continue():
                self._ring(call, call.to_type, callee)

    def _connect_pstn(self, call: Call, connect: svaml.ConnectPstn, number: str) -> None:
        call.limit_seconds = connect.limit_seconds
        call.suppress_callbacks = connect.suppress_callbacks
        own = connect.cli in (None, "incoming")
        call.presented_cli = (call.cli or None) if own else connect.cli
        self._ring(call, "number", number, connect.ring_seconds or RINGS_AT_MOST_SECONDS)

    def _ring(self, call: Call, kind: str, callee: str, ring_seconds: int = RINGS_AT_MOST_SECONDS) -> None:
        call.connected_to = callee
        call.user_rate = self._rate(kind, callee)
        self._note(call, "rings", callee=callee, limit_seconds=call.limit_seconds)
        phone = call.phone or self._phones.reached(callee)
        if phone.rings_for_ever or phone.after_seconds >= ring_seconds:
            gives_up = partial(self._end, call, "NOANSWER", "TIMEOUT")
            self._clock.after(ring_seconds, gives_up, Turn.HANG_UP)
        elif phone.refusal is not None:
            refuses = partial(self._end, call, *phone.refusal)
            self._clock.after(phone.after_seconds, refuses, Turn.PHONE)
        else:
            picks_up = partial(self._answer, call, phone, kind)
            self._clock.after(phone.after_seconds, picks_up, Turn.PHONE)

    def _answer(self, call: Call, phone: Phone, kind: str) -> None:
        if call.ended:
            return
        call.answered_at = self._clock.now
        self._note(call, "answered", by=call.connected_to)
        self._talk(call, phone)
        if kind == "number" and not call.suppress_callbacks:
            url = self._resource_url(call.call_id)
            body = events.ace(call, key=self._key, now=self._clock.now, resource_url=url)
            self._courier.send(call, "ace", body, partial(self._obey_ace, call))

    def _talk(self, call: Call, phone: Phone) -> None:
        allowed = call.limit_seconds or svaml.LONGEST_CALL_SECONDS
        allowed += sum(fault.seconds for fault in call.faults if isinstance(fault, CutLate))
        if phone.talks_seconds is None or phone.talks_seconds > allowed:
            cut = partial(self._end, call, "ANSWERED", "TIMEOUT")
            self._clock.after(allowed, cut, Turn.HANG_UP)
        else:
            reason = "CALLERHANGUP" if phone.hangs_up == "caller" else "CALLEEHANGUP"
            hangs_up = partial(self._end, call, "ANSWERED", reason)
            self._clock.after(phone.talks_seconds, hangs_up, Turn.HANG_UP)

    def _obey_ace(self, call: Call, answer: Answer) -> None:
        if call.ended:
            return
        try:
            reply = _understood(answer, "ace")
        except svaml.IllegalReply as error:
            # The platform connects when ACE is not answered: a second look must not cost a call.
            self._refuse_reply(call, error)
            return
        self._hear(call, reply)
        if isinstance(reply.action, svaml.Hangup):
            self._end(call, "ANSWERED", "MANAGERHANGUP")

    def _hear(self, call: Call, reply: svaml.Reply) -> None:
        call.heard.extend(reply.heard)
        call.cookies.update(reply.cookies)
        for heard in reply.heard:
            self._note(call, "heard", name=heard.name, text=heard.text)

    def _refuse_reply(self, call: Call, error: svaml.IllegalReply) -> None:
        call.problem = str(error)
        self._note(call, "reply not obeyed", why=call.problem)

    def _end(self, call: Call, result: str, reason: str) -> None:
        with self._lock:
            if call.ended:
                return
            call.duration_seconds = call.seconds_answered_by(self._clock.now)
            call.debit = rates.debit(call.user_rate, call.duration_seconds)
            call.result, call.reason = result, reason
            call.ended_at = self._clock.now
        self._note(call, "ended", result=result, reason=reason, duration=call.duration_seconds, debit=str(call.debit))
        if not call.suppress_callbacks:
            self._courier.send(call, "dice", events.dice(call, key=self._key, now=self._clock.now))

    def _rate(self, kind: str, callee: str) -> Decimal:
        return self._rates.per_minute(callee) if kind == "number" else rates.FREE

    def _note(self, call: Call, what: str, **detail: object) -> None:
        self._record.add(self._clock.now, call.call_id, what, **detail)


def _understood(answer: Answer, context: svaml.Context) -> svaml.Reply:
    if answer.status is None:
        raise svaml.IllegalReply(answer.error)
    if answer.status != 200:
        raise svaml.IllegalReply(f"the application answered HTTP {answer.status}")
    return svaml.read_reply(answer.body, context)


def _callee(call: Call, action: svaml.Action) -> str:
    """Who is to be reached: whom the reply names, or else whom the caller dialled; "" for a hangup.

    Raises IllegalReply when that is nobody.
    """
    match action:
        case svaml.Hangup():
            return ""
        case svaml.Continue():
            if call.origin == "PSTN":
                raise svaml.IllegalReply("ICE takes continue only for a call from an app")
            return call.to
        case svaml.ConnectMxp(user=named):
            dialled = call.to if call.to_type == "username" else None
        case svaml.ConnectPstn(number=named):
            dialled = call.to if call.to_type == "number" else None
    callee = named or dialled
    if callee is None:
        raise svaml.IllegalReply("the action names nobody to connect to, and nobody of that kind was dialled")
    return callee
