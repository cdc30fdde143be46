"""What a line has proved itself with and may not use again."""

from __future__ import annotations

from datetime import datetime, timedelta

from postgres.statements import ask, tell
from softphone.models import Line

KEPT_FOR = timedelta(days=1)


def use(line: Line, nonce: str, now: datetime) -> bool:
    """Remember that the line used the nonce; False when it had done so before. Of two at once, one is told True."""
    first = ask(
        "INSERT INTO softphone_usednonce (line_id, nonce, used_at) VALUES (%s, %s, %s) "
        "ON CONFLICT (line_id, nonce) DO NOTHING RETURNING id",
        [line.pk, nonce, now],
    )
    return first.row() is not None


def forget_old(now: datetime) -> None:
    """Forget what was used more than a day ago."""
    tell("DELETE FROM softphone_usednonce WHERE used_at < %s", [now - KEPT_FOR])
