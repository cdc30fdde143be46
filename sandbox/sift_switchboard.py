"""The life of a connection: asked for, led through its routine, connected, ended.

What no document says is decided here.

- An incoming connection is `connecting` until something is heard on it or somebody it calls picks up; an outgoing one
  until its phone picks up. One that ends before that is `failed`, else `finished`.
- A reply to `on_incoming` that is no 2xx, or none, or empty, runs the application's default routine, or hangs up. No
  other callback has to be answered. A reply that is no legal routine ends the connection, whatever it was for.
- A routine in the reply to `connecting` waits until the phone picks up, unless it begins with HangUp; one in the reply
  to `connected` takes its place.
- A command that calls is done when the other side hangs up, refuses, or has not answered for a minute; then the routine
  goes on. Its conversation is told to have ended in each case. A phone whose talk ends with "caller" is one to which
  the person on the connection talks until hanging up.
- A routine that has run out leaves the line open and silent. Who dialled listens to that for ten seconds, who was
  called for as long as its phone talks. Nobody listens to prompts alone for more than half an hour.
- GetDigits with a time-out gives the keys pressed so far, or, read strictly, none. Of the commands for speech,
  GetNumber and GetMultipleChoice tell of a time-out; the others have no value for it, and the routine moves on.
- Whoever takes a connection over by REST drops what it was doing and whoever it talks to.
- Each who joined a conference is told when the conversation has ended, which is when the last one leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from sandbox import sift_answers
from sandbox.clock import OneByOne, Turn
from sandbox.courier import Answer, Obey
from sandbox.keys import HangUp as PersonHangsUp
from sandbox.oracle import Kind, Oracle
from sandbox.phones import Phone
from sandbox.record import Record
from sandbox.sift_answers import Reaction, Reactions
from sandbox.sift_callbacks import SiftCallbacks, has_no_answer
from sandbox.sift_calls import Conversation, ConversationResult, EndedBy, SiftCall, Walk, new_id
from sandbox.sift_rooms import Rooms
from sandbox.sift_routines import SOUND_SECONDS, Bridge, Get, HangUp, IllegalRoutine, Play, Routine, Say, read_reply
from sandbox.svaml import Heard

RINGS_AT_MOST_SECONDS = 60
LISTENS_AT_MOST_SECONDS = 1800
REACTION_SECONDS = 1
KEY_SECONDS = 1
REFUSALS: dict[tuple[str, str], ConversationResult] = {
    ("BUSY", "BUSY"): "busy",
    ("BUSY", "CALLEEHANGUP"): "rejected",
    ("FAILED", "GENERALERROR"): "unreachable",
}


class Account(Protocol):
    """What the connections have to know of the account: its switches, and who is there when a command calls, if any."""

    strict_digits: bool
    counts_ringing: bool
    tells_terminator: bool

    def reached(self, kind: str, endpoint: str) -> Phone | None: ...


class SiftSwitchboard:
    """Runs the connections of one account."""

    def __init__(
        self, *, one_by_one: OneByOne, account: Account, callbacks: SiftCallbacks, record: Record, oracle: Oracle
    ) -> None:
        self._one_by_one = one_by_one
        self._account = account
        self._callbacks = callbacks
        self._record = record
        self._oracle = oracle
        self.rooms = Rooms()

    def start(self, call: SiftCall) -> None:
        """Somebody dials, or a browser connects: ask the application."""
        self._one_by_one.do(partial(self._start, call))

    def _start(self, call: SiftCall) -> None:
        assert call.application is not None  # noqa: S101
        self._begin(call)
        if call.application.on_incoming:
            self._callbacks.incoming(call, call.application.on_incoming, self._answer_to(call, self._obey_incoming))
        else:
            self._run(call, call.application.default_commands)
        if call.hangs_up_after_seconds is not None:
            hangs_up = partial(self._end, call, "caller")
            self._one_by_one.after(call.hangs_up_after_seconds, hangs_up, Turn.HANG_UP)

    def call_out(self, call: SiftCall) -> None:
        """Somebody asked for a connection: ring its phone, and tell the status all along."""
        self._one_by_one.do(partial(self._call_out, call))

    def _call_out(self, call: SiftCall) -> None:
        assert call.phone is not None  # noqa: S101
        phone = call.phone
        self._begin(call)
        self._callbacks.status(call, self._answer_to(call, self._obey_connecting))
        if phone.rings_for_ever or phone.after_seconds >= RINGS_AT_MOST_SECONDS:
            self._later(call, RINGS_AT_MOST_SECONDS, partial(self._end, call, "platform"), Turn.HANG_UP)
        elif phone.refusal is not None:
            self._later(call, phone.after_seconds, partial(self._end, call, "callee"))
        else:
            self._later(call, phone.after_seconds, partial(self._picked_up, call, phone))

    def _begin(self, call: SiftCall) -> None:
        call.began_at = call.last_talk_at = self._one_by_one.now
        call.start_time = call.began_at if self._account.counts_ringing else None
        detail = {"from_": call.from_, "to": call.to, "direction": call.direction}
        self._note(call, "connection", **detail)

    def _picked_up(self, call: SiftCall, phone: Phone) -> None:
        call.reactions = Reactions(phone.keys)
        if phone.talks_seconds is not None:
            self._one_by_one.after(phone.talks_seconds, partial(self._end, call, "callee"), Turn.HANG_UP)
        self._connect(call)

    def _connect(self, call: SiftCall) -> None:
        """Something is heard now: the connection is up, if it was not before."""
        if call.connected_at is None:
            call.connected_at = self._one_by_one.now
            call.start_time = call.start_time or call.connected_at
            call.status = "connected"
            self._note(call, "connected")
            self._callbacks.status(call, self._answer_to(call, self._obey_connected))

    def take_over(self, call: SiftCall, routine: Routine) -> bool:
        """From now on this routine decides; False when the connection is over."""
        taken: list[bool] = []
        self._one_by_one.do(lambda: taken.append(self._take_over(call, routine)))
        return taken[0]

    def _take_over(self, call: SiftCall, routine: Routine) -> bool:
        if call.over:
            return False
        self._note(call, "taken over", commands=len(routine))
        if call.direction == "outgoing" and call.connected_at is None:
            self._prepare(call, routine, "rest")
        else:
            self._run(call, routine, "rest")
        return True

    def _prepare(self, call: SiftCall, routine: Routine, by: EndedBy) -> None:
        call.prepared = routine
        if routine and isinstance(routine[0], HangUp):
            self._end(call, by)

    def _answer_to(self, call: SiftCall, obey: Callable[[SiftCall, Routine | None, str], None]) -> Obey:
        """An answer counts only as long as nothing else has taken control of the connection.

        `obey` gets the routine, or None and why there is none; empty when the answer was.
        """
        control = call.control

        def obey_if_still(answer: Answer) -> None:
            if call.over or call.control != control:
                return
            why = has_no_answer(answer)
            try:
                routine = None if why else read_reply(answer.body)
            except IllegalRoutine as error:
                self._trouble(call, str(error))
                # At the same instant, but after whatever else is told now.
                self._later(call, 0, partial(self._end, call, "platform"), Turn.HANG_UP)
                return
            if why:
                self._trouble(call, why)
            obey(call, routine, why)

        return lambda answer: self._one_by_one.do(partial(obey_if_still, answer))

    def _obey_incoming(self, call: SiftCall, routine: Routine | None, why: str) -> None:
        assert call.application is not None  # noqa: S101
        if routine is None and not why:
            self._trouble(call, "the answer to on_incoming is empty")
        routine = routine if routine is not None else call.application.default_commands or None
        if routine is None:
            self._end(call, "platform")
        else:
            self._run(call, routine)

    def _obey_connecting(self, call: SiftCall, routine: Routine | None, why: str) -> None:
        if routine is not None and call.connected_at is None:
            self._prepare(call, routine, "routine")

    def _obey_connected(self, call: SiftCall, routine: Routine | None, why: str) -> None:
        chosen = call.prepared if routine is None else routine
        if chosen is not None:
            self._run(call, chosen)

    def _obey_done(self, call: SiftCall, routine: Routine | None, why: str) -> None:
        if routine is None:
            self._go_on(call, call.control)
        else:
            self._run(call, routine)

    def _run(self, call: SiftCall, routine: Routine, by: EndedBy = "routine") -> None:
        """From now on this routine decides what happens; what another had in mind is dropped."""
        call.control += 1
        self._leave(call)
        call.walk = self._commands(call, routine, by)
        self._go_on(call, call.control)

    def _go_on(self, call: SiftCall, control: int) -> None:
        while not call.over and call.control == control and call.walk is not None:
            seconds = next(call.walk, None)
            if seconds is None:
                return
            if seconds > 0:
                self._later(call, seconds, partial(self._go_on, call, control))
                return

    def _commands(self, call: SiftCall, routine: Routine, by: EndedBy) -> Walk:
        for command in routine:
            if call.over:
                return
            self._note(call, "command", name=type(command).__name__)
            match command:
                case HangUp():
                    self._end(call, by)
                case Say() | Play():
                    yield from self._heard(call, command)
                case Get():
                    yield from self._get(call, command)
                case Bridge():
                    yield from self._bridge(call, command)
        if call.direction == "incoming" and call.patience_seconds is not None and not call.over:
            yield call.patience_seconds
            self._end(call, "caller")

    def _heard(self, call: SiftCall, command: Say | Play) -> Walk:
        if isinstance(command, Say):
            self._hears(call, Heard("Say", command.text, "tts"))
        else:
            self._hears(call, Heard("Play", command.sound_url, "href"))
        yield command.seconds
        yield from self._done(call, command.on_done, {})

    def _hears(self, call: SiftCall, heard: Heard) -> None:
        """Something is heard, unless the person has had enough of listening."""
        assert call.last_talk_at is not None  # noqa: S101
        if (self._one_by_one.now - call.last_talk_at).total_seconds() > LISTENS_AT_MOST_SECONDS:
            self._end(call, call.person)
            return
        call.heard.append(heard)
        self._note(call, "heard", name=heard.name, text=heard.text)
        self._connect(call)

    def _done(self, call: SiftCall, url: str, result: dict[str, object]) -> Walk:
        if url:
            self._callbacks.done(call, url, result, self._answer_to(call, self._obey_done))
            yield None

    def _get(self, call: SiftCall, command: Get) -> Walk:
        reaction = call.reactions.next()
        self._hears(call, Heard(command.name, command.prompt_url, "href" if command.prompt_url else ""))
        if isinstance(reaction, PersonHangsUp):
            yield REACTION_SECONDS
            self._end(call, call.person)
        elif command.name == "GetDigits":
            yield from self._get_digits(call, command, reaction)
        else:
            yield from self._get_speech(call, command, reaction)

    def _get_digits(self, call: SiftCall, command: Get, reaction: Reaction) -> Walk:
        keys, whole = "", False
        if isinstance(reaction, str):
            keys, whole = sift_answers.pressed(command, reaction)
            yield REACTION_SECONDS + (len(keys) - 1) * KEY_SECONDS
        else:
            yield SOUND_SECONDS if command.prompt_url else 0
        if not whole:
            yield command.timeout_seconds
        digits = keys if self._account.tells_terminator else keys.removesuffix("#")
        yield from self._result(call, command, {"digits": digits if whole or not self._account.strict_digits else ""})

    def _get_speech(self, call: SiftCall, command: Get, reaction: Reaction) -> Walk:
        spoken = isinstance(reaction, sift_answers.Says)
        yield SOUND_SECONDS if command.prompt_url else 0
        yield REACTION_SECONDS if spoken else command.timeout_seconds
        result = sift_answers.understood(command, reaction)
        if result is not None:
            yield from self._result(call, command, dict(result))

    def _result(self, call: SiftCall, command: Get, result: dict[str, object]) -> Walk:
        call.results.append(result)
        self._note(call, "result", name=command.name, **result)
        yield from self._done(call, command.on_done, result)

    def _bridge(self, call: SiftCall, command: Bridge) -> Walk:
        """Ring, talk, and see who hangs up."""
        conversation = self._conversation(call, command)
        phone = self._account.reached(command.kind, command.endpoint)
        if phone is not None and call.direction == "incoming":
            phone = call.phone or phone
        if phone is None:
            conversation.result = "not there"
        elif command.kind != "conference" and (phone.rings_for_ever or phone.after_seconds >= RINGS_AT_MOST_SECONDS):
            yield RINGS_AT_MOST_SECONDS
            conversation.result = "no answer"
        elif command.kind != "conference" and phone.refusal is not None:
            yield phone.after_seconds
            conversation.result = REFUSALS.get(phone.refusal, "rejected")
        else:
            yield 0 if command.kind == "conference" else phone.after_seconds
            self._answered(call, conversation)
            yield phone.talks_seconds
            if phone.hangs_up == "caller":
                self._end(call, call.person)
        self._leave(call)

    def _conversation(self, call: SiftCall, command: Bridge) -> Conversation:
        conference = command.kind == "conference"
        conversation_id = self.rooms.conversation_id(command.endpoint) if conference else new_id()
        conversation = Conversation(
            conversation_id=conversation_id,
            kind=command.kind,
            endpoint=command.endpoint,
            event_url=command.event_url,
            began_at=self._one_by_one.now,
            records=command.do_record,
        )
        call.conversation = conversation
        call.conversations.append(conversation)
        self._note(call, "calls", kind=command.kind, endpoint=command.endpoint)
        return conversation

    def _answered(self, call: SiftCall, conversation: Conversation) -> None:
        conversation.answered_at, conversation.result = self._one_by_one.now, "answered"
        self._note(call, "answered", by=conversation.endpoint)
        if conversation.kind == "conference":
            self.rooms.join(call, conversation)
        self._connect(call)
        self._callbacks.conversation(call, conversation, "conversation_started")

    def _leave(self, call: SiftCall) -> None:
        """Nobody else is on the line any more."""
        conversation = call.conversation
        if conversation is None:
            return
        call.conversation, call.last_talk_at = None, self._one_by_one.now
        conversation.ended_at = self._one_by_one.now
        conference = conversation.kind == "conference"
        told = self.rooms.leave(call, conversation) if conference else [(call, conversation)]
        for each in told:
            self._callbacks.conversation(*each, "conversation_ended")

    def _end(self, call: SiftCall, by: EndedBy) -> None:
        """The connection is over, unless it was."""
        if call.over:
            return
        call.control += 1
        self._leave(call)
        call.end_time, call.ended_by = self._one_by_one.now, by
        call.status = "failed" if call.connected_at is None else "finished"
        seconds = call.duration_seconds
        self._note(call, "ended", status=call.status, by=by, duration=seconds)
        self._oracle.add(
            Kind.SIFT_END,
            call.connection_id,
            call.connection_id,
            status=call.status,
            duration_seconds=str(seconds),
            talk_seconds=str(call.talk_seconds),
            ended_by=by,
        )
        self._callbacks.status(call)

    def _trouble(self, call: SiftCall, why: str) -> None:
        call.troubles.append(why)
        self._note(call, "reply not obeyed", why=why)

    def _later(self, call: SiftCall, seconds: float, action: Callable[[], None], turn: Turn = Turn.PHONE) -> None:
        """Later, if nothing else has taken control of the connection by then."""
        control = call.control

        def still() -> None:
            if not call.over and call.control == control:
                action()

        self._one_by_one.after(seconds, still, turn)

    def _note(self, call: SiftCall, what: str, **detail: object) -> None:
        self._record.add(self._one_by_one.now, call.connection_id, what, **detail)
