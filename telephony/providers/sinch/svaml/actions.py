"""Actions that connect nobody: the call ends, goes on, waits, or hears a menu."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from enum import IntEnum

from telephony.providers.sinch.svaml.checks import require_locale, require_whole
from telephony.providers.sinch.svaml.limits import LONGEST_PARK_SECONDS, MAIN
from telephony.providers.sinch.svaml.menus import Menu, require_menus
from telephony.providers.sinch.svaml.prompts import require_prompts, spoken_in
from telephony.providers.sinch.svaml.wire import Pair, Verb, Wire, pairs_of


class HangupCause(IntEnum):
    """The tone that a caller hears at the end, by its number on the wire (old)."""

    BUSY = 1
    CONGESTION = 2


@dataclass(frozen=True)
class Hangup(Verb):
    """End the call once the instructions were performed, with a tone of busy or congestion if a cause is given."""

    hangup_cause: HangupCause | None = None

    def wire(self) -> Wire:
        return hangup(self.hangup_cause)


@dataclass(frozen=True)
class BargeHangup(Verb, word="hangup"):
    """End the call at once, whatever it is hearing (old). Only a PATCH takes it."""

    hangup_cause: HangupCause | None = None

    def wire(self) -> Wire:
        return hangup(self.hangup_cause) | {"barge": True}


def hangup(cause: HangupCause | None) -> Wire:
    """The JSON that both ways to hang up begin with."""
    return {"name": "hangup"} if cause is None else {"name": "hangup", "hangupCause": int(cause)}


@dataclass(frozen=True)
class Continue(Verb):
    """Let the call go on: an answered one to whoever answered, one from an app to whom the app asked for."""


@dataclass(frozen=True, kw_only=True)
class RunMenu(Verb):
    """Let the caller hear a menu. Call the first one `main`: old documentation plays no other first.

    `barge` lets a key cut the prompt short. `enable_voice` lets words be spoken instead of keys; Sinch charges for it.
    """

    barge: bool = True
    locale: str = "en-US"
    main_menu: str = MAIN
    enable_voice: bool | None = None
    menus: tuple[Menu, ...]

    def __post_init__(self) -> None:
        require_locale("runMenu.locale", self.locale)
        require_menus(self.menus, self.main_menu, listening=bool(self.enable_voice))

    def spoken(self) -> Iterable[tuple[str, str]]:
        return [
            (f"menus[{index}].{path}", text) for index, menu in enumerate(self.menus) for path, text in menu.spoken()
        ]

    def cookies(self) -> Iterable[Pair]:
        return pairs_of([cookie for menu in self.menus for option in menu.options for cookie in option.action.add])


@dataclass(frozen=True)
class Park(Verb):
    """Let the caller wait: `intro_prompt` once, then `hold_prompt` again and again, at most `max_duration` seconds.

    A PATCH takes the call out again. When the time is over, the prompt is finished and the call ends.
    """

    hold_prompt: str
    _: KW_ONLY
    intro_prompt: str | None = None
    max_duration: int | None = None
    locale: str = "en-US"

    def __post_init__(self) -> None:
        require_prompts("park.holdPrompt", self.hold_prompt)
        if self.intro_prompt is not None:
            require_prompts("park.introPrompt", self.intro_prompt)
        require_whole("park.maxDuration", self.max_duration, 1, LONGEST_PARK_SECONDS, "seconds")
        require_locale("park.locale", self.locale)

    def spoken(self) -> Iterable[tuple[str, str]]:
        said = [("holdPrompt", text) for text in spoken_in(self.hold_prompt)]
        return said + [("introPrompt", text) for text in spoken_in(self.intro_prompt or "")]
