"""A small memory of answers, in one process: bounded, short-lived, and each question asked by one thread at a time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Remembers at most so many answers for so many seconds, "there is none" among them.

    Whoever asks while another thread is finding the same answer out waits for that one. An error is told to all who
    waited for it and is not remembered.
    """

    def __init__(self, *, most: int, ttl_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._flights: dict[K, Future[V]] = {}

    def get(self, key: K, find: Callable[[], V]) -> V:
        """The answer for this key, found by `find` when it is not known. Raises what `find` raises."""
        with self._lock:
            known = self._known.get(key)
            if known is not None and known[0] > self._clock():
                return known[1]
            flight = self._flights.get(key)
            is_mine = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if is_mine:
            self._fly(key, find, flight)
        return flight.result()

    def _fly(self, key: K, find: Callable[[], V], flight: Future[V]) -> None:
        try:
            value = find()
        except BaseException as error:
            self._land(key)
            flight.set_exception(error)
            return
        with self._lock:
            self._known[key] = (self._clock() + self._ttl_seconds, value)
            self._known.move_to_end(key)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        self._land(key)
        flight.set_result(value)

    def _land(self, key: K) -> None:
        with self._lock:
            del self._flights[key]
