"""Callbacks on their way: signed, posted over real HTTP; lost, repeated, delayed or overtaken as planned."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Protocol
from urllib.parse import urlsplit

import requests
import urllib3

from sandbox import signing, wire
from sandbox.calls import Exchange
from sandbox.clock import Clock, Turn
from sandbox.events import Body
from sandbox.faults import REMOVED, Chaos, Fault, Plan, Repeat
from sandbox.record import Record

CONTENT_TYPE = "application/json; charset=utf-8"
LONGEST_ANSWER_BYTES = 1 << 20
# In the order in which a call may have them.
EVENTS = (
    *("ice", "ace", "pie", "notify", "dice"),
    *("incoming", "connecting", "connected", "done", "conversation_started", "conversation_ended"),
    *("finished", "failed"),
)


class Subject(Protocol):
    """The call that callbacks are about; number stands for it when chance is consulted.

    exchanges and happened get what was sent and what chance did. forwarded_headers go along with every callback.
    """

    number: int
    faults: tuple[Fault, ...]
    exchanges: list[Exchange]
    happened: list[Fault]

    @property
    def call_id(self) -> str: ...

    @property
    def forwarded_headers(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Answer:
    """What came back for a callback; status None when nothing usable did, and why."""

    status: int | None
    body: bytes = b""
    error: str = ""


NO_ANSWER = Answer(None, error="no answer in time")
Obey = Callable[[Answer], None]


@dataclass(frozen=True)
class Parcel:
    """One callback ready to go: the same bytes and, for a true replay, the same headers.

    Without `signed` only the URL can say who sent it, by the user and password it may hold.
    """

    call: Subject
    event: str
    occurrence: int
    attempt: int
    body: bytes
    headers: dict[str, str] | None = None
    url: str = ""
    signed: bool = True


class Poster:
    """Posts to the target, or to another URL, signing at the moment of sending.

    timeout_seconds is wall-clock time for the whole exchange.
    """

    def __init__(
        self,
        target: str,
        *,
        key: str,
        secret: str,
        timeout_seconds: float,
        wall_clock: Callable[[], datetime],
    ) -> None:
        signing.signature(secret, "")  # a secret that cannot sign is refused now, not at the first call
        self.timeout_seconds = timeout_seconds
        self.target = target
        self._key = key
        self._secret = secret
        self._wall_clock = wall_clock

    @property
    def target(self) -> str:
        """Where callbacks go. Raises ValueError when it is set to what is no http or https URL."""
        return self._target

    @target.setter
    def target(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the target is not an http or https URL: {url}")
        self._target = url

    def headers(self, body: bytes, url: str = "") -> dict[str, str]:
        """The signed headers for a body posted now, to the target when no URL is given."""
        return signing.signed_headers(
            key=self._key,
            secret=self._secret,
            path=urlsplit(url or self._target).path or "/",
            body=body,
            content_type=CONTENT_TYPE,
            now=self._wall_clock(),
        )

    def post(self, body: bytes, headers: Mapping[str, str], url: str = "") -> Answer:
        """Send, and wait for the answer no longer than allowed. Redirects are not followed."""
        deadline = time.monotonic() + self.timeout_seconds
        try:
            with requests.Session() as session:
                session.trust_env = False  # a proxy of the machine has no business between us and the desk
                with session.post(
                    url or self._target,
                    data=body,
                    headers={**headers, "Accept-Encoding": "identity", "User-Agent": "sandbox"},
                    timeout=self.timeout_seconds,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    return Answer(response.status_code, _read(response, deadline))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return Answer(None, error=f"{type(error).__name__} at {_without_password(url or self._target)}")


class Courier:
    """Carries callbacks according to plan, and an answer back to whoever waits for it."""

    def __init__(self, *, clock: Clock, poster: Poster, record: Record, chaos: Chaos, seed: int) -> None:
        self._clock = clock
        self._poster = poster
        self._record = record
        self._chaos = chaos
        self._seed = seed
        self._lock = Lock()
        self._held_back: dict[str, list[Parcel]] = {}
        self._sent: Counter[tuple[str, str]] = Counter()

    def send(
        self, call: Subject, event: str, body: Body, obey: Obey | None = None, url: str = "", *, signed: bool = True
    ) -> None:
        """Set a callback going, to the target when no URL is given.

        `obey` gets the answer, or NO_ANSWER when the time-out has passed.
        """
        with self._lock:
            self._sent[call.call_id, event] += 1
            occurrence = self._sent[call.call_id, event]
        chance = self._chaos.faults(seed=self._seed, call_number=call.number, event=event, occurrence=occurrence)
        call.happened.extend(chance)
        plan = Plan.of(event, (*chance, *call.faults))
        overtaken = self._held_back.pop(call.call_id, [])
        content = wire.dumps(_changed(body, plan.changes))
        original = self._presigned(Parcel(call, event, occurrence, 1, content, None, url, signed), plan.repeats)
        in_time = plan.delay_seconds < self._poster.timeout_seconds and not (plan.lost or plan.swapped)

        if plan.lost:
            self._record.add(self._clock.now, call.call_id, "callback lost", event=event)
        elif plan.swapped:
            self._held_back[call.call_id] = [original]
        else:
            go = partial(self._deliver, original, obey if in_time else None)
            self._clock.after(plan.delay_seconds, go)
        if obey is not None and not in_time:
            self._clock.after(self._poster.timeout_seconds, partial(obey, NO_ANSWER))
        self._send_copies(original, body, plan)
        for parcel in overtaken:
            self._clock.after(plan.delay_seconds, partial(self._deliver, parcel, None), Turn.HELD_BACK)

    def _send_copies(self, original: Parcel, body: Body, plan: Plan) -> None:
        attempt = 1
        for repeat in plan.repeats:
            changed = wire.dumps(_changed(body, {**plan.changes, **repeat.changes}))
            for _ in range(repeat.times):
                attempt += 1
                headers = original.headers if repeat.same_signature else None
                copy = replace(original, attempt=attempt, body=changed, headers=headers)
                seconds = plan.delay_seconds + repeat.after_seconds
                self._clock.after(seconds, partial(self._deliver, copy, None))

    def _presigned(self, parcel: Parcel, repeats: tuple[Repeat, ...]) -> Parcel:
        """The parcel, with its headers fixed if they are to be replayed."""
        replayed = any(repeat.same_signature for repeat in repeats)
        return replace(parcel, headers=self._headers(parcel)) if replayed else parcel

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        return self._poster.headers(parcel.body, parcel.url) if parcel.signed else {"Content-Type": CONTENT_TYPE}

    def _deliver(self, parcel: Parcel, obey: Obey | None) -> None:
        sent_at, round_ = self._clock.now, self._clock.round
        headers = parcel.headers or self._headers(parcel)
        answer = self._poster.post(parcel.body, {**headers, **parcel.call.forwarded_headers}, parcel.url)
        exchange = Exchange(
            event=parcel.event,
            attempt=parcel.attempt,
            sent_at=sent_at,
            round=round_,
            request=parcel.body,
            status=answer.status,
            answer=answer.body,
            error=answer.error,
            occurrence=parcel.occurrence,
        )
        with self._lock:
            parcel.call.exchanges.append(exchange)
            # Simultaneous deliveries end in any order; the list does not show which thread was faster.
            parcel.call.exchanges.sort(key=_place)
        self._record.add(
            sent_at,
            parcel.call.call_id,
            "callback sent",
            event=parcel.event,
            attempt=parcel.attempt,
            status=answer.status,
            answer=answer.body.decode(errors="replace"),
            error=answer.error,
        )
        if obey is not None:
            obey(answer)


def _place(exchange: Exchange) -> tuple[int, int, int, int]:
    return exchange.round, EVENTS.index(exchange.event), exchange.occurrence, exchange.attempt


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _changed(body: Body, changes: Mapping[str, object]) -> Body:
    return {name: value for name, value in {**body, **changes}.items() if value is not REMOVED}


def _read(response: requests.Response, deadline: float) -> bytes:
    """The body, piece by piece, so that neither a slow nor an endless one holds the line up."""
    content = b""
    while piece := response.raw.read1(65536):
        content += piece
        if time.monotonic() > deadline:
            raise requests.Timeout("the answer took too long")
        if len(content) > LONGEST_ANSWER_BYTES:
            raise requests.RequestException("the answer is too long")
    return content
