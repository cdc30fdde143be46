"""The platform itself: place calls on it, let time pass, and look at what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Literal

from sandbox import rates, rest
from sandbox.api import CALLS_PATH
from sandbox.callbacks import Callbacks
from sandbox.calls import Call, Origin
from sandbox.clock import Clock, OneByOne
from sandbox.conferences import Conferences
from sandbox.connections import Connections
from sandbox.courier import Courier, Poster
from sandbox.faults import Chaos, Fault
from sandbox.keys import Keys, Press
from sandbox.numbers import Numbers
from sandbox.phones import Phone, PhoneBook
from sandbox.player import Player
from sandbox.rates import RateTable
from sandbox.record import Record
from sandbox.recordings import Recordings
from sandbox.switchboard import Switchboard

# The application every desk has. It opens nothing anywhere else.
DESK_KEY = "5a4db0c5-0000-4000-8000-000000005a4d"
DESK_SECRET = "c2FuZGJveC1vbi1kZXNrIQ=="  # noqa: S105
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ANSWER_WITHIN_SECONDS = 5


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """A Sinch-like voice platform with one application, whose callback URL is `target`.

    Time inside is virtual and starts at `start`; signatures carry the time of `wall_clock`, because
    receivers check that they are fresh. timeout_seconds is how long a callback may take. chaos and seed
    decide what goes wrong. counts_menu_time says whether the duration of a call that was connected from a
    menu begins with the incoming leg's answer or with the callee's: the documentation does not. With
    record_path, everything that happens is also appended to that file.
    """

    def __init__(
        self,
        *,
        target: str,
        key: str = DESK_KEY,
        secret: str = DESK_SECRET,
        seed: int = 0,
        chaos: Chaos | None = None,
        start: datetime = START,
        timeout_seconds: float = ANSWER_WITHIN_SECONDS,
        parallel: int = 64,
        rate_table: Mapping[str, Decimal] = rates.RATES,
        counts_menu_time: bool = True,
        record_path: Path | None = None,
        wall_clock: Callable[[], datetime] = _wall_clock,
    ) -> None:
        self.fallback = ""
        self.key = key
        self.secret = secret
        self.wall_clock = wall_clock
        self.phones = PhoneBook()
        self.record = Record(record_path)
        self.clock = Clock(start, parallel)
        self.rest_url = "http://sandbox.invalid"
        self._calls: dict[str, Call] = {}
        self._placed = 0
        self.rate_table = RateTable(rate_table)
        self.conferences = Conferences()
        self.numbers = Numbers()
        self._counts_menu_time = counts_menu_time
        self._poster = Poster(target, key=key, secret=secret, timeout_seconds=timeout_seconds, wall_clock=wall_clock)
        courier = Courier(clock=self.clock, poster=self._poster, record=self.record, chaos=chaos or Chaos(), seed=seed)
        self.switchboard = self._build(courier)

    @property
    def target(self) -> str:
        """The application's callback URL."""
        return self._poster.target

    @target.setter
    def target(self, url: str) -> None:
        self._poster.target = url

    def _build(self, courier: Courier) -> Switchboard:
        callbacks = Callbacks(
            clock=self.clock,
            courier=courier,
            key=self.key,
            resource_url=lambda call_id: f"{self.rest_url}{CALLS_PATH}{call_id}",
        )
        one_by_one = OneByOne(self.clock)
        recordings = Recordings(clock=self.clock, callbacks=callbacks, record=self.record)
        connections = Connections(
            one_by_one=one_by_one,
            phones=self.phones,
            rate_table=self.rate_table,
            conferences=self.conferences,
            callbacks=callbacks,
            recordings=recordings,
            record=self.record,
        )
        return Switchboard(
            one_by_one=one_by_one,
            callbacks=callbacks,
            connections=connections,
            player=Player(clock=self.clock, record=self.record, recordings=recordings),
            recordings=recordings,
            record=self.record,
        )

    @property
    def calls(self) -> list[Call]:
        """All calls, in the order they were placed."""
        return list(self._calls.values())

    def find(self, call_id: str) -> Call | None:
        """The call of that id, if its time has come and the platform has not been made to forget it."""
        call = self._calls.get(call_id)
        return None if call is None or call.forgotten or call.started_at is None else call

    def app_to_phone(
        self,
        *,
        user: str,
        to: str,
        at_seconds: float = 0,
        custom: str | None = None,
        cli: str = "",
        phone: Phone | None = None,
        keys: Sequence[Press] = (),
        faults: Sequence[Fault] = (),
        call_id: str | None = None,
    ) -> Call:
        """A signed-in app user dials a telephone number, so many seconds from now.

        phone behaves instead of the one in the phone book, for this call only. keys is what the caller does in
        menus, one item for each prompt that wants input. call_id must be new.
        """
        call = self._call(origin="MXP", user=user, cli=cli, to_type="number", to=to, domain="pstn")
        call.keys = Keys(keys)
        return self._place(call, at_seconds, custom, phone, faults, call_id)

    def app_to_app(
        self,
        *,
        user: str,
        to: str,
        at_seconds: float = 0,
        custom: str | None = None,
        phone: Phone | None = None,
        faults: Sequence[Fault] = (),
        call_id: str | None = None,
    ) -> Call:
        """A signed-in app user calls another user by name."""
        call = self._call(origin="MXP", user=user, cli="", to_type="username", to=to, domain="mxp")
        return self._place(call, at_seconds, custom, phone, faults, call_id)

    def phone_to_access_number(
        self,
        *,
        cli: str,
        to: str,
        at_seconds: float = 0,
        custom: str | None = None,
        phone: Phone | None = None,
        keys: Sequence[Press] = (),
        faults: Sequence[Fault] = (),
        call_id: str | None = None,
    ) -> Call:
        """Somebody dials one of the application's own numbers from an ordinary telephone, and presses keys."""
        call = self._call(origin="PSTN", user=None, cli=cli, to_type="did", to=to, domain="pstn")
        call.keys = Keys(keys)
        return self._place(call, at_seconds, custom, phone, faults, call_id)

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Have anything done so many virtual seconds from now: a top-up, a restart, a look at the books."""
        self.clock.after(seconds, action)

    def run(self, until_seconds: float | None = None) -> None:
        """Let time pass until nothing is left to do, or for so many virtual seconds."""
        self.clock.run(None if until_seconds is None else self.clock.now + timedelta(seconds=until_seconds))

    @contextmanager
    def rest_server(self, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
        """Serve the REST API; gives its base URL. Port 0 takes any free one."""
        before = self.rest_url
        with rest.serve(self, host, port) as base_url:
            self.rest_url = base_url
            try:
                yield base_url
            finally:
                self.rest_url = before

    def _call(
        self,
        *,
        origin: Origin,
        user: str | None,
        cli: str,
        to_type: Literal["number", "username", "did"],
        to: str,
        domain: Literal["pstn", "mxp"],
    ) -> Call:
        self._placed += 1
        return Call(
            number=self._placed,
            origin=origin,
            user=user,
            cli=cli,
            to_type=to_type,
            to=to,
            domain=domain,
            counts_menu_time=self._counts_menu_time,
        )

    def _place(
        self,
        call: Call,
        at_seconds: float,
        custom: str | None,
        phone: Phone | None,
        faults: Sequence[Fault],
        call_id: str | None,
    ) -> Call:
        call.custom, call.phone, call.faults = custom, phone, tuple(faults)
        call.call_id = call_id or call.call_id
        if call.call_id in self._calls:
            raise ValueError(f"there is a call {call.call_id} already")
        self._calls[call.call_id] = call
        self.clock.after(at_seconds, partial(self.switchboard.start, call))
        return call
