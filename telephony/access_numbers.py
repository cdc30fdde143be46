"""Our own numbers (DIDs), as a call finds them: whose they are and where they lead."""

from __future__ import annotations

import json
from dataclasses import dataclass

from postgres.statements import Answer, ask
from telephony.menu_runs import Version
from telephony.menus import LOCALE, read_menu
from telephony.models import AccessNumber as Kept

Leads = Kept.Leads


@dataclass(frozen=True, kw_only=True)
class AccessNumber:
    """A number of ours. `version` is the newest of its menu; `connects_to` is empty where it names no number.

    `deck_ids` price what comes in by it; none: the account's own deck does.
    """

    id: int
    number: str
    account_id: int | None
    connects_to: str
    version: Version | None
    leads: Leads = Leads.AS_BELOW
    locale: str = LOCALE
    deck_ids: tuple[int, ...] = ()


def find(application_id: int, number: str) -> Answer:
    """Ask for an enabled access number of the application. See `read`."""
    return ask(
        "SELECT n.id, n.number, n.account_id, n.connects_to, v.id, v.definition::text, n.leads, n.locale, "
        "ARRAY(SELECT ratedeck_id FROM telephony_accessnumber_rate_decks WHERE accessnumber_id = n.id) "
        "FROM telephony_accessnumber n LEFT JOIN LATERAL ("
        "    SELECT id, definition FROM telephony_menuversion WHERE menu_id = n.menu_id "
        "    ORDER BY number DESC LIMIT 1) v ON true "
        "WHERE n.number = %s AND n.application_id = %s AND n.enabled",
        [number, application_id],
    )


def read(answer: Answer) -> AccessNumber | None:
    """The access number that was asked for; None when the application has none like it."""
    row = answer.row()
    if row is None:
        return None
    id, number, account_id, connects_to, version_id, definition, leads, locale, deck_ids = row
    return AccessNumber(
        id=id,
        number=number,
        account_id=account_id,
        connects_to=connects_to,
        version=None if version_id is None else Version(id=version_id, menu=read_menu(json.loads(definition))),
        leads=Leads(leads),
        locale=locale,
        deck_ids=tuple(deck_ids),
    )


def find_ours(number: str) -> Answer:
    """Ask whether a number is one of ours: a call connected to it would come back to us. A row means yes."""
    return ask("SELECT 1 FROM telephony_accessnumber WHERE number = %s AND enabled", [number])
