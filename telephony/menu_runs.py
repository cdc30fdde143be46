"""How far a call has come in its menu, as it is kept. The call's lock guards it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID

from psycopg.types.json import Jsonb

from postgres.statements import Answer, ask, tell
from telephony.calling_card import card_menu
from telephony.menus import Action, Menu, read_action, read_menu, write_action


@dataclass(frozen=True, kw_only=True)
class Version:
    """A menu as it was saved once: a call that began with it keeps it. Without an id it is the calling card."""

    id: int | None
    menu: Menu


@dataclass(frozen=True, kw_only=True)
class Run:
    """A call's way through a menu.

    `asked` is the question that our last reply asked first, `waiting` the action that waits for a PIN. `account_id` is
    the caller's account once a PIN proved it, `payer_id` the account that the access number belongs to. `kept` are the
    values that were given back, each with the question it came from. `deck_ids` price what it connects, as the access
    number says.
    """

    version: Version
    asked: str = ""
    waiting: Action | None = None
    account_id: int | None = None
    payer_id: int | None = None
    wrong_inputs: int = 0
    wrong_pins: int = 0
    answers: int = 0
    kept: tuple[tuple[str, str], ...] = ()
    deck_ids: tuple[int, ...] = ()

    @property
    def menu(self) -> Menu:
        return self.version.menu


def find(call_id: UUID) -> Answer:
    """Ask how far the call has come. See `read`."""
    return ask(
        "SELECT v.id, v.definition::text, r.asked, r.waiting::text, r.account_id, n.account_id, r.wrong_inputs, "
        "       r.wrong_pins, r.answers, r.kept::text, n.locale, "
        "       ARRAY(SELECT ratedeck_id FROM telephony_accessnumber_rate_decks WHERE accessnumber_id = n.id) "
        "FROM telephony_menurun r "
        "LEFT JOIN telephony_menuversion v ON v.id = r.version_id "
        "JOIN telephony_call c ON c.id = r.call_id "
        "LEFT JOIN telephony_accessnumber n ON n.id = c.access_number_id "
        "WHERE r.call_id = %s",
        [call_id],
    )


def read(answer: Answer) -> Run | None:
    """The run that was asked for; None when the call is in no menu."""
    row = answer.row()
    if row is None:
        return None
    version_id, definition, asked, waiting, account_id, payer_id, wrong_inputs, wrong_pins, answers, *more = row
    kept, locale, deck_ids = more
    menu = card_menu(locale) if version_id is None else read_menu(json.loads(definition))
    return Run(
        version=Version(id=version_id, menu=menu),
        asked=asked,
        waiting=None if waiting is None else read_action(json.loads(waiting)),
        account_id=account_id,
        payer_id=payer_id,
        wrong_inputs=wrong_inputs,
        wrong_pins=wrong_pins,
        answers=answers,
        kept=tuple((name, value) for name, value in json.loads(kept)),
        deck_ids=tuple(deck_ids),
    )


def find_newest(menu_id: int) -> Answer:
    """Ask for a menu's newest version. See `read_version`."""
    return ask(
        "SELECT id, definition::text FROM telephony_menuversion WHERE menu_id = %s ORDER BY number DESC LIMIT 1",
        [menu_id],
    )


def read_version(answer: Answer) -> Version | None:
    """The version that was asked for; None when the menu has none."""
    row = answer.row()
    return None if row is None else Version(id=row[0], menu=read_menu(json.loads(row[1])))


def write(call_id: UUID, run: Run) -> None:
    """Keep how far the call has come, for the first time or again."""
    waiting = None if run.waiting is None else Jsonb(write_action(run.waiting))
    tell(
        "INSERT INTO telephony_menurun (call_id, version_id, asked, waiting, account_id, wrong_inputs, wrong_pins, "
        "answers, kept) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (call_id) DO UPDATE SET version_id = excluded.version_id, asked = excluded.asked, "
        "waiting = excluded.waiting, account_id = excluded.account_id, wrong_inputs = excluded.wrong_inputs, "
        "wrong_pins = excluded.wrong_pins, answers = excluded.answers, kept = excluded.kept",
        [
            call_id, run.version.id, run.asked, waiting, run.account_id, run.wrong_inputs, run.wrong_pins,
            run.answers, Jsonb(run.kept),
        ],
    )  # fmt: skip
