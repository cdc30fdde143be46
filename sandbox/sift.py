"""A Sift account: its applications and numbers, the connections on it, and the browsers that hold its tokens.

    platform = Sandbox(target="http://127.0.0.1:8000/")
    sift = platform.sift
    app = sift.add_application("desk", on_incoming="http://127.0.0.1:8000/callbacks/sift/TOKEN/incoming/")
    sift.register("+12025550100", app)
    platform.phones["+442079460101"] = Phone.answers(3, talks_seconds=90)
    call = sift.phone_to_number("+12025550199", "+12025550100", keys=["1", Silence(), "442079460101#"])
    browser = sift.browser(token)  # a capability token, as JavaScript's Sift.init takes it
    other = browser.connect({"phone_number": "+442079460101"})
    with platform.rest_server() as url:  # {url}/v0, Basic account_id:auth_token
        platform.run()
    print(call.status, call.duration_seconds, call.ended_by, call.results, call.heard, call.troubles, call.exchanges)

What is called are the telephones of the phone book; a phone whose `talks_seconds` is None talks until POST
connections/ID ends it, since nobody here limits a call. What the platform makes of whatever no document says is told
in `sift_switchboard`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import RLock
from urllib.parse import urlencode

from sandbox.clock import OneByOne
from sandbox.courier import Courier
from sandbox.desk import Desk
from sandbox.faults import CallbackFault
from sandbox.misbehaviour import Manners, Misbehaviour, Mishap
from sandbox.numbers import E164
from sandbox.oracle import Oracle
from sandbox.phones import Phone
from sandbox.sift_answers import Reaction, Reactions
from sandbox.sift_browsers import Browser
from sandbox.sift_callbacks import SiftCallbacks
from sandbox.sift_calls import PATIENCE_SECONDS, Application, SiftCall
from sandbox.sift_routines import Routine, read_routine
from sandbox.sift_switchboard import SiftSwitchboard
from sandbox.sift_tokens import INCOMING, OUTGOING, BadCapability, Capability, read, signed

DESK_SIFT_ACCOUNT = "5a4db0c500005a4d"
DESK_SIFT_TOKEN = "desk-token-of-sift-0123456789abcdef"  # noqa: S105
PAGE_SIZE = 50


class Taken(Exception):
    """The number belongs to an application already."""


class Sift:
    """The one Sift account of this desk. Everything public may be set at any time.

    page_size is how much a list gives at once. Switches, each for something that no document settles:
    offers_one_connection, whether GET connections/ID exists (else one_connection_status, 404 or 405);
    numbers_as_list, whether availablenumbers answers with a bare list; strict_digits, whether GetDigits that times out
    gives "" whatever was pressed; events_name_connection, whether conversation events have a connection_id. Two are
    for what the reference says itself, should it be wrong: counts_ringing, whether start_time is when a connection was
    created; tells_terminator, whether digits has the # that ended them.
    callout_faults happen to every connection that is created over REST. last_asked_at is when the API was asked last,
    by time.monotonic.
    """

    page_size = PAGE_SIZE
    offers_one_connection = True
    one_connection_status = 405
    numbers_as_list = False
    strict_digits = False
    events_name_connection = False
    counts_ringing = False
    tells_terminator = False
    callout_faults: tuple[CallbackFault, ...] = ()
    last_asked_at = 0.0

    def __init__(self, desk: Desk, courier: Courier, oracle: Oracle, *, account_id: str, auth_token: str) -> None:
        self.account_id, self.auth_token = account_id, auth_token
        self.applications: list[Application] = []
        self.numbers: dict[str, Application] = {}
        self.browsers: list[Browser] = []
        self.manners = Manners(Misbehaviour())
        self._calls: dict[str, SiftCall] = {}
        self._clock, self._phones, self._wall_clock = desk.clock, desk.phones, desk.wall_clock
        self._lock = RLock()
        self.switchboard = SiftSwitchboard(
            one_by_one=OneByOne(desk.clock),
            account=self,
            callbacks=SiftCallbacks(account=self, courier=courier),
            record=desk.record,
            oracle=oracle,
        )

    @property
    def calls(self) -> list[SiftCall]:
        """All connections, in the order they were placed."""
        with self._lock:
            return list(self._calls.values())

    def find(self, connection_id: str) -> SiftCall | None:
        """The connection of that id, if it has begun."""
        call = self._calls.get(connection_id)
        return None if call is None or call.began_at is None else call

    def misbehave(self, *mishaps: Mishap | None) -> None:
        """The next requests to this API meet these mishaps, one each, whether they cost money or only look."""
        self.manners.next(*mishaps)

    def add_application(
        self, name: str, on_incoming: str = "", default_routine: Sequence[object] = (), script: str = ""
    ) -> Application:
        """Make one; default_routine is what JSON says. Raises IllegalRoutine."""
        application = Application(name, on_incoming, list(default_routine), script)
        read_routine(application.default_routine)
        with self._lock:
            self.applications.append(application)
        return application

    def application(self, app_id: str) -> Application | None:
        """The one with that id."""
        return next((each for each in self.applications if each.app_id == app_id), None)

    def register(self, number: str, application: Application) -> None:
        """Rent a number for an application. Raises Taken, and ValueError when it is not E.164."""
        if not E164.fullmatch(number):
            raise ValueError(f"the number is not in E.164: {number}")
        with self._lock:
            if number in self.numbers:
                raise Taken(f"{number} belongs to an application already")
            self.numbers[number] = application

    def phone_to_number(
        self,
        cli: str,
        to: str,
        *,
        keys: Sequence[Reaction] = (),
        at_seconds: float = 0,
        phone: Phone | None = None,
        hangs_up_after_seconds: float | None = None,
        patience_seconds: float | None = PATIENCE_SECONDS,
        faults: Sequence[CallbackFault] = (),
    ) -> SiftCall:
        """Somebody dials a registered number; an empty cli hides who. Raises ValueError when nobody has the number.

        keys is what the caller does about prompts: text of keys, Says, Silence or HangUp, one item each. phone behaves
        for whoever is called, instead of the phone book. The caller hangs up so long after dialling at the latest, and
        patience_seconds after nothing happens any more; None is never.
        """
        if to not in self.numbers:
            raise ValueError(f"no application has the number {to}")
        call = SiftCall(
            direction="incoming",
            from_=cli or None,
            to=to,
            application=self.numbers[to],
            phone=phone,
            reactions=Reactions(keys),
            hangs_up_after_seconds=hangs_up_after_seconds,
            patience_seconds=patience_seconds,
            faults=tuple(faults),
        )
        return self.incoming(call, at_seconds)

    def token(
        self, *, application: Application | None = None, client_name: str = "", expires_seconds: int = 3600
    ) -> str:
        """A capability token, as this desk would make one: outgoing for an application, incoming for a name."""
        named = {"client_name": client_name} if client_name else {}
        scope = [f"{OUTGOING}?{urlencode({'app_id': application.app_id, **named})}"] if application else []
        scope += [f"{INCOMING}?{urlencode(named)}"] if client_name else []
        now = self._wall_clock()
        return signed(self.account_id, self.auth_token, " ".join(scope), now=now, expires_seconds=expires_seconds)

    def browser(self, token: str, *, phone: Phone | None = None) -> Browser:
        """A browser that authenticates with a token; phone is how it behaves when called. Raises BadCapability."""
        capability = read(token, account_id=self.account_id, auth_token=self.auth_token, now=self._wall_clock())
        if capability.app_id and self.application(capability.app_id) is None:
            raise BadCapability("the token is for an application that does not exist")
        browser = Browser(self, capability, phone)
        with self._lock:
            self.browsers.append(browser)
        return browser

    def allowed_application(self, capability: Capability) -> Application:
        """Whom a browser connects to. Raises BadCapability when its token has expired or allows no such thing."""
        if not capability.is_valid(self._wall_clock()):
            raise BadCapability("the token has expired")
        application = self.application(capability.app_id)
        if application is None:
            raise BadCapability("the token allows no outgoing connections")
        return application

    def call_out(self, number: str, status_url: str) -> SiftCall:
        """Call a telephone of the phone book now, and tell how that goes; callout_faults happen to it."""
        call = SiftCall(
            direction="outgoing",
            from_=next(iter(self.numbers), None),
            to=number,
            status_url=status_url,
            phone=self._phones.reached(number),
            faults=self.callout_faults,
        )
        return self._placed(call, partial(self.switchboard.call_out, call))

    def take_over(self, call: SiftCall, routine: Routine) -> bool:
        """Replace what runs on a connection; False when it is over."""
        return self.switchboard.take_over(call, routine)

    def reached(self, kind: str, endpoint: str) -> Phone | None:
        """Who is there when a command calls: any telephone and any conference, of clients those that may be called."""
        if kind != "client":
            return self._phones.reached(endpoint)
        now = self._wall_clock()
        there = (each for each in reversed(self.browsers) if each.answers_to(endpoint, now))
        found = next(there, None)
        return None if found is None else found.phone or self._phones.reached(endpoint)

    def incoming(self, call: SiftCall, at_seconds: float) -> SiftCall:
        """Have a connection begin from outside; its number is that of its place among all."""
        return self._placed(call, partial(self.switchboard.start, call), at_seconds)

    def _placed(self, call: SiftCall, begin: Callable[[], None], at_seconds: float | None = None) -> SiftCall:
        with self._lock:
            call.number = len(self._calls) + 1
            self._calls[call.connection_id] = call
        if at_seconds is None:
            begin()
        else:
            self._clock.after(at_seconds, begin)
        return call
