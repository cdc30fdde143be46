"""What a caller hears and presses: instructions, menus, hold music. Each is a walk that yields how long it takes.

What the documentation leaves open is decided here. A prompt takes a second for every 15 characters begun, a file
three, every key one. A caller who has a key to press does so a second after the prompt begins when it may be
interrupted (barge), else a second after it ends; a caller who hangs up in a menu does so a second after it begins.
In a menu of keys the first key counts, and one that leads nowhere is invalid input. A menu that takes digits too
tries its options first. `*` is a digit like any other; `#` ends a number, and alone gives an empty one.

Silence and invalid input both use up a repetition. When none is left the menu ends as `timeout`, or as
`invalidinput` when the last input was a wrong key. A cookie of an option is set when its key is pressed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Literal

from sandbox import svaml
from sandbox.calls import Call, MenuResult
from sandbox.clock import Clock
from sandbox.keys import HangUp, Press, Silence
from sandbox.record import Record
from sandbox.recordings import Recordings
from sandbox.svaml import Heard, Leg, Menu, Option, Prompt

REACTION_SECONDS = 1
KEY_SECONDS = 1
LAST_DIGIT_SECONDS = 5
DTMF_PER_SECOND = 2

Walk = Iterator[float]
MenuWalk = Generator[float, None, MenuResult]


class Player:
    """Plays to one call at a time; what is heard goes into the call and the record."""

    def __init__(self, *, clock: Clock, record: Record, recordings: Recordings) -> None:
        self._clock = clock
        self._record = record
        self._recordings = recordings

    def carry_out(self, call: Call, instructions: Iterable[svaml.Instruction], leg: Leg = "caller") -> Walk:
        """Every instruction in turn. `leg` hears what is said and played."""
        for each in instructions:
            yield self._carry_out(call, each, leg)

    def _carry_out(self, call: Call, instruction: svaml.Instruction, leg: Leg) -> float:
        match instruction:
            case svaml.Say(prompt):
                return self._hear(call, "say", [prompt], leg)
            case svaml.PlayFiles(prompts):
                return self._hear(call, "playFiles", prompts, leg)
            case svaml.SendDtmf(keys):
                self._heard(call, Heard("sendDtmf", keys))
                return -(-len(keys) // DTMF_PER_SECOND)
            case svaml.SetCookie(key, value):
                self._heard(call, Heard("setCookie", f"{key}={value}"))
                call.cookies[key] = value
            case svaml.Answer():
                self._heard(call, Heard("answer"))
                self.answer_leg(call)
            case svaml.StartRecording():
                self._heard(call, Heard("startRecording"))
                self._recordings.start(call, instruction)
            case svaml.StopRecording():
                self._heard(call, Heard("stopRecording"))
                self._recordings.stop(call)
        return 0

    def answer_leg(self, call: Call) -> None:
        """The incoming leg is answered, if it was not before."""
        if call.leg_answered_at is None and call.answered_at is None:
            call.leg_answered_at = self._clock.now
            self._note(call, "leg answered")

    def menus(self, call: Call, run: svaml.RunMenu) -> MenuWalk:
        """The caller's way through the menus, and how it ended."""
        menu = run.menus[run.first]
        while True:
            call.menu_id = menu.menu_id
            self._note(call, "menu", id=menu.menu_id)
            found = yield from self._level(call, menu, barge=run.barge)
            if isinstance(found, MenuResult):
                return found
            for key, value in found.cookies:
                self._carry_out(call, svaml.SetCookie(key, value), "caller")
            if found.target is None:
                return MenuResult(menu.menu_id, "return", found.value or "")
            menu = run.menus[found.target]

    def _level(self, call: Call, menu: Menu, *, barge: bool) -> Generator[float, None, Option | MenuResult]:
        """One menu until a key leads on or the menu has ended."""
        ended_as: Literal["timeout", "invalidinput"] = "timeout"
        for attempt in range(menu.repeats + 1):
            press = call.keys.next()
            yield from self._prompt(call, menu, press, first=attempt == 0, barge=barge)
            match press:
                case HangUp():
                    return MenuResult(menu.menu_id, "hangup")
                case Silence():
                    ended_as = "timeout"
                    yield menu.timeout_seconds
                case str(keys):
                    found = yield from self._input(call, menu, keys)
                    if found is not None:
                        return found
                    ended_as = "invalidinput"
        return MenuResult(menu.menu_id, ended_as)

    def _prompt(self, call: Call, menu: Menu, press: Press, *, first: bool, barge: bool) -> Walk:
        """What the menu says, until it ends or the caller has something better to do."""
        repeated = not first and menu.repeat_prompt
        prompts = menu.repeat_prompt if repeated else menu.main_prompt
        seconds = self._hear(call, "repeatPrompt" if repeated else "mainPrompt", prompts)
        match press:
            case HangUp():
                yield REACTION_SECONDS
            case Silence():
                yield seconds
            case _:
                yield REACTION_SECONDS if barge else seconds + REACTION_SECONDS

    def _input(self, call: Call, menu: Menu, keys: str) -> Generator[float, None, Option | MenuResult | None]:
        """Where the keys lead; None when that is nowhere."""
        option = (menu.options or {}).get(keys[0])
        if option is not None or menu.max_digits is None:
            self._note(call, "pressed", menu=menu.menu_id, keys=keys[0])
            return option
        number, end, _ = keys.partition("#")
        if len(number) >= menu.max_digits:
            number, end = number[: menu.max_digits], ""
        yield (len(number + end) - 1) * KEY_SECONDS
        self._note(call, "pressed", menu=menu.menu_id, keys=number + end)
        if not end and len(number) < menu.max_digits:
            yield LAST_DIGIT_SECONDS
        return MenuResult(menu.menu_id, "sequence", number)

    def park(self, call: Call, action: svaml.Park) -> Walk:
        """The introduction once, then the music round and round; ends with the prompt that passes the limit."""
        elapsed = self._hear(call, "introPrompt", action.intro_prompt)
        yield elapsed
        while elapsed < action.limit_seconds:
            played = self._hear(call, "holdPrompt", action.hold_prompt) or action.limit_seconds - elapsed
            elapsed += played
            yield played

    def _hear(self, call: Call, name: str, prompts: Iterable[Prompt], leg: Leg = "caller") -> int:
        seconds = 0
        for prompt in prompts:
            self._heard(call, Heard(name, prompt.text, prompt.kind, leg))
            seconds += prompt.seconds
        return seconds

    def _heard(self, call: Call, heard: Heard) -> None:
        call.heard.append(heard)
        self._note(call, "heard", name=heard.name, text=heard.text, kind=heard.kind, leg=heard.leg)

    def _note(self, call: Call, what: str, **detail: object) -> None:
        self._record.add(self._clock.now, call.call_id, what, **detail)
