"""What Sift says about a connection, in callbacks and in answers of its API alike.

>>> from telephony.providers.reading import read_json
>>> told = b'{"connection_id": "3bb34721cbe2e221", "status": "connected", "from": "webrtc:alice", "to": null}'
>>> connection = read_connection(read_json(told, 1024))
>>> connection.status, connection.from_, connection.to, connection.oddities
(<ConnectionStatus.CONNECTED: 'connected'>, 'webrtc:alice', '', ())

Reading never fails: what cannot be read is left out, and said in `oddities`, or in `odd_times` where it is a time.
Fields that we do not know are ignored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from telephony.providers.reading import JsonObject, clean, read_moment
from telephony.providers.sift.ids import is_id

LONGEST_WORD = 64
LONGEST_PARTY = 255
LONGEST_NAME_SHOWN = 64


class ConnectionStatus(StrEnum):
    """How far a connection has come. OTHER is a word that the documentation does not have."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"  # it was never connected
    FINISHED = "finished"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One connection of a telephone or a browser to Sift, as Sift sees it.

    `from_` and `to` are E.164 with its plus or `webrtc:` and a client's name; empty when not said. `direction` is
    Sift's word: the guide defines it the other way round than its examples use it, so decide nothing by it.
    `client_data` is what a browser client gave to Sift.connect(): any JSON, names in lower case, to be trusted as much
    as the browser. None without any. `start_time` is when it was established, which one that was never connected never
    was. Times are UTC. `odd_times` says which of them were broken and left out, and why; `oddities` what else was.
    """

    connection_id: str
    status: ConnectionStatus
    status_word: str
    start_time: datetime | None = None
    end_time: datetime | None = None
    from_: str = ""
    to: str = ""
    direction: str = ""
    client_data: Any = field(default=None, hash=False)
    oddities: tuple[str, ...] = ()
    odd_times: tuple[str, ...] = ()

    @property
    def duration_seconds(self) -> int | None:
        """From when it was established to its end in whole seconds, a begun one counting; None until both are known.

        Sift tells no duration. This one is without the ringing, as the reference has it of `start_time`.
        """
        if self.start_time is None or self.end_time is None:
            return None
        lasted = self.end_time - self.start_time
        return lasted.days * 86_400 + lasted.seconds + (lasted.microseconds > 0)


def read_connection(values: JsonObject) -> Connection:
    """The connection that a JSON object describes. Never fails: see `Connection.oddities`."""
    # What a browser passes along may say a thing twice. That is no reason to doubt what Sift says itself.
    repeated = Counter(values.repeated) - Counter(_repeated_in(values.get("client_data")))
    oddities = [_twice(name) for name in repeated if name not in _TIMES]
    odd_times = [_twice(name) for name in repeated if name in _TIMES]
    connection_id = values.get("connection_id")
    if not is_id(connection_id):
        oddities.append("connection_id is missing or is not an id")
        connection_id = ""
    word = _text(values, "status", LONGEST_WORD, oddities).strip()
    if not word:
        oddities.append("status is missing")
    start_time, end_time = (_moment(values, name, odd_times) for name in _TIMES)
    if start_time and end_time and end_time < start_time:
        odd_times.append("end_time is before start_time")
        end_time = None
    return Connection(
        connection_id=connection_id,
        status=_STATUSES.get(word.lower(), ConnectionStatus.OTHER),
        status_word=word,
        start_time=start_time,
        end_time=end_time,
        from_=_text(values, "from", LONGEST_PARTY, oddities).strip(),
        to=_text(values, "to", LONGEST_PARTY, oddities).strip(),
        # Nothing hangs on it, so a strange one is no oddity.
        direction=_text(values, "direction", LONGEST_WORD, []).strip(),
        client_data=values.get("client_data"),
        oddities=tuple(dict.fromkeys(oddities)),
        odd_times=tuple(odd_times),
    )


def _twice(name: str) -> str:
    return f"{clean(name)[:LONGEST_NAME_SHOWN]} is given more than once"


def _repeated_in(value: object) -> Iterator[str]:
    """The names that are given more than once in a value, at whatever depth."""
    if isinstance(value, JsonObject):
        yield from value.repeated
    elif isinstance(value, list):
        for each in value:
            yield from _repeated_in(each)


def _text(values: JsonObject, name: str, limit: int, oddities: list[str]) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit:
        oddities.append(f"{name} is not a text of at most {limit} characters")
        return ""
    return clean(value)


def _moment(values: JsonObject, name: str, oddities: list[str]) -> datetime | None:
    text = _text(values, name, LONGEST_WORD, oddities)
    if not text:
        return None
    try:
        return read_moment(text)
    except ValueError:
        oddities.append(f"{name} is not a timestamp")
        return None


_TIMES = ("start_time", "end_time")

_STATUSES: Mapping[str, ConnectionStatus] = MappingProxyType(
    {status.value: status for status in ConnectionStatus if status is not ConnectionStatus.OTHER}
)
