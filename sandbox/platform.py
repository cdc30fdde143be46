"""The platform itself: place calls on it, let time pass, and look at what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Literal

from sandbox import rates, rest, running, server
from sandbox.api import CALLS_PATH
from sandbox.callbacks import Callbacks
from sandbox.callouts import Callout
from sandbox.calls import Call, Origin
from sandbox.clock import Clock, OneByOne
from sandbox.conferences import Conferences
from sandbox.connections import Connections
from sandbox.courier import Courier, Poster
from sandbox.desk import Desk
from sandbox.faults import Chaos, Fault
from sandbox.keys import Keys, Press
from sandbox.messenger import Messenger
from sandbox.misbehaviour import Manners, Misbehaviour, Mishap
from sandbox.numbers import Numbers
from sandbox.oracle import Oracle
from sandbox.phones import Phone, PhoneBook
from sandbox.player import Player
from sandbox.rates import RateTable
from sandbox.record import Record
from sandbox.recordings import Recordings
from sandbox.sift import DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN, Sift
from sandbox.switchboard import Switchboard
from sandbox.texts import Inbound, Texts
from sandbox.verifications import Verifications
from sandbox.voximplant import Voximplant

# The application every desk has. It opens nothing anywhere else.
DESK_KEY = "5a4db0c5-0000-4000-8000-000000005a4d"
DESK_SECRET = "c2FuZGJveC1vbi1kZXNrIQ=="  # noqa: S105
DESK_PLAN = "5a4db0c5000040008000000000005a4d"
DESK_TOKEN = "desk-token-of-the-sandbox"  # noqa: S105
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ANSWER_WITHIN_SECONDS = 5


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """A Sinch-like voice platform with one application, whose callback URL is `target`, and one service plan for texts.

    Accounts of other platforms on the same desk are `voximplant` and `sift`, whose id and token may be given.

    Time inside is virtual and starts at `start`; signatures carry the time of `wall_clock`, because
    receivers check that they are fresh. timeout_seconds is how long a callback may take. chaos and seed
    decide what goes wrong. counts_menu_time says whether the duration of a call that was connected from a
    menu begins with the incoming leg's answer or with the callee's: the documentation does not. With
    record_path, everything that happens is also appended to that file, and with oracle_path every deed that costs
    money. misbehaviour is how requests that cost money are answered.

    out_of_credit refuses everything that costs money; callout_faults happen to every call placed over REST.
    """

    fallback = ""
    rest_url = "http://sandbox.invalid"
    out_of_credit = False
    callout_faults: tuple[Fault, ...] = ()
    _placed = 0

    def __init__(
        self,
        *,
        target: str,
        key: str = DESK_KEY,
        secret: str = DESK_SECRET,
        service_plan_id: str = DESK_PLAN,
        api_token: str = DESK_TOKEN,
        seed: int = 0,
        chaos: Chaos | None = None,
        start: datetime = START,
        timeout_seconds: float = ANSWER_WITHIN_SECONDS,
        parallel: int = 64,
        rate_table: Mapping[str, Decimal] = rates.RATES,
        counts_menu_time: bool = True,
        record_path: Path | None = None,
        oracle_path: Path | None = None,
        sift_account_id: str = DESK_SIFT_ACCOUNT,
        sift_auth_token: str = DESK_SIFT_TOKEN,
        misbehaviour: Misbehaviour | None = None,
        wall_clock: Callable[[], datetime] = _wall_clock,
    ) -> None:
        self.key, self.secret = key, secret
        self.service_plan_id, self.api_token = service_plan_id, api_token
        self.wall_clock = wall_clock
        self.phones, self.conferences, self.numbers = PhoneBook(), Conferences(), Numbers()
        self.record = Record(record_path)
        self.clock = Clock(start, parallel)
        self.oracle = Oracle(now=lambda: self.clock.now, wall_clock=wall_clock, path=oracle_path)
        self.manners = Manners(misbehaviour or Misbehaviour())
        self._calls: dict[str, Call] = {}
        self._lock = Lock()
        self.rate_table = RateTable(rate_table)
        self._counts_menu_time = counts_menu_time
        self._poster = Poster(target, key=key, secret=secret, timeout_seconds=timeout_seconds, wall_clock=wall_clock)
        courier, messenger = self._post(chaos or Chaos(), seed)
        self.switchboard = self._build(courier)
        desk = self._desk(messenger)
        self.texts, self.verifications, self.voximplant = Texts(desk), Verifications(desk, seed), Voximplant(desk)
        self.sift = Sift(desk, courier, self.oracle, account_id=sift_account_id, auth_token=sift_auth_token)

    @property
    def target(self) -> str:
        """The application's callback URL."""
        return self._poster.target

    @target.setter
    def target(self, url: str) -> None:
        self._poster.target = url

    def _post(self, chaos: Chaos, seed: int) -> tuple[Courier, Messenger]:
        """Who carries the callbacks of calls, and who carries all others."""
        courier = Courier(clock=self.clock, poster=self._poster, record=self.record, chaos=chaos, seed=seed)
        return courier, Messenger(clock=self.clock, poster=self._poster, record=self.record, chaos=chaos, seed=seed)

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

    def _desk(self, messenger: Messenger) -> Desk:
        return Desk(
            clock=self.clock,
            wall_clock=self.wall_clock,
            phones=self.phones,
            rate_table=self.rate_table,
            messenger=messenger,
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

    def call_out(self, callout: Callout) -> Call:
        """The platform calls somebody, now."""
        call = self._call(
            origin="SERVER",
            user=None,
            cli=callout.cli,
            to_type=callout.kind,
            to=callout.to,
            domain="pstn" if callout.kind == "number" else "mxp",
        )
        call.callout = callout
        return self._place(call, 0, callout.custom, None, self.callout_faults, None)

    def text_from_phone(self, from_: str, to: str, body: str, *, classic: bool | None = None) -> Inbound:
        """Somebody sends a text to one of the application's own numbers; see `Texts`, which says where it is told."""
        return self.texts.text_from_phone(from_, to, body, classic=classic)

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Have anything done so many virtual seconds from now: a top-up, a restart, a look at the books."""
        self.clock.after(seconds, action)

    def run(self, until_seconds: float | None = None) -> None:
        """Let time pass until nothing is left to do, or for so many virtual seconds."""
        self.clock.run(None if until_seconds is None else self.clock.now + timedelta(seconds=until_seconds))

    def keep_running(self, pace: float | None = None) -> AbstractContextManager[None]:
        """Let time pass by itself inside a `with` block, so that what comes over REST comes to its end.

        pace is how many virtual seconds make a real one; None lets time jump to whatever is due next.
        """
        return running.kept_running(self.clock, pace)

    @property
    def misbehaviour(self) -> Misbehaviour:
        """By what chance requests that cost money are answered badly; may be changed at any time."""
        return self.manners.plan

    @misbehaviour.setter
    def misbehaviour(self, plan: Misbehaviour) -> None:
        self.manners.plan = plan

    def misbehave(self, *mishaps: Mishap | None) -> None:
        """The next requests that cost money meet these mishaps, one each, whatever chance says; None is to behave."""
        self.manners.next(*mishaps)

    @contextmanager
    def rest_server(self, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
        """Serve the REST API; gives its base URL. Port 0 takes any free one."""
        before = self.rest_url
        with server.serve(partial(rest.answer, self), host, port) as base_url:
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
        with self._lock:
            self._placed += 1
            number = self._placed
        return Call(
            number=number,
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
        begin = self.switchboard.start if call.callout is None else self.switchboard.call_out
        self.clock.after(at_seconds, partial(begin, call))
        return call
