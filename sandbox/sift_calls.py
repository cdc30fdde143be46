"""One connection of a Sift account: who is on the line, what was obeyed there, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import uuid4

from sandbox import wire
from sandbox.calls import Exchange
from sandbox.faults import REMOVED, Fault
from sandbox.phones import Phone
from sandbox.sift_answers import Reactions
from sandbox.sift_routines import Routine, read_routine
from sandbox.svaml import Heard

Direction = Literal["incoming", "outgoing"]
Status = Literal["connecting", "connected", "finished", "failed"]
EndedBy = Literal["", "caller", "callee", "routine", "rest", "platform"]
ConversationResult = Literal["", "answered", "busy", "rejected", "unreachable", "no answer", "not there"]

PATIENCE_SECONDS = 10

# How long the next command has to be waited for; None until somebody wakes the connection up.
Walk = Iterator[float | None]


def new_id() -> str:
    """An id as everything has it: 16 hex digits."""
    return uuid4().hex[:16]


@dataclass
class Application:
    """What is done with connections: on_incoming is asked, default_routine, as JSON has it, is run when that fails.

    Both may be changed at any time.
    """

    name: str
    on_incoming: str = ""
    default_routine: list[object] = field(default_factory=list)
    script: str = ""
    app_id: str = field(default_factory=new_id)

    @property
    def default_commands(self) -> Routine:
        """The default routine, read. Raises IllegalRoutine."""
        return read_routine(self.default_routine)


@dataclass(eq=False)
class Conversation:
    """One attempt to bring a phone, a client or a conference to the line.

    event_url is told of it. result is empty as long as nobody knows.
    """

    conversation_id: str
    kind: Literal["phone", "client", "conference"]
    endpoint: str
    event_url: str
    began_at: datetime
    records: bool = False
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    result: ConversationResult = ""

    @property
    def duration_seconds(self) -> int:
        """Whole seconds of talk, 0 while it lasts."""
        return whole_seconds(self.answered_at, self.ended_at)


@dataclass(eq=False, kw_only=True)
class SiftCall:
    """A connection from the wish to make it until it is over.

    number counts those of the account from 1 and stands for one when chance is consulted. from_ is None when the
    caller hides; to is None when a browser connects, which dials nobody. phone overrides the phone book for whoever
    is called. reactions is what the person on the line does about prompts. hangs_up_after_seconds counts from the
    start, patience_seconds from when nothing happens any more; None is never.

    began_at is when it was created; start_time what the wire calls its start, None as long as it has none.
    troubles says why replies could not be obeyed. results are those of Get commands, in their order. ended_by is who
    ended it: `rest` is POST connections/ID, `platform` an illegal reply, or none where there had to be one.
    """

    direction: Direction
    from_: str | None
    to: str | None
    number: int = 0
    application: Application | None = None
    status_url: str = ""
    client_data: object = REMOVED
    parameters: Mapping[str, str] = field(default_factory=dict)
    phone: Phone | None = None
    reactions: Reactions = field(default_factory=Reactions)
    hangs_up_after_seconds: float | None = None
    patience_seconds: float | None = None
    faults: tuple[Fault, ...] = ()
    connection_id: str = field(default_factory=new_id)

    status: Status = "connecting"
    began_at: datetime | None = None
    start_time: datetime | None = None
    connected_at: datetime | None = None
    end_time: datetime | None = None
    ended_by: EndedBy = ""
    control: int = 0
    walk: Walk | None = None
    prepared: Routine | None = None
    conversation: Conversation | None = None
    last_talk_at: datetime | None = None
    heard: list[Heard] = field(default_factory=list)
    results: list[Mapping[str, object]] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    happened: list[Fault] = field(default_factory=list)
    forwarded_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def call_id(self) -> str:
        """The connection's id."""
        return self.connection_id

    @property
    def over(self) -> bool:
        return self.end_time is not None

    @property
    def person(self) -> Literal["caller", "callee"]:
        """What the person on the line is: the caller of an incoming connection, the callee of an outgoing one."""
        return "caller" if self.direction == "incoming" else "callee"

    @property
    def duration_seconds(self) -> int:
        """Whole seconds from start_time to end_time as the wire has them; 0 until it is over, and without a start."""
        return whole_seconds(self.start_time, self.end_time)

    @property
    def talk_seconds(self) -> int:
        """Whole seconds in which somebody else was on the line, of all conversations together."""
        return sum(each.duration_seconds for each in self.conversations)

    def document(self) -> dict[str, object]:
        """The connection as the wire has it."""
        body: dict[str, object] = {
            "connection_id": self.connection_id,
            "status": self.status,
            "start_time": wire.timestamp(self.start_time) if self.start_time else None,
            "from": self.from_,
            "to": self.to,
            "direction": self.direction,
        }
        if self.end_time is not None:
            body["end_time"] = wire.timestamp(self.end_time)
        if self.client_data is not REMOVED:
            body["client_data"] = self.client_data
        return body


def whole_seconds(since: datetime | None, until: datetime | None) -> int:
    """The difference of two moments as the wire tells them, where they have no fractions; 0 without both."""
    if since is None or until is None:
        return 0
    return int(until.timestamp()) - int(since.timestamp())
