"""Answers are remembered for a while, within bounds, and found out by one thread at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from softphone.single_flight import SingleFlight


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_memory(clock: Clock, most: int = 3) -> SingleFlight[str, str | None]:
    return SingleFlight(most=most, ttl_seconds=60, clock=clock)


def test_an_answer_is_asked_for_once_a_minute(clock: Clock) -> None:
    memory, asked = a_memory(clock), []

    def find() -> str:
        asked.append(clock.now)
        return f"found at {clock.now}"

    clock.now = 59.9
    assert memory.get("a", find) == "found at 59.9"
    clock.now = 119.8
    assert memory.get("a", find) == "found at 59.9"
    clock.now = 120.0
    assert memory.get("a", find) == "found at 120.0"
    assert asked == [59.9, 120.0]


def test_that_there_is_none_is_remembered_as_well(clock: Clock) -> None:
    memory = a_memory(clock)
    assert memory.get("a", lambda: None) is None
    assert memory.get("a", lambda: "asked again") is None


def test_an_error_is_not_remembered(clock: Clock) -> None:
    memory = a_memory(clock)

    def fail() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        memory.get("a", fail)
    assert memory.get("a", lambda: "now it works") == "now it works"


def test_the_oldest_answers_make_room_for_new_ones(clock: Clock) -> None:
    memory = a_memory(clock, most=2)
    for key in ("a", "b", "c"):
        memory.get(key, lambda key=key: key)
    assert [memory.get(key, lambda: "again") for key in ("b", "c", "a")] == ["b", "c", "again"]


@pytest.mark.parametrize("goes_wrong", [False, True])
def test_of_a_hundred_who_ask_at_once_one_finds_out_and_all_are_told(clock: Clock, goes_wrong: bool) -> None:
    memory, asked = a_memory(clock), []
    arrived, everybody_is_here = threading.Semaphore(0), threading.Event()

    def find() -> str:
        asked.append(1)
        everybody_is_here.wait(30)
        if goes_wrong:
            raise ZeroDivisionError
        return "found"

    def ask() -> str | None:
        arrived.release()
        try:
            return memory.get("a", find)
        except ZeroDivisionError:
            return "wrong"

    with ThreadPoolExecutor(100) as pool:
        answers = [pool.submit(ask) for _ in range(100)]
        for _ in answers:
            arrived.acquire()
        everybody_is_here.set()
        assert {answer.result() for answer in answers} == {"wrong" if goes_wrong else "found"}
    assert goes_wrong or len(asked) == 1, "who comes after an error may try again"
