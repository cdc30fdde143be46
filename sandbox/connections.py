"""Who a call is connected to: a phone that rings, a user, a SIP address, a stream or a conference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Literal, Protocol

from sandbox import rates, svaml
from sandbox.callbacks import Callbacks
from sandbox.callouts import Callout
from sandbox.calls import Call, Side
from sandbox.clock import OneByOne, Turn
from sandbox.conferences import Conferences
from sandbox.faults import CutLate
from sandbox.phones import Phone, PhoneBook
from sandbox.rates import RateTable
from sandbox.record import Record
from sandbox.recordings import Recordings
from sandbox.understanding import callee

RINGS_AT_MOST_SECONDS = 60
AMD_AFTER_SECONDS = 3
HUMAN: dict[str, object] = {"status": "human", "reason": "greeting", "duration": 1500}
MACHINE: dict[str, object] = {"status": "machine", "reason": "longgreeting", "duration": 3000}
NOT_YET_KNOWN: dict[str, object] = {"status": "inprogress", "reason": "n/a", "duration": 0}

Connecting = svaml.ConnectPstn | svaml.ConnectMxp | svaml.ConnectSip | svaml.ConnectStream


@dataclass(frozen=True)
class Connection:
    """Whom to connect to, and how: what the four connecting actions come down to."""

    side: Side
    endpoint: str
    limit_seconds: int | None = None
    ring_seconds: int = RINGS_AT_MOST_SECONDS
    cli: str | None = None
    suppress_callbacks: bool = False
    dtmf: str = ""
    amd: Literal["", "sync", "async"] = ""
    recording: svaml.StartRecording | None = None

    @classmethod
    def wanted(cls, call: Call, action: Connecting) -> Connection:
        """What an action asks for; whom it leaves open, the caller dialled."""
        match action:
            case svaml.ConnectMxp():
                return cls("username", callee(call, action) or "", cli=call.presented_cli)
            case svaml.ConnectStream(address, limit_seconds):
                return cls("stream", address, limit_seconds, cli=call.presented_cli)
            case svaml.ConnectSip(address, limit_seconds, cli, silent, recording):
                shown = _shown(call, cli)
                return cls("sip", address, limit_seconds, cli=shown, suppress_callbacks=silent, recording=recording)
            case svaml.ConnectPstn():
                return cls(
                    "number",
                    callee(call, action) or "",
                    action.limit_seconds,
                    action.ring_seconds or RINGS_AT_MOST_SECONDS,
                    _shown(call, action.cli),
                    action.suppress_callbacks,
                    action.dtmf,
                    action.amd,
                    action.recording,
                )

    @classmethod
    def called_out(cls, callout: Callout) -> Connection:
        """Whom a callout is for."""
        return cls(callout.kind, callout.to, callout.limit_seconds, cli=callout.cli or None, dtmf=callout.dtmf)

    def for_callout(self, callout: Callout) -> Connection:
        """The same, as far as the callout that led here allows."""
        limits = [each for each in (self.limit_seconds, callout.limit_seconds) if each is not None]
        return replace(self, limit_seconds=min(limits, default=None), dtmf=self.dtmf or callout.dtmf)

    @classmethod
    def dialled(cls, call: Call) -> Connection:
        """What the caller asked for, as `continue` grants it to an app."""
        return cls("number" if call.to_type == "number" else "username", call.to, cli=call.presented_cli)


def _shown(call: Call, cli: str | None) -> str | None:
    return (call.cli or None) if cli in (None, "incoming") else cli


class Listener(Protocol):
    """Who is told when a callee answers, and when a connection ends the call.

    asks says whether the application may have to be asked about the answer.
    """

    def picked_up(self, call: Call, amd: dict[str, object] | None, *, asks: bool) -> None: ...

    def end(self, call: Call, result: str, reason: str) -> None: ...


class Connections:
    """Rings, talks, joins and leaves; `listener` must be set before the first call."""

    listener: Listener

    def __init__(
        self,
        *,
        one_by_one: OneByOne,
        phones: PhoneBook,
        rate_table: RateTable,
        conferences: Conferences,
        callbacks: Callbacks,
        recordings: Recordings,
        record: Record,
    ) -> None:
        self._one_by_one = one_by_one
        self._phones = phones
        self._rates = rate_table
        self._conferences = conferences
        self._callbacks = callbacks
        self._recordings = recordings
        self._record = record

    def connect(self, call: Call, wanted: Connection) -> None:
        """Ring, and see what happens."""
        self.leave(call)
        call.stage, call.side, call.connected_to = "ringing", wanted.side, wanted.endpoint
        call.limit_seconds, call.suppress_callbacks = wanted.limit_seconds, wanted.suppress_callbacks
        call.presented_cli = wanted.cli
        call.user_rate = self.rate(wanted.side, wanted.endpoint)
        call.on_own_leg = call.callout is not None and not call.answered
        if call.on_own_leg:
            call.leg_rate = call.user_rate
        if wanted.side == "username":
            self._recordings.forget(call)
        self._note(call, "rings", callee=wanted.endpoint, limit_seconds=call.limit_seconds)
        phone = (None if call.callout else call.phone) or self._phones.reached(wanted.endpoint)
        if call.on_own_leg:
            call.phone = phone
        if wanted.side == "stream":
            self._answer(call, phone, wanted)
        elif phone.rings_for_ever or phone.after_seconds >= wanted.ring_seconds:
            gives_up = partial(self.listener.end, call, "NOANSWER", "TIMEOUT")
            self._after(call, wanted.ring_seconds, gives_up, Turn.HANG_UP)
        elif phone.refusal is not None:
            refuses = partial(self.listener.end, call, *phone.refusal)
            self._after(call, phone.after_seconds, refuses, Turn.PHONE)
        else:
            picks_up = partial(self._answer, call, phone, wanted)
            self._after(call, phone.after_seconds, picks_up, Turn.PHONE)

    def _answer(self, call: Call, phone: Phone, wanted: Connection) -> None:
        self._connected(call)
        call.stage = "talking"
        self._note(call, "answered", by=call.connected_to)
        if wanted.dtmf:
            self._note(call, "callee heard", keys=wanted.dtmf)
        if wanted.recording is not None:
            self._recordings.start(call, wanted.recording)
        self._talk(call, phone)
        asks = wanted.side in ("number", "sip") and not call.suppress_callbacks
        detected = MACHINE if phone.machine else HUMAN
        amd = {"": None, "sync": detected, "async": NOT_YET_KNOWN}[wanted.amd]
        self.listener.picked_up(call, amd, asks=asks)
        if asks and wanted.amd == "async":
            tell = partial(self._callbacks.notify, call, "amd", amd=detected)
            self._after(call, AMD_AFTER_SECONDS, tell, Turn.PHONE)

    def _connected(self, call: Call) -> None:
        call.connected_at = self._one_by_one.now
        call.answered_at = call.answered_at or call.connected_at

    def _talk(self, call: Call, phone: Phone) -> None:
        """Until somebody hangs up, or the limit does. Who is called out began to talk when the call was answered."""
        talked = call.seconds_answered_by(self._one_by_one.now) if self._paid_by_leg(call) else 0
        allowed = (call.limit_seconds or svaml.LONGEST_CALL_SECONDS) - talked
        allowed += sum(fault.seconds for fault in call.faults if isinstance(fault, CutLate))
        talks = None if phone.talks_seconds is None else max(0, phone.talks_seconds - talked)
        if talks is None or talks > allowed:
            cut = partial(self.listener.end, call, "ANSWERED", "TIMEOUT")
            self._after(call, max(0, allowed), cut, Turn.HANG_UP)
        else:
            reason = "CALLERHANGUP" if phone.hangs_up == "caller" and call.callout is None else "CALLEEHANGUP"
            hangs_up = partial(self.listener.end, call, "ANSWERED", reason)
            self._after(call, talks, hangs_up, Turn.HANG_UP)

    def join(self, call: Call, conference: svaml.ConnectConf) -> None:
        """Enter a conference; the phone of that name says how long the caller stays."""
        self.leave(call)
        call.side, call.connected_to = "conference", conference.conference_id
        call.suppress_callbacks = conference.suppress_callbacks
        if call.callout is None:
            call.limit_seconds, call.user_rate = None, rates.FREE
        call.on_own_leg = False
        call.conference, call.conference_id = conference, conference.conference_id
        self._connected(call)
        self._conferences.join(conference.conference_id, call, self._one_by_one.now)
        self._note(call, "joined", conference=conference.conference_id, moh=conference.moh)
        if conference.recording is not None:
            self._recordings.start(call, conference.recording)
        self._talk(call, call.phone or self._phones.reached(conference.conference_id))

    def leave(self, call: Call) -> None:
        """Nobody is connected any more; what the connection cost is added up."""
        call.connection += 1
        if call.connected_at is not None and not self._paid_by_leg(call):
            seconds = int((self._one_by_one.now - call.connected_at).total_seconds())
            call.debit += rates.debit(call.user_rate, seconds)
        self._conferences.leave(call)
        call.connected_at = call.conference = call.conference_id = None

    def close(self, call: Call) -> None:
        """The end: leave, and add what the incoming leg cost. The conference stays known for the last event."""
        conference_id = call.conference_id
        self.leave(call)
        call.conference_id = conference_id
        since = call.leg_answered_at or call.answered_at
        if call.origin != "MXP" and since is not None:
            seconds = int((self._one_by_one.now - since).total_seconds())
            call.debit += rates.debit(call.leg_rate if call.callout else self._rates.incoming, seconds)

    @staticmethod
    def _paid_by_leg(call: Call) -> bool:
        """The minutes of a callout are those of the leg to who was called out, in a conference too."""
        return call.callout is not None and (call.on_own_leg or call.side == "conference")

    def rate(self, kind: str, endpoint: str) -> Decimal:
        """What a minute to somebody costs the operator; only telephone numbers cost anything."""
        return self._rates.per_minute(endpoint) if kind == "number" else rates.FREE

    def _after(self, call: Call, seconds: float, action: Callable[[], None], turn: Turn) -> None:
        """Later, if the call is still connected to the same."""
        connection = call.connection

        def still() -> None:
            if not call.ended and call.connection == connection:
                action()

        self._one_by_one.after(seconds, still, turn)

    def _note(self, call: Call, what: str, **detail: object) -> None:
        self._record.add(self._one_by_one.now, call.call_id, what, **detail)
