"""The life of a call: asked for, answered by the application, led through menus, rung, talked, ended.

What the platform's documentation leaves open is decided here.

- hangup as the answer to ICE ends a call with result N/A, reason MANAGERHANGUP; no or no legal answer to ICE with
  FAILED, CALLBACKERROR; a call cut at its maxDuration with ANSWERED, TIMEOUT; a caller who gives up with NOANSWER,
  CANCEL. Each has duration 0 unless somebody answered.
- A 200 that is no legal SVAML is told of with notify `callingerror`, then the call ends. Another status or silence
  is not told of.
- `answer`, a menu, park or a conference answers the incoming leg. A prompt before them is early media and free.
- A call that was never connected but whose incoming leg was answered ends as ANSWERED with the seconds since then:
  MANAGERHANGUP, CALLERHANGUP, TIMEOUT, or CALLBACKERROR when PIE gets no or no legal answer.
- When a callee was tried, the result is the callee's: BUSY, NOANSWER or FAILED with duration 0 unless it answered.
- A caller who hangs up in a menu: PIE of type `hangup`, whose answer does not matter, and at the same instant DiCE.
- continue as the answer to PIE, or as PATCH in a menu, goes on with whoever is connected, and hangs up when nobody
  is.
- In ACE the caller of the call runs the menu. The talk's end stays where it was: time in the menu is talk.
- Park at its end: TIMEOUT. A menu or park that leads nowhere is cut an hour after the incoming leg was answered.
- PATCH may come while a call talks, waits in a menu, is parked or in a conference. connectConf and park leave the
  callee behind. What the call was told before and has not done yet is dropped.
- What a callout does is in `callouts`. Whatever became of others it was connected to, one that was answered ends as
  ANSWERED, and its minutes are those of who was called out.
- hangupCause and hangup's barge change nothing that a callback shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from sandbox import svaml, wire
from sandbox.callbacks import Callbacks
from sandbox.calls import Call, MenuResult, Stage
from sandbox.clock import OneByOne, Turn
from sandbox.connections import Connection, Connections
from sandbox.courier import Answer, Obey
from sandbox.faults import AnsweredElsewhere, GiveUp
from sandbox.keys import HangUp, Keys, Silence
from sandbox.player import KEY_SECONDS, Player, Walk
from sandbox.record import Record
from sandbox.recordings import Recordings
from sandbox.svaml import Leg
from sandbox.understanding import NoReply, legal, understood

NOWHERE_AT_MOST_SECONDS = 3600
CONFERENCE_PAUSE_SECONDS = 5
CONTEXTS: Mapping[Stage, svaml.Context] = {
    "talking": "patch",
    "menu": "patch",
    "parked": "unpark",
    "conference": "conference patch",
}


class NotNow(Exception):
    """The call is in no state in which PATCH can change it; the message says why."""


class Switchboard:
    """Connects calls as the application decides, and tells it what happened."""

    def __init__(
        self,
        *,
        one_by_one: OneByOne,
        callbacks: Callbacks,
        connections: Connections,
        player: Player,
        recordings: Recordings,
        record: Record,
    ) -> None:
        self._one_by_one = one_by_one
        self._callbacks = callbacks
        self._connections = connections
        self._player = player
        self._recordings = recordings
        self._record = record
        connections.listener = self

    def start(self, call: Call) -> None:
        """Somebody dials: ask the application with ICE."""
        self._one_by_one.do(partial(self._start, call))

    def _start(self, call: Call) -> None:
        call.started_at = self._one_by_one.now
        call.user_rate = self._connections.rate(call.to_type, call.to)
        self._note(call, "dialled", user=call.user, cli=call.cli, to=call.to)
        elsewhere = [fault for fault in call.faults if isinstance(fault, AnsweredElsewhere)]
        if elsewhere:
            self._obey_ice(call, Answer(200, wire.dumps(elsewhere[0].reply)))
        else:
            self._callbacks.ice(call, self._answer_to(call, self._obey_ice))
        for fault in call.faults:
            if isinstance(fault, GiveUp) and fault.after_seconds == 0:
                self.end(call, "NOANSWER", "CANCEL")
            elif isinstance(fault, GiveUp):
                self._one_by_one.after(fault.after_seconds, partial(self._give_up, call), Turn.HANG_UP)

    def call_out(self, call: Call) -> None:
        """The platform calls somebody: ask the application with ICE if the callout leaves it open whom."""
        self._one_by_one.do(partial(self._call_out, call))

    def _call_out(self, call: Call) -> None:
        assert call.callout is not None  # noqa: S101
        call.started_at = self._one_by_one.now
        call.user_rate = self._connections.rate(call.to_type, call.to)
        call.presented_cli = call.cli or None
        self._note(call, "calls out", method=call.callout.method, cli=call.cli, to=call.to)
        if call.callout.method == "customCallout":
            self._callbacks.ice(call, self._answer_to(call, self._obey_ice))
        elif call.callout.method == "ttsCallout" and not call.cli:
            # It has an id and goes nowhere: that is what the platform does with one that shows no number.
            self._one_by_one.after(0, partial(self.end, call, "FAILED", "GENERALERROR"), Turn.HANG_UP)
        else:
            self._connections.connect(call, Connection.called_out(call.callout))

    def _give_up(self, call: Call) -> None:
        if call.answered or call.ended:
            return
        if call.stage == "menu":
            self._leave_menu(call)
        elif call.stage == "parked":
            self.end(call, "ANSWERED", "CALLERHANGUP")
        else:
            self.end(call, "NOANSWER", "CANCEL")

    def patch(self, call: Call, body: bytes, leg: Leg = "caller") -> None:
        """Do with a call as the SVAML says, from now on.

        Raises NotNow when the call cannot be changed, IllegalReply when the SVAML is not legal for it.
        """
        self._one_by_one.do(partial(self._patch, call, body, leg))

    def _patch(self, call: Call, body: bytes, leg: Leg) -> None:
        if call.ended:
            raise NotNow("the call has ended")
        if call.stage not in CONTEXTS:
            raise NotNow("the call is neither answered nor parked nor in a menu")
        if not call.has_telephone_side:
            raise NotNow("the call has no PSTN or SIP side")
        reply = legal(call, body, CONTEXTS[call.stage])
        self._note(call, "patched", action=reply.action_name)
        self._obey(call, reply, "caller" if call.stage == "conference" or call.callout else leg)

    def kick(self, call: Call) -> None:
        """End a call from outside, as the operator of a conference may."""
        self._one_by_one.do(partial(self.end, call, "ANSWERED", "MANAGERHANGUP"))

    def picked_up(self, call: Call, amd: dict[str, object] | None, *, asks: bool) -> None:
        """The callee answered: ask whether that is all right, unless nobody wants to be asked."""
        if call.on_own_leg and call.phone is not None:
            call.keys = Keys(call.phone.keys)
        if asks and (call.callout is None or call.callout.way("ace") is not None):
            self._callbacks.ace(call, self._answer_to(call, self._obey_ace), amd)
        elif call.on_own_leg:
            self._take_control(call, self._do_as_called_out_for(call))

    def end(self, call: Call, result: str, reason: str) -> None:
        """The call ends, unless it has."""
        if call.ended:
            return
        now = self._one_by_one.now
        if call.callout is not None and call.answered:
            result = "ANSWERED"  # who was called out did answer, whoever else did not
        call.duration_seconds = call.seconds_answered_by(now)
        self._connections.close(call)
        call.result, call.reason = result, reason
        call.ended_at = now
        self._note(call, "ended", result=result, reason=reason, duration=call.duration_seconds, debit=str(call.debit))
        if not call.suppress_callbacks:
            self._callbacks.dice(call)
        self._recordings.stop(call)

    def _answer_to(self, call: Call, obey: Callable[[Call, Answer], None]) -> Obey:
        """An answer counts only as long as nothing else has taken control of the call."""
        control = call.control

        def obey_if_still(answer: Answer) -> None:
            if not call.ended and call.control == control:
                obey(call, answer)

        return lambda answer: self._one_by_one.do(partial(obey_if_still, answer))

    def _obey_ice(self, call: Call, answer: Answer) -> None:
        try:
            reply = understood(call, answer, "ice" if call.callout is None else "callout ice")
        except (NoReply, svaml.IllegalReply) as error:
            self._disobey(call, error, "FAILED")
            return
        call.action = reply.action_name
        self._obey(call, reply)

    def _obey_ace(self, call: Call, answer: Answer) -> None:
        try:
            reply = understood(call, answer, "ace" if call.callout is None else "callout ace")
        except (NoReply, svaml.IllegalReply) as error:
            # The platform connects when ACE is not answered: a second look must not cost a call.
            self._disobey(call, error, None)
            if call.on_own_leg:
                self._take_control(call, self._do_as_called_out_for(call))
            return
        self._obey(call, reply)

    def _obey_pie(self, call: Call, answer: Answer) -> None:
        try:
            reply = understood(call, answer, "pie")
        except (NoReply, svaml.IllegalReply) as error:
            self._disobey(call, error, "ANSWERED")
            return
        self._obey(call, reply)

    def _disobey(self, call: Call, error: NoReply | svaml.IllegalReply, result: str | None) -> None:
        call.problem = str(error)
        self._note(call, "reply not obeyed", why=call.problem)
        if isinstance(error, svaml.IllegalReply):
            self._callbacks.calling_error(call, error)
        if result is not None:
            call.control += 1
            # At the same instant, but after the application was told why.
            self._one_by_one.after(0, partial(self.end, call, result, "CALLBACKERROR"), Turn.HANG_UP)

    def _obey(self, call: Call, reply: svaml.Reply, leg: Leg = "caller") -> None:
        self._take_control(call, self._follow(call, reply, leg))

    def _take_control(self, call: Call, walk: Walk) -> None:
        """From now on this walk decides what the caller hears; what another had in mind is dropped."""
        call.control += 1
        self._go_on(call, walk, call.control)

    def _go_on(self, call: Call, walk: Walk, control: int) -> None:
        while not call.ended and call.control == control:
            seconds = next(walk, None)
            if seconds is None:
                return
            if seconds > 0:
                self._one_by_one.after(seconds, partial(self._go_on, call, walk, control))
                return

    def _follow(self, call: Call, reply: svaml.Reply, leg: Leg) -> Walk:
        yield from self._player.carry_out(call, reply.instructions, leg)
        match reply.action:
            case svaml.Hangup():
                picked_up = call.answered or call.leg_answered_at is not None
                self.end(call, "ANSWERED" if picked_up else "N/A", "MANAGERHANGUP")
            case svaml.Continue() as action:
                yield from self._continue(call, action)
            case svaml.RunMenu() as action:
                yield from self._run_menu(call, action)
            case svaml.Park() as action:
                yield from self._park(call, action)
            case svaml.ConnectConf() as action:
                self._player.answer_leg(call)
                self._connections.join(call, action)
                yield from self._confer(call, action)
            case action:
                wanted = Connection.wanted(call, action)
                self._connections.connect(call, wanted.for_callout(call.callout) if call.callout else wanted)

    def _do_as_called_out_for(self, call: Call) -> Walk:
        """What a callout is for: say its text, join its conference, or keep the line open."""
        assert call.callout is not None  # noqa: S101
        if call.callout.prompts:
            yield from self._player.carry_out(call, [svaml.PlayFiles(call.callout.prompts)])
        if call.callout.conference is not None:
            self._connections.join(call, call.callout.conference)
            yield from self._confer(call, call.callout.conference)
        elif call.callout.method == "ttsCallout":
            self.end(call, "ANSWERED", "MANAGERHANGUP")
        else:
            call.stage = "talking"

    def _continue(self, call: Call, action: svaml.Continue) -> Walk:
        if action.recording is not None:
            self._recordings.start(call, action.recording)
        if call.conference is not None:
            yield from self._confer(call, call.conference)
        elif call.on_own_leg and call.answered:
            yield from self._do_as_called_out_for(call)
        elif call.connected_at is not None:
            call.stage = "talking"
        elif call.stage in ("asked", "parked"):
            self._connections.connect(call, Connection.dialled(call))
        else:
            self.end(call, "ANSWERED", "MANAGERHANGUP")

    def _run_menu(self, call: Call, run: svaml.RunMenu) -> Walk:
        self._player.answer_leg(call)
        call.stage = "menu"
        if call.connected_at is None and call.seconds_answered_by(self._one_by_one.now) >= NOWHERE_AT_MOST_SECONDS:
            self.end(call, "ANSWERED", "TIMEOUT")
            return
        result = yield from self._player.menus(call, run)
        if result.type == "hangup":
            self._leave_menu(call)
        elif call.callout is not None and call.callout.way("pie") is None:
            self._keep(call, result)
            self.end(call, "ANSWERED", "MANAGERHANGUP")
        else:
            self._keep(call, result)
            self._callbacks.pie(call, result, self._answer_to(call, self._obey_pie))

    def _leave_menu(self, call: Call) -> None:
        call.control += 1
        call.stage = "leaving"
        result = MenuResult(call.menu_id, "hangup")
        self._keep(call, result)
        self._callbacks.pie(call, result, None)
        self._one_by_one.after(0, partial(self.end, call, "ANSWERED", call.hangs_up_as), Turn.HANG_UP)

    def _park(self, call: Call, action: svaml.Park) -> Walk:
        self._player.answer_leg(call)
        self._connections.leave(call)
        call.stage = "parked"
        self._note(call, "parked", limit_seconds=action.limit_seconds)
        yield from self._player.park(call, action)
        self.end(call, "ANSWERED", "TIMEOUT")

    def _confer(self, call: Call, conference: svaml.ConnectConf) -> Walk:
        """What the caller presses in a conference that wants to know; a short number waits for its time-out."""
        call.stage = "conference"
        while conference.dtmf_mode == "detect" and not call.keys.used_up:
            yield CONFERENCE_PAUSE_SECONDS
            match call.keys.next():
                case HangUp():
                    self.end(call, "ANSWERED", call.hangs_up_as)
                case Silence():
                    yield conference.timeout_seconds
                case str(keys):
                    yield from self._press_in_conference(call, conference, keys)

    def _press_in_conference(self, call: Call, conference: svaml.ConnectConf, keys: str) -> Walk:
        for first in range(0, len(keys), conference.max_digits):
            digits = keys[first : first + conference.max_digits]
            yield len(digits) * KEY_SECONDS
            if len(digits) < conference.max_digits:
                yield conference.timeout_seconds
            result = MenuResult(conference.conference_id, "sequence", digits)
            self._keep(call, result)
            self._callbacks.pie(call, result, None)

    def _keep(self, call: Call, result: MenuResult) -> None:
        call.menu_results.append(result)
        self._note(call, "menu result", menu=result.menu_id, type=result.type, value=result.value)

    def _note(self, call: Call, what: str, **detail: object) -> None:
        self._record.add(self._one_by_one.now, call.call_id, what, **detail)
