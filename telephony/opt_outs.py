"""Numbers that answered STOP to texts of an application: nothing is sent to them until they answer START."""

from __future__ import annotations

from datetime import datetime

from postgres.statements import Answer, ask, tell


def find(application_id: int, number: str) -> Answer:
    """Ask whether this number said STOP. A row means yes."""
    return ask("SELECT 1 FROM telephony_optout WHERE application_id = %s AND number = %s", [application_id, number])


def stop(application_id: int, number: str, at: datetime) -> None:
    """The number said STOP. A second time changes nothing."""
    tell(
        "INSERT INTO telephony_optout (application_id, number, made_at) VALUES (%s, %s, %s) "
        "ON CONFLICT (application_id, number) DO NOTHING",
        [application_id, number, at],
    )


def start(application_id: int, number: str) -> None:
    """The number said START."""
    tell("DELETE FROM telephony_optout WHERE application_id = %s AND number = %s", [application_id, number])
