"""Conference rooms: made when the first caller joins, gone when the last one leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sandbox.calls import Call


@dataclass
class Participant:
    """One caller in a room. moh is what is heard on hold."""

    call: Call
    joined_at: datetime
    muted: bool = False
    on_hold: bool = False
    moh: str | None = None

    def seconds_by(self, moment: datetime) -> int:
        """How long the caller has been in the room, in whole seconds."""
        return int((moment - self.joined_at).total_seconds())


class Conferences:
    """The rooms by conference id, the participants by call id, in the order they joined."""

    def __init__(self) -> None:
        self._rooms: dict[str, dict[str, Participant]] = {}

    def join(self, conference_id: str, call: Call, now: datetime) -> None:
        """Enter, and make the room if need be."""
        self._rooms.setdefault(conference_id, {})[call.call_id] = Participant(call, now)

    def leave(self, call: Call) -> None:
        """Leave whatever room the call is in."""
        for conference_id, room in list(self._rooms.items()):
            room.pop(call.call_id, None)
            if not room:
                del self._rooms[conference_id]

    def room(self, conference_id: str) -> list[Participant]:
        """Who is in a room; nobody when there is none."""
        return list(self._rooms.get(conference_id, {}).values())

    def participant(self, conference_id: str, call_id: str) -> Participant | None:
        """One of them, or None."""
        return self._rooms.get(conference_id, {}).get(call_id)
