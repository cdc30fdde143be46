"""One call on the platform: what was wanted, what was asked and answered, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import uuid4

from sandbox import rates
from sandbox.faults import Fault
from sandbox.phones import Phone
from sandbox.svaml import Heard

Origin = Literal["MXP", "PSTN"]


@dataclass(frozen=True)
class Exchange:
    """One callback that really was sent, and what came back.

    attempt is 1 for the callback itself and more for its repetitions. status is None when nothing
    came back in time; error then says what happened. sent_at is virtual time; deliveries with the same
    round were in flight together.
    """

    event: str
    attempt: int
    sent_at: datetime
    round: int
    request: bytes
    status: int | None
    answer: bytes
    error: str = ""


@dataclass(eq=False)
class Call:
    """A call, from the wish to make it until it has ended.

    number counts the calls of a platform from 1 and stands for the call when chance is consulted.
    user and cli are the caller, to_type and to the party dialled; connected_to is who the application let
    it reach. phone overrides the phone book. limit_seconds is the maxDuration the application gave;
    action its decision by name. problem says why the platform could not obey a reply.
    """

    number: int
    origin: Origin
    user: str | None
    cli: str
    to_type: Literal["number", "username", "did"]
    to: str
    domain: Literal["pstn", "mxp"]
    custom: str | None = None
    phone: Phone | None = None
    faults: tuple[Fault, ...] = ()
    call_id: str = field(default_factory=lambda: str(uuid4()))

    user_rate: Decimal = rates.FREE
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    action: str | None = None
    connected_to: str | None = None
    presented_cli: str | None = None
    limit_seconds: int | None = None
    suppress_callbacks: bool = False
    result: str = "N/A"
    reason: str = "N/A"
    duration_seconds: int = 0
    debit: Decimal = rates.FREE
    problem: str = ""
    forgotten: bool = False
    cookies: dict[str, str] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    happened: list[Fault] = field(default_factory=list)

    @property
    def answered(self) -> bool:
        """Whether somebody picked up."""
        return self.answered_at is not None

    @property
    def ended(self) -> bool:
        return self.ended_at is not None

    @property
    def caller(self) -> str:
        """Who calls, as DiCE names them: the presented number, `private`, or the user."""
        return self.presented_cli or self.user or "private"

    def seconds_answered_by(self, moment: datetime) -> int:
        """Whole seconds of conversation so far."""
        if self.answered_at is None:
            return 0
        return int(((self.ended_at or moment) - self.answered_at).total_seconds())
