"""A virtual clock: hours of telephone calls pass in no time at all.

Things due at the same instant and turn happen in parallel threads; the clock moves on when all are done.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from enum import IntEnum
from functools import partial
from itertools import count
from threading import Condition, Event, RLock

Action = Callable[[], None]
Due = tuple[datetime, "Turn", int, Action]


class Turn(IntEnum):
    """What goes first at one instant, so that a run never depends on which thread is faster."""

    DELIVER = 0  # a callback is delivered and its answer obeyed
    HELD_BACK = 1  # a callback that was overtaken by the next one
    PHONE = 2  # the called phone answers or refuses, a prompt ends, a key is pressed
    HANG_UP = 3  # somebody, or the limit, ends the call


class Clock:
    """Virtual time, and what is due when.

    Time jumps from one thing that is due to the next. What was put off with `waits` is different: it does not make
    time jump, and happens only when somebody lets time pass until a given moment.

    Several threads may let time pass at once; each instant still ends before the next one begins. round counts the
    batches of things that happened together.
    parallel: how many things may happen at once; more of them wait for a free thread.
    """

    def __init__(self, start: datetime, parallel: int = 64) -> None:
        if start.tzinfo is None:
            raise ValueError("the clock needs a time with a time zone")
        self.start = start
        self.now = start
        self.round = 0
        self._parallel = parallel
        self._due: list[Due] = []
        self._waiting: list[Due] = []
        self._order = count()
        self._changed = Condition()
        self._passing = RLock()

    def after(self, seconds: float, action: Action, turn: Turn = Turn.DELIVER, *, waits: bool = False) -> None:
        """Have something done that many virtual seconds from now; see the class for what `waits`."""
        self.at(self.now + timedelta(seconds=seconds), action, turn, waits=waits)

    def at(self, moment: datetime, action: Action, turn: Turn = Turn.DELIVER, *, waits: bool = False) -> None:
        """Have something done at a moment; one that has passed means now."""
        with self._changed:
            due = (max(moment, self.now), turn, next(self._order), action)
            heapq.heappush(self._waiting if waits else self._due, due)
            self._changed.notify_all()

    def run(self, until: datetime | None = None, stop: Event | None = None) -> None:
        """Let time pass until nothing is due any more, or until the given moment, or until `stop` is set.

        The first exception of an action is raised after those of the same instant have finished.
        """
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="sandbox") as threads:
            while not (stop and stop.is_set()) and self._pass(threads, until):
                pass
        with self._changed:
            if until is not None and not (stop and stop.is_set()):
                self.now = max(self.now, until)

    def wait(self, stop: Event) -> None:
        """Return when something is due, or when `stop` is set and `wake` called."""
        with self._changed:
            self._changed.wait_for(lambda: self._due or stop.is_set())

    def wake(self) -> None:
        """Have whoever waits look whether to stop."""
        with self._changed:
            self._changed.notify_all()

    def _pass(self, threads: ThreadPoolExecutor, until: datetime | None) -> bool:
        """Let what is due next happen; False when nothing is."""
        with self._passing:
            batch = self._next_batch(until)
            if len(batch) == 1:
                batch[0]()
            elif batch:
                running = [threads.submit(action) for action in batch]
                wait(running)
                for done in running:
                    done.result()
            return bool(batch)

    def _next_batch(self, until: datetime | None) -> list[Action]:
        with self._changed:
            while until is not None and self._waiting and self._waiting[0][0] <= until:
                moment, turn, order, action = heapq.heappop(self._waiting)
                heapq.heappush(self._due, (max(moment, self.now), turn, order, action))
            if not self._due or (until is not None and self._due[0][0] > until):
                return []
            moment, turn = self._due[0][:2]
            self.now = moment
            self.round += 1
            batch = []
            while self._due and self._due[0][:2] == (moment, turn):
                batch.append(heapq.heappop(self._due)[3])
            return batch


class OneByOne:
    """Has things done one at a time, although several are due at one instant and requests come from outside."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = RLock()

    @property
    def now(self) -> datetime:
        return self._clock.now

    def do(self, action: Action) -> None:
        """Have something done now, when nothing else is being done."""
        with self._lock:
            action()

    def after(self, seconds: float, action: Action, turn: Turn = Turn.PHONE) -> None:
        """Have something done that many virtual seconds from now."""
        self._clock.after(seconds, partial(self.do, action), turn)
