"""What can go wrong with the answer to a request that costs money: by chance and seed, or on purpose.

The platform acts first and misbehaves afterwards, unless the mishap's name says that it never acted. The oracle
knows which it was, whatever the client was made to believe.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from random import Random
from threading import Lock

from sandbox.api import ApiError, Request, Response, Transmission

BUSY_FOR_SECONDS = 1
LATE_SECONDS = 15.0
PAGE = b"<!doctype html><title>Gateway</title><p>Please try again."
# Each is no answer to anything: not JSON, cut off, the wrong kind, or without an id.
GARBAGE = (PAGE, b'{"callId":"', b'"done"', b"null", b"[]", b"{}", b"", b"\xff\xfe{}", b'{"id":null,"callId":null}')


class Mishap(StrEnum):
    """One way of treating a request badly."""

    LOST = "lost"  # acts, and drops the connection without a word
    LATE = "late"  # acts, and answers when nobody waits any more
    ERROR_AFTER = "error_after"  # acts, and answers 500 or 503
    GARBAGE = "garbage"  # acts, and answers 200 with nothing that can be used
    ENDLESS = "endless"  # acts, and answers 200 with a body that never ends: dripping, or a flood
    ERROR_BEFORE = "error_before"  # answers 500 or 503 without having done anything
    BUSY = "busy"  # answers 429, with or without Retry-After, without having done anything
    REDIRECT = "redirect"  # sends the client to the same place again, without having done anything

    @property
    def acts(self) -> bool:
        """Whether what was asked for is done all the same."""
        return self not in (Mishap.ERROR_BEFORE, Mishap.BUSY, Mishap.REDIRECT)


@dataclass(frozen=True)
class Misbehaviour:
    """The probability, per request, of each mishap; together at most 1. None happens by default.

    late_seconds is wall-clock time: longer than the client is prepared to wait. Chance is drawn from the seed, the
    request's method, path and body, and how often exactly that request has come before: whatever else happens, the
    same request meets the same fate, and trying it again is a new request.
    """

    lost: float = 0.0
    late: float = 0.0
    error_after: float = 0.0
    garbage: float = 0.0
    endless: float = 0.0
    error_before: float = 0.0
    busy: float = 0.0
    redirect: float = 0.0
    late_seconds: float = LATE_SECONDS
    seed: int = 0

    def __post_init__(self) -> None:
        chances = [getattr(self, each.value) for each in Mishap]
        if any(not 0 <= each <= 1 for each in chances) or sum(chances) > 1 + 1e-9:
            raise ValueError("each misbehaviour must be between 0 and 1, and all together not more than 1")
        if not self.late_seconds >= 0:
            raise ValueError("late_seconds cannot be less than 0")

    @classmethod
    def parse(cls, text: str) -> Misbehaviour:
        """Read "lost=0.2,busy=0.1,late=0.1,late_seconds=3,seed=7"; what is not named does not happen.

        Raises ValueError with a sentence for the person who typed it.
        """
        names = [each.name for each in fields(cls)]
        given: dict[str, float] = {}
        for part in filter(None, text.split(",")):
            name, _, value = part.strip().partition("=")
            if name not in names or name in given:
                raise ValueError(f"misbehaviour knows {', '.join(names)}, each once; not {name!r}")
            try:
                given[name] = int(value) if name == "seed" else float(value)
            except ValueError:
                raise ValueError(f"misbehaviour {name} needs a number, not {value!r}") from None
        seed = int(given.pop("seed", 0))
        return cls(**given, seed=seed)

    def drawn(self, chance: Random) -> Mishap | None:
        """What chance has in store; None means that the platform behaves."""
        drawn = chance.random()
        for mishap in Mishap:
            drawn -= getattr(self, mishap.value)
            if drawn < 0:
                return mishap
        return None


class Manners:
    """How requests that cost money are treated. `plan` may be replaced at any time."""

    def __init__(self, plan: Misbehaviour) -> None:
        self.plan = plan
        self._on_purpose: deque[Mishap | None] = deque()
        self._seen: Counter[str] = Counter()
        self._lock = Lock()

    def next(self, *mishaps: Mishap | None) -> None:
        """The next paid requests meet these mishaps, one each, in the order of their arrival; None is to behave."""
        with self._lock:
            self._on_purpose.extend(mishaps)

    def serve(self, request: Request, act: Callable[[Request], Response]) -> Response:
        """Act, or not, and answer, or not."""
        chance, mishap = self._fate(request)
        if mishap is None:
            return _acted(request, act)
        if not mishap.acts:
            return _turned_away(request, mishap, chance)
        return self._withheld(_acted(replace(request, withheld=mishap.value), act), mishap, chance)

    def _fate(self, request: Request) -> tuple[Random, Mishap | None]:
        target = f"{request.method} {request.path}?{request.query}\n".encode()
        digest = hashlib.sha256(target + request.body).hexdigest()
        with self._lock:
            self._seen[digest] += 1
            chance = Random(f"{self.plan.seed}/{digest}/{self._seen[digest]}")
            drawn = self.plan.drawn(chance)
            return chance, self._on_purpose.popleft() if self._on_purpose else drawn

    def _withheld(self, response: Response, mishap: Mishap, chance: Random) -> Response:
        if response.status >= 400 and mishap in (Mishap.GARBAGE, Mishap.ENDLESS, Mishap.ERROR_AFTER):
            return response  # it refused to act, and says so
        match mishap:
            case Mishap.LOST:
                return replace(response, transmission=Transmission.DROPPED)
            case Mishap.LATE:
                return replace(response, transmission=Transmission.LATE, late_seconds=self.plan.late_seconds)
            case Mishap.GARBAGE:
                content_type = chance.choice(("application/json", "text/html"))
                return Response(response.status, content=chance.choice(GARBAGE), content_type=content_type)
            case Mishap.ENDLESS:
                how = chance.choice((Transmission.DRIPPING, Transmission.FLOOD))
                return replace(response, transmission=how)
        return Response(chance.choice((500, 503)), content=PAGE, content_type="text/html")


def _acted(request: Request, act: Callable[[Request], Response]) -> Response:
    try:
        return act(request)
    except ApiError as error:
        return error.response()


def _turned_away(request: Request, mishap: Mishap, chance: Random) -> Response:
    if mishap is Mishap.BUSY:
        headers = {"Retry-After": str(BUSY_FOR_SECONDS)} if chance.random() < 0.5 else {}
        return Response(429, content=b"", headers=headers)
    if mishap is Mishap.REDIRECT:
        # Who follows it asks for the same again, and the oracle will know.
        location = f"{request.path}?{request.query}" if request.query else request.path
        return Response(chance.choice((301, 302, 307, 308)), content=b"", headers={"Location": location})
    return Response(chance.choice((500, 503)), content=PAGE, content_type="text/html")
