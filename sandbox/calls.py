"""One call on the platform: what was wanted, what was asked and answered, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import uuid4

from sandbox import rates
from sandbox.callouts import Callout
from sandbox.faults import Fault
from sandbox.keys import Keys
from sandbox.phones import Phone
from sandbox.svaml import ConnectConf, Heard

Origin = Literal["MXP", "PSTN", "SERVER"]
Stage = Literal["asked", "ringing", "talking", "menu", "parked", "conference", "leaving"]
Side = Literal["", "number", "username", "sip", "stream", "conference"]


@dataclass(frozen=True)
class Exchange:
    """One callback that really was sent, and what came back.

    occurrence counts the callbacks of one event from 1: a call has many PIE. attempt is 1 for the callback
    itself and more for its repetitions. status is None when nothing came back in time; error then says what
    happened. sent_at is virtual time; deliveries with the same round were in flight together.
    """

    event: str
    attempt: int
    sent_at: datetime
    round: int
    request: bytes
    status: int | None
    answer: bytes
    error: str = ""
    occurrence: int = 1


@dataclass(frozen=True)
class MenuResult:
    """How a menu ended, as PIE tells it. value is empty unless keys led to it."""

    menu_id: str
    type: Literal["return", "sequence", "timeout", "hangup", "invalidinput"]
    value: str = ""


@dataclass(eq=False)
class Call:
    """A call, from the wish to make it until it has ended.

    number counts the calls of a platform from 1 and stands for the call when chance is consulted.
    user and cli are the caller, to_type and to the party dialled; connected_to is who the application let
    it reach, side of what kind that is. phone overrides the phone book; keys is what the caller presses.
    limit_seconds is the maxDuration the application gave; action its first decision by name. problem says why
    the platform could not obey a reply.

    leg_answered_at is when the incoming leg was answered by `answer`, a menu, park or a conference;
    answered_at when a called party first answered, connected_at when the present one did. control counts who
    decides what the caller hears, connection who is called; what was planned under an older one is dropped.
    conference_id stays when the call ends in one; menu_id is the last menu the caller was in.

    callout is what made the platform call; on_own_leg is then whether only the party called out is on the line, whose
    minutes cost leg_rate whatever else happens.
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
    keys: Keys = field(default_factory=Keys)
    faults: tuple[Fault, ...] = ()
    callout: Callout | None = None
    call_id: str = field(default_factory=lambda: str(uuid4()))
    counts_menu_time: bool = True

    stage: Stage = "asked"
    side: Side = ""
    control: int = 0
    connection: int = 0
    user_rate: Decimal = rates.FREE
    on_own_leg: bool = False
    leg_rate: Decimal = rates.FREE
    started_at: datetime | None = None
    leg_answered_at: datetime | None = None
    answered_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    action: str | None = None
    connected_to: str | None = None
    presented_cli: str | None = None
    conference: ConnectConf | None = None
    conference_id: str | None = None
    menu_id: str = ""
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
    menu_results: list[MenuResult] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    happened: list[Fault] = field(default_factory=list)

    @property
    def forwarded_headers(self) -> Mapping[str, str]:
        """What goes along with every callback, because the callout said so."""
        return self.callout.headers if self.callout else {}

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

    @property
    def hangs_up_as(self) -> str:
        """The reason when the person whose keys these are hangs up: who is called out is the callee."""
        return "CALLERHANGUP" if self.callout is None else "CALLEEHANGUP"

    @property
    def has_telephone_side(self) -> bool:
        """Whether one of the two is on the public network or SIP, as PATCH needs."""
        return self.origin == "PSTN" or self.to_type == "number" or self.side in ("number", "sip")

    def seconds_answered_by(self, moment: datetime) -> int:
        """Whole seconds that count as answered so far.

        From the callee's answer; from that of the incoming leg when menu time counts, or when nobody is called:
        somebody who is called and does not answer makes it none.
        """
        since = self.answered_at
        if self.leg_answered_at and (self.counts_menu_time if self.answered else self.stage != "ringing"):
            since = self.leg_answered_at
        return 0 if since is None else int(((self.ended_at or moment) - since).total_seconds())
