"""runMenu: what the caller hears, which keys may be pressed, and where they lead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.svaml import prompts, reading
from sandbox.svaml.instructions import cookie_key
from sandbox.svaml.prompts import Prompt
from sandbox.svaml.reading import Given, IllegalReply

MAIN = "main"
LONGEST_ID = 64
MOST_DIGITS = 100
MOST_REPEATS = 100
LEAST_MILLISECONDS, MOST_MILLISECONDS = 1_000, 30_000
TIMEOUT_MILLISECONDS = 5_000

_ACTION = re.compile(r"(?P<verb>menu|return)\((?P<operand>[^()]+)\)", re.IGNORECASE)


@dataclass(frozen=True)
class Option:
    """Where one key leads: to the menu `target`, or back to the application with the `value`."""

    target: str | None = None
    value: str | None = None
    cookies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Menu:
    """One level: keys lead on by `options`; max_digits None means that no number is wanted."""

    menu_id: str
    main_prompt: tuple[Prompt, ...] = ()
    repeat_prompt: tuple[Prompt, ...] = ()
    repeats: int = 0
    max_digits: int | None = None
    timeout_seconds: float = TIMEOUT_MILLISECONDS / 1000
    options: Mapping[str, Option] | None = None


@dataclass(frozen=True)
class RunMenu:
    """Menus by their ids; `first` is where the caller begins."""

    first: str
    menus: Mapping[str, Menu]
    barge: bool = True

    @property
    def cookies(self) -> tuple[tuple[str, str], ...]:
        """All that any key could set."""
        options = (option for menu in self.menus.values() for option in (menu.options or {}).values())
        return tuple(pair for option in options for pair in option.cookies)


def read(given: Given) -> RunMenu:
    """The menus of a reply.

    Raises IllegalReply.
    """
    reading.known(given, ["barge", "locale", "mainMenu", "enableVoice", "menus"], "runMenu")
    voice = reading.flag(given, "enableVoice", "runMenu")
    if reading.locale(given, "runMenu") is None and voice:
        raise IllegalReply("runMenu.locale is missing, and enableVoice needs one")
    menus: dict[str, Menu] = {}
    for each in reading.objects(given, "menus", "runMenu"):
        menu = _menu(each, voice=voice)
        if menu.menu_id in menus:
            raise IllegalReply(f"two menus have the id {menu.menu_id}")
        menus[menu.menu_id] = menu
    if not menus:
        raise IllegalReply("runMenu.menus is missing or empty")
    first = reading.text(given, "mainMenu", "runMenu") or MAIN
    if first not in menus:
        raise IllegalReply(f"runMenu.mainMenu names a menu that is not defined: {first}")
    _check_targets(menus)
    return RunMenu(first, menus, reading.flag(given, "barge", "runMenu", default=True))


def _check_targets(menus: Mapping[str, Menu]) -> None:
    for menu in menus.values():
        for key, option in (menu.options or {}).items():
            if option.target is not None and option.target not in menus:
                raise IllegalReply(f"key {key} of menu {menu.menu_id} leads to no defined menu: {option.target}")


def _menu(given: Given, *, voice: bool) -> Menu:
    menu_id = reading.required_text(given, "id", "menu")
    whose = f"menu {menu_id}"
    if len(menu_id) > LONGEST_ID:
        raise IllegalReply(f"a menu's id is longer than {LONGEST_ID} characters: {menu_id}")
    reading.known(
        given,
        ["id", "mainPrompt", "repeatPrompt", "repeats", "maxDigits", "timeoutMills", "maxTimeoutMills", "options"],
        whose,
    )
    reading.whole(given, "maxTimeoutMills", whose, least=LEAST_MILLISECONDS, most=60_000)
    timeout = reading.whole(given, "timeoutMills", whose, least=LEAST_MILLISECONDS, most=MOST_MILLISECONDS)
    max_digits = reading.whole(given, "maxDigits", whose, least=1, most=MOST_DIGITS)
    options = _options(given, whose, voice=voice)
    if max_digits is None and not reading.objects(given, "options", whose):
        raise IllegalReply(f"{whose} wants neither keys nor digits")
    return Menu(
        menu_id,
        _prompt(given, "mainPrompt", whose),
        _prompt(given, "repeatPrompt", whose),
        reading.whole(given, "repeats", whose, least=0, most=MOST_REPEATS) or 0,
        max_digits,
        (timeout or TIMEOUT_MILLISECONDS) / 1000,
        options,
    )


def _prompt(given: Given, property_: str, whose: str) -> tuple[Prompt, ...]:
    chain = reading.text(given, property_, whose)
    return prompts.read(chain, f"{whose}.{property_}") if chain else ()


def _options(given: Given, whose: str, *, voice: bool) -> dict[str, Option]:
    options: dict[str, Option] = {}
    for each in reading.objects(given, "options", whose):
        reading.known(each, ["dtmf", "input", "action", "add"], f"an option of {whose}")
        key = _key(each, whose)
        spoken = reading.text(each, "input", whose)
        if key is None and not (spoken and voice):
            raise IllegalReply(f"an option of {whose} has no dtmf")
        option = _option(each, whose)
        if key is None:
            continue  # a spoken option: nobody on this desk speaks
        if key in options:
            raise IllegalReply(f"{whose} has two options for the key {key}")
        options[key] = option
    return options


def _key(given: Given, whose: str) -> str | None:
    key = given.get("dtmf")
    if key is None:
        return None
    # One current client library emits bare numbers.
    spelled = str(key) if isinstance(key, int) and not isinstance(key, bool) else key
    if not isinstance(spelled, str) or spelled not in tuple("0123456789*#"):
        raise IllegalReply(f"an option of {whose} has a dtmf that is no key: {key}")
    return spelled


def _option(given: Given, whose: str) -> Option:
    action = reading.required_text(given, "action", f"an option of {whose}")
    found = _ACTION.fullmatch(action)
    if found is None:
        raise IllegalReply(f"an option of {whose} does neither menu(id) nor return(value): {action}")
    cookies = reading.pairs(given, "add", f"an option of {whose}")
    for key, _ in cookies:
        cookie_key(key)
    if found["verb"].lower() == "menu":
        return Option(target=found["operand"], cookies=cookies)
    return Option(value=found["operand"], cookies=cookies)
