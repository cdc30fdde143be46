"""Callbacks that belong to no call: reports about texts, texts from telephones, verifications."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock

from sandbox import wire
from sandbox.clock import Clock
from sandbox.courier import CONTENT_TYPE, Answer, Poster
from sandbox.events import Body
from sandbox.faults import Chaos, Plan
from sandbox.record import Record

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 5, 81_920


@dataclass(frozen=True)
class Message:
    """One callback on its way, or as it was sent: then status and answer are what came back.

    about is the id of what it tells about. Without `signed` nothing proves where it comes from. retried says whether
    it is tried again when the receiver has trouble.
    """

    about: str
    event: str
    url: str
    body: bytes
    signed: bool = True
    retried: bool = False
    attempt: int = 1
    status: int | None = None
    answer: bytes = b""
    error: str = ""


class Messenger:
    """Carries messages over real HTTP at their virtual time; `sent` are those that were posted.

    One that is retried goes out again after 5 seconds, and then twice as long each time, until 81920 seconds were
    waited, as long as the receiver is not there or answers 429 or 5xx.
    """

    def __init__(self, *, clock: Clock, poster: Poster, record: Record, chaos: Chaos, seed: int) -> None:
        self._clock = clock
        self._poster = poster
        self._record = record
        self._chaos = chaos
        self._seed = seed
        self._lock = Lock()
        self._sent: list[Message] = []
        self._told: Counter[tuple[str, str]] = Counter()

    @property
    def sent(self) -> list[Message]:
        """All that was really posted, in the order the answers came."""
        with self._lock:
            return list(self._sent)

    def ask(self, about: str, event: str, body: Body, *, url: str = "", signed: bool = True) -> Answer:
        """Post to the application now, on real time, and wait for the answer."""
        return self._post(Message(about, event, url or self._poster.target, wire.dumps(body), signed))

    def tell(
        self, about: str, event: str, body: Body, *, url: str = "", signed: bool = True, retried: bool = False
    ) -> None:
        """Set a message going, to the application's callback URL when no other is given. Chance may strike it."""
        with self._lock:
            self._told[about, event] += 1
            occurrence = self._told[about, event]
        found = self._chaos.faults(seed=self._seed, call_number=about, event=event, occurrence=occurrence)
        plan = Plan.of(event, found)
        message = Message(about, event, url or self._poster.target, wire.dumps(body), signed, retried)
        if plan.lost:
            self._record.add(self._clock.now, about, "callback lost", event=event)
            return
        self._clock.after(plan.delay_seconds, partial(self._deliver, message))
        for repeat in plan.repeats:
            copy = replace(message, retried=False, attempt=2)
            self._clock.after(plan.delay_seconds + repeat.after_seconds, partial(self._deliver, copy))

    def _deliver(self, message: Message, wait_seconds: int = FIRST_RETRY_SECONDS) -> None:
        answer = self._post(message)
        in_trouble = answer.status is None or answer.status == 429 or answer.status >= 500
        if message.retried and in_trouble and wait_seconds <= LAST_RETRY_SECONDS:
            again = replace(message, attempt=message.attempt + 1)
            self._clock.after(wait_seconds, partial(self._deliver, again, 2 * wait_seconds))

    def _post(self, message: Message) -> Answer:
        url = message.url
        headers = self._poster.headers(message.body, url) if message.signed else {"Content-Type": CONTENT_TYPE}
        sent_at = self._clock.now
        answer = self._poster.post(message.body, headers, url)
        with self._lock:
            self._sent.append(replace(message, status=answer.status, answer=answer.body, error=answer.error))
        self._record.add(
            sent_at,
            message.about,
            "callback sent",
            event=message.event,
            attempt=message.attempt,
            status=answer.status,
            answer=answer.body.decode(errors="replace"),
            error=answer.error,
        )
        return answer
