"""Menus: what a caller hears, what may be pressed or said, and where that leads."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from telephony.providers.sinch.svaml.checks import require_at_least, require_length, require_whole
from telephony.providers.sinch.svaml.errors import BuilderError
from telephony.providers.sinch.svaml.instructions import require_cookie
from telephony.providers.sinch.svaml.limits import KEYS, LONGEST_MENU_ID, LONGEST_MENU_MILLS, SHORTEST_MENU_MILLS
from telephony.providers.sinch.svaml.prompts import require_prompts, spoken_in
from telephony.providers.sinch.svaml.wire import KeyValue, Part, Wire

# Either would end the name inside `menu(…)` or `return(…)`.
_NO_NAME = re.compile("[()\x00-\x1f\ud800-\udfff]")


@dataclass(frozen=True)
class Goto:
    """Go to another menu of the same reply, `menu(target)`; `add` are cookies that are set on the way."""

    target: str
    add: tuple[KeyValue, ...] = ()

    def __post_init__(self) -> None:
        _require_name("option.action", self.target)
        require_length("option.action", self.target, LONGEST_MENU_ID)
        for index, cookie in enumerate(self.add):
            require_cookie(f"option.add[{index}]", cookie.key, cookie.value)

    def word(self) -> str:
        return f"menu({self.target})"


@dataclass(frozen=True)
class Return:
    """End the menu and tell us a value in a Prompt Input Event, `return(value)`. It sets no cookies."""

    value: str
    add: ClassVar[tuple[KeyValue, ...]] = ()

    def __post_init__(self) -> None:
        _require_name("option.action", self.value)

    def word(self) -> str:
        return f"return({self.value})"


@dataclass(frozen=True)
class Option(Part):
    """What a key does. `input` is what may be said instead, in a menu that listens; without a key it stands alone."""

    dtmf: str | None
    action: Goto | Return
    _: KW_ONLY
    input: str | None = None

    def __post_init__(self) -> None:
        if self.dtmf is None and self.input is None:
            raise BuilderError("option.dtmf", "one of 0 to 9, * and #", None)
        if self.dtmf is not None and (len(self.dtmf) != 1 or self.dtmf not in KEYS):
            raise BuilderError("option.dtmf", "one of 0 to 9, * and #", self.dtmf)
        if self.input == "":
            raise BuilderError("option.input", "a word that is not empty", "")

    def wire(self) -> Wire:
        written: Wire = {} if self.dtmf is None else {"dtmf": self.dtmf}
        written["action"] = self.action.word()
        if self.input is not None:
            written["input"] = self.input
        if self.action.add:
            written["add"] = [cookie.wire() for cookie in self.action.add]
        return written


@dataclass(frozen=True)
class Menu(Part):
    """One menu: options, or `max_digits` for a number, or both. Prompts are chains; times are milliseconds.

    Where no time is given, Sinch waits five seconds for a key and twenty for speech. A number is complete at
    `max_digits`, at #, or when the time is over.
    """

    id: str
    main_prompt: str
    _: KW_ONLY
    repeat_prompt: str | None = None
    repeats: int | None = None
    max_digits: int | None = None
    timeout_mills: int | None = None
    max_timeout_mills: int | None = None
    options: tuple[Option, ...] = ()

    def __post_init__(self) -> None:
        _require_name("menu.id", self.id)
        require_length("menu.id", self.id, LONGEST_MENU_ID)
        require_prompts("menu.mainPrompt", self.main_prompt, bare_address=True)
        if self.repeat_prompt is not None:
            require_prompts("menu.repeatPrompt", self.repeat_prompt, bare_address=True)
        require_at_least("menu.repeats", self.repeats, 0)
        require_at_least("menu.maxDigits", self.max_digits, 1)
        shortest, longest = SHORTEST_MENU_MILLS, LONGEST_MENU_MILLS
        require_whole("menu.timeoutMills", self.timeout_mills, shortest, longest, "milliseconds")
        require_whole("menu.maxTimeoutMills", self.max_timeout_mills, shortest, longest, "milliseconds")
        self._require_choice()

    def _require_choice(self) -> None:
        if not self.options and self.max_digits is None:
            raise BuilderError("menu.options", "at least one option, or maxDigits beside it", 0)
        pressed = set()
        for index, option in enumerate(self.options):
            if option.dtmf in pressed:
                raise BuilderError(f"menu.options[{index}].dtmf", "each key once", option.dtmf)
            if option.dtmf is not None:
                pressed.add(option.dtmf)

    def spoken(self) -> list[tuple[str, str]]:
        """Every text this menu speaks, with its path. A repeat of the same words is not more words."""
        said = [("mainPrompt", text) for text in spoken_in(self.main_prompt)]
        if self.repeat_prompt is not None and self.repeat_prompt != self.main_prompt:
            said += [("repeatPrompt", text) for text in spoken_in(self.repeat_prompt)]
        return said


def require_menus(menus: tuple[Menu, ...], start: str, *, listening: bool) -> None:
    """That menus belong together: there are some, no id is given twice, and whatever they lead to is there.

    A word may be waited for only where somebody is listening.
    """
    if not menus:
        raise BuilderError("runMenu.menus", "at least one menu", 0)
    known: set[str] = set()
    for index, menu in enumerate(menus):
        if menu.id in known:
            raise BuilderError(f"runMenu.menus[{index}].id", "each id once", menu.id)
        known.add(menu.id)
    if start not in known:
        raise BuilderError("runMenu.mainMenu", "the id of one of the menus", start)
    for index, menu in enumerate(menus):
        for place, option in enumerate(menu.options):
            if isinstance(option.action, Goto) and option.action.target not in known:
                field = f"runMenu.menus[{index}].options[{place}].action"
                raise BuilderError(field, "the id of one of the menus", option.action.target)
            if option.input is not None and not listening:
                field = f"runMenu.menus[{index}].options[{place}].input"
                raise BuilderError(field, "a word only with enableVoice", option.input)


def _require_name(field: str, name: str) -> None:
    if not name or _NO_NAME.search(name):
        raise BuilderError(field, "a name that is not empty, without parentheses", name)
