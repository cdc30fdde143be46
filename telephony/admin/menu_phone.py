"""The telephone on which a menu is tried: what was pressed so far, in one short text that the page carries along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from accounts.numbers import country_of
from billing.models import Wallet
from telephony import menus
from telephony.admin.menu_links import NEW_MENU, menus_in_force
from telephony.menu_trial import HANG_UP, SAMPLE_BALANCE, SAMPLE_CURRENCY, SAMPLE_SECONDS, SILENCE, Trial, listen
from telephony.menus import KEYS
from telephony.models import AccessNumber, Menu

MOST_PRESSED = 400

# Silence and hanging up as one character, beside the keys.
_DONE = {"s": SILENCE, "h": HANG_UP}
_NOT_PRESSED = re.compile(r"[^0-9*#sh]")


@dataclass(frozen=True)
class Phone:
    """A telephone in a caller's hand: its keys, what was pressed, and how the call goes."""

    keys: ClassVar[str] = "123456789*0#"
    balance: ClassVar[Decimal] = SAMPLE_BALANCE
    minutes: ClassVar[int] = SAMPLE_SECONDS // 60

    trial: Trial
    pressed: str

    @classmethod
    def ring(cls, menu: menus.Menu, saved: Menu | None, pressed: str) -> Phone:
        """The call so far. `saved` is the menu's row, where it has one: its number says how numbers are dialled."""
        number, account_id = None, None
        if saved is not None:
            numbers = AccessNumber.objects.filter(menu=saved).order_by("pk")
            number, account_id = numbers.values_list("number", "account").first() or (None, None)
        currency = Wallet.objects.filter(account=account_id).values_list("currency", flat=True).first()
        trial = listen(
            menu,
            [_DONE.get(character, character) for character in pressed],
            menus=menus_in_force() | {saved.pk if saved else NEW_MENU: menu},
            currency=currency or SAMPLE_CURRENCY,
            home_country=country_of(number) if number else None,
        )
        return cls(trial=trial, pressed=pressed)

    @staticmethod
    def next(sent: Mapping[str, str]) -> str:
        """What was pressed after the button that was sent: a key, several typed ones, one taken back, or all."""
        pressed = _NOT_PRESSED.sub("", sent.get("pressed", ""))
        match sent.get("press", ""):
            case "again":
                pressed = ""
            case "back":
                pressed = pressed[:-1]
            case "typed":
                pressed += "".join(key for key in sent.get("typed", "") if key in KEYS)
            case key if len(key) == 1:
                pressed += _NOT_PRESSED.sub("", key)
        return pressed[:MOST_PRESSED]
