"""Conferences of a Sift account: conversations that begin with the first who joins and end with the last who leaves."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.sift_calls import Conversation, SiftCall, new_id


@dataclass
class Room:
    """One conference. told are all who ever joined it: its end concerns them too."""

    conversation_id: str = field(default_factory=new_id)
    present: set[str] = field(default_factory=set)
    told: list[tuple[SiftCall, Conversation]] = field(default_factory=list)


class Rooms:
    """The conferences by name."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}

    def conversation_id(self, name: str) -> str:
        """The id of the conversation that goes on there, or begins now."""
        return self._rooms.setdefault(name, Room()).conversation_id

    def join(self, call: SiftCall, conversation: Conversation) -> None:
        """Enter."""
        room = self._rooms.setdefault(conversation.endpoint, Room(conversation.conversation_id))
        room.present.add(call.connection_id)
        room.told.append((call, conversation))

    def leave(self, call: SiftCall, conversation: Conversation) -> list[tuple[SiftCall, Conversation]]:
        """Leave; gives whom to tell that the conversation has ended: nobody as long as somebody is there."""
        room = self._rooms.get(conversation.endpoint)
        if room is None or call.connection_id not in room.present:
            return []
        room.present.discard(call.connection_id)
        if room.present:
            return []
        del self._rooms[conversation.endpoint]
        return room.told

    def present(self, name: str) -> int:
        """How many are there."""
        return len(self._rooms[name].present) if name in self._rooms else 0
