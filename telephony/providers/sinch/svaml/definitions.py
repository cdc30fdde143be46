"""Menus defined step by step, as the README does. Each step gives a new value and leaves the old one as it was.

>>> menus = menu_definitions().add_number_input_menu("main", "#tts[Enter 12 digits]", max_digits=12)
>>> menus.menus[0].max_digits
12
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from telephony.providers.sinch.svaml.menus import Goto, Menu, Option, Return
from telephony.providers.sinch.svaml.prompts import respelled
from telephony.providers.sinch.svaml.wire import key_values

REPEATS = 3


@dataclass(frozen=True)
class MenuDefinitions:
    """The menus defined so far."""

    menus: tuple[Menu, ...] = ()

    def begin_menu_definition(
        self,
        menu_id: str,
        prompt: str,
        repeat_prompt: str | None = None,
        repeats: int = REPEATS,
        *,
        timeout_mills: int | None = None,
    ) -> MenuDefinition:
        """Begin a menu of options. Without a repeat prompt, the prompt itself is repeated."""
        return MenuDefinition(
            self, menu_id, respelled(prompt), _repeated(prompt, repeat_prompt), repeats, timeout_mills
        )

    def add_number_input_menu(
        self,
        menu_id: str,
        prompt: str,
        max_digits: int,
        repeat_prompt: str | None = None,
        repeats: int = REPEATS,
        *,
        timeout_mills: int | None = None,
    ) -> MenuDefinitions:
        """Add a menu that takes a number."""
        menu = Menu(
            menu_id,
            respelled(prompt),
            repeat_prompt=_repeated(prompt, repeat_prompt),
            repeats=repeats,
            max_digits=max_digits,
            timeout_mills=timeout_mills,
        )
        return self.add(menu)

    def add(self, menu: Menu) -> MenuDefinitions:
        """Add a menu that was made plainly."""
        return MenuDefinitions((*self.menus, menu))


@dataclass(frozen=True)
class MenuDefinition:
    """A menu that is still being given its options."""

    definitions: MenuDefinitions
    menu_id: str
    prompt: str
    repeat_prompt: str
    repeats: int
    timeout_mills: int | None
    options: tuple[Option, ...] = ()

    def add_goto_menu_option(self, dtmf: str, target: str, cookies: Mapping[str, str] | None = None) -> MenuDefinition:
        """A key that leads to another menu, and may set cookies on the way."""
        return self.add(Option(dtmf, Goto(target, key_values(cookies or {}))))

    def add_trigger_pie_option(self, dtmf: str, result: str) -> MenuDefinition:
        """A key that ends the menu; the result comes in a Prompt Input Event."""
        return self.add(Option(dtmf, Return(result)))

    def add(self, option: Option) -> MenuDefinition:
        """Add an option that was made plainly."""
        return replace(self, options=(*self.options, option))

    def end_menu_definition(self) -> MenuDefinitions:
        """The definitions with this menu among them."""
        menu = Menu(
            self.menu_id,
            self.prompt,
            repeat_prompt=self.repeat_prompt,
            repeats=self.repeats,
            timeout_mills=self.timeout_mills,
            options=self.options,
        )
        return self.definitions.add(menu)


def menu_definitions() -> MenuDefinitions:
    """No menus yet."""
    return MenuDefinitions()


def _repeated(prompt: str, repeat_prompt: str | None) -> str:
    return respelled(prompt if repeat_prompt is None else repeat_prompt)
