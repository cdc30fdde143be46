"""Numbers that answered STOP to texts of an application: nothing is sent to them until they answer START."""

from __future__ import annotations

from datetime import datetime

from postgres.statements import Answer, ask, tell


def find(application_id: int, number: str) -> Answer:
    """Ask whether this number said STOP. A row means yes."""
    return ask("SELECT 1 FROM telephony_optout WHERE application_id = %s AND number = %s", [application_id, number])


def stop(application_id: int, number: str, at: datetime, *, everywhere: bool = False) -> None:
    """The number said STOP. A second time changes nothing. `everywhere`: to all applications that send texts."""
    tell(
        "INSERT INTO telephony_optout (application_id, number, made_at) "
        "SELECT id, %s::varchar, %s::timestamptz FROM telephony_application WHERE id = %s OR (%s AND sends_texts) "
        "ON CONFLICT (application_id, number) DO NOTHING",
        [number, at, application_id, everywhere],
    )


def start(application_id: int, number: str, *, everywhere: bool = False) -> None:
    """The number said START, which takes back what `stop` did."""
    tell(
        "DELETE FROM telephony_optout WHERE number = %s AND (application_id = %s OR %s)",
        [number, application_id, everywhere],
    )
