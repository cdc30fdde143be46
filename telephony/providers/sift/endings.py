"""How a connection ended, by what Sift says of it.

Sift tells neither a duration nor whether anybody answered: a connection that failed was never connected, and one that
finished lasted from when it was established to its end. Where a time is missing or odd nothing may be settled by it.
"""

from __future__ import annotations

from telephony.events import CallEnded, EndReason, Result
from telephony.providers.sift.connections import Connection, ConnectionStatus

_GOING_ON = frozenset({ConnectionStatus.CONNECTING, ConnectionStatus.CONNECTED})


def ended_of(connection: Connection) -> CallEnded | None:
    """The end of a connection; None while it is going on.

    A status that we do not know has the result OTHER and no duration, which nobody believes.
    """
    if connection.status in _GOING_ON:
        return None
    oddities, duration_seconds, result = connection.oddities, connection.duration_seconds, Result.OTHER
    if connection.status is ConnectionStatus.FAILED:
        result, duration_seconds = Result.FAILED, 0  # whatever its times are
    elif connection.status is ConnectionStatus.FINISHED:
        result, oddities = Result.ANSWERED, (*oddities, *connection.odd_times)
        if duration_seconds is None:
            oddities = (*oddities, "it has finished, and its times do not say how long it lasted")
    else:
        duration_seconds = None
    return CallEnded(
        call_id=connection.connection_id,
        at=connection.end_time,
        result=result,
        result_word=connection.status_word,
        reason=EndReason.NONE,  # Sift has no word for it
        duration_seconds=duration_seconds,
        oddities=oddities,
    )
