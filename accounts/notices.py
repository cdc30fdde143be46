"""Notices: what a customer reads in the portal, and staff on their dashboard, until somebody dismisses it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts.models import Account, Notice
from postgres.statements import ask
from postgres.statements import tell as tell_database

MOST_SHOWN = 20
LONGEST_KEY = 120
LONGEST_TEXT = 500

Level = Notice.Level

_TELL = """
INSERT INTO accounts_notice (account_id, key, text, level) VALUES (%s, %s, %s, %s)
ON CONFLICT (key) DO NOTHING
"""

_REMIND = """
INSERT INTO accounts_notice (account_id, key, text, level, made_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (key) DO UPDATE
SET text = excluded.text, level = excluded.level, made_at = excluded.made_at, dismissed_at = NULL
WHERE accounts_notice.made_at <= %s
RETURNING id
"""


def tell(account_id: int | None, key: str, text: str, level: Level = Level.INFO) -> None:
    """Leave a notice for an account, for staff with None, in the caller's transaction. The same key says it once.

    The key names what it is about, at most 120 characters; a text of more than 500 is cut.
    """
    tell_database(_TELL, [account_id, _usable(key), _shortened(text), level.value])


def remind(account_id: int | None, key: str, text: str, level: Level, *, now: datetime, every: timedelta) -> bool:
    """As `tell`, but a notice with this key that is older than `every` is said anew, dismissed or not.

    False when it is younger: then nothing was changed, and nobody need be told by another way either.
    """
    written = ask(_REMIND, [account_id, _usable(key), _shortened(text), level.value, now, now - every])
    return written.row() is not None


def to_see(account: Account | None) -> Sequence[Notice]:
    """The newest notices of the account, or of staff with None, that nobody has dismissed."""
    return list(_open(account).order_by("-made_at", "-id")[:MOST_SHOWN])


def dismiss(account: Account | None, notice_id: int, at: datetime) -> bool:
    """Show this notice no more. False when it is not the account's, or was dismissed before."""
    return bool(_open(account).filter(pk=notice_id).update(dismissed_at=at))


def _open(account: Account | None) -> QuerySet[Notice]:
    return Notice.objects.filter(account=account, dismissed_at__isnull=True)


def _usable(key: str) -> str:
    if len(key) > LONGEST_KEY:
        raise ValueError(f"the key of a notice has at most {LONGEST_KEY} characters: {key!r}")
    return key


def _shortened(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable if len(printable) <= LONGEST_TEXT else f"{printable[: LONGEST_TEXT - 1]}…"
