"""Time that passes by itself while somebody asks for things over HTTP."""

from threading import Event, Thread

import pytest

from sandbox import Phone, Sandbox
from tests.sandbox.desk import CALLOUTS, ask, tts
from tests.sandbox.receiver import application, connect, replies

NOBODY = "http://127.0.0.1:9/"


def finished(calls):
    """Whether all calls come to their end, in real milliseconds."""
    pause = Event()
    return any(all(each.ended for each in calls) or pause.wait(0.01) for _ in range(1000))


def test_callouts_that_arrive_over_rest_come_to_their_end():
    with application(replies(ice={})) as app:
        platform = Sandbox(target=app.url)
        platform.phones.default = Phone.answers(5, 3600)
        with platform.rest_server() as url, platform.keep_running():
            threads = [Thread(target=ask, args=("POST", url + CALLOUTS, tts(enableDice=True))) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert finished(platform.calls)
            platform.run()

    assert len(app.events("dice")) == 20


def test_time_may_pass_by_itself_and_on_demand_at_once():
    with application(replies(ice=connect())) as app:
        platform = Sandbox(target=app.url)
        with platform.keep_running():
            calls = [platform.app_to_phone(user="alice", to="+12025550123", at_seconds=n) for n in range(30)]
            platform.run()
            assert all(each.ended for each in calls)

    ended = [each.ended_at for each in calls]
    assert ended == sorted(ended)


def test_an_instant_ends_before_the_next_one_begins_whoever_lets_time_pass():
    platform = Sandbox(target=NOBODY)
    begun, next_one = Event(), Event()
    overtaken = []

    def takes_a_while():
        begun.set()
        overtaken.append(next_one.wait(0.1))

    platform.at(1, takes_a_while)
    platform.at(2, next_one.set)
    first = Thread(target=platform.run)
    first.start()
    assert begun.wait(10)
    platform.run()
    first.join()

    assert overtaken == [False]
    assert next_one.is_set()


def test_time_stops_when_the_block_is_left_and_what_is_left_stays_due():
    platform = Sandbox(target=NOBODY)
    happened = []
    with platform.keep_running():
        pass
    platform.at(1, lambda: happened.append(1))

    assert happened == []
    platform.run()
    assert happened == [1]


def test_what_fails_in_the_background_is_raised_in_the_end():
    platform = Sandbox(target=NOBODY)
    failed = Event()

    def fails():
        failed.set()
        raise RuntimeError("no such thing")

    def run():
        with platform.keep_running():
            platform.at(1, fails)
            assert failed.wait(10)

    with pytest.raises(RuntimeError, match="no such thing"):
        run()


def test_time_at_a_pace_passes_although_nothing_is_due():
    platform = Sandbox(target=NOBODY)
    reached = Event()
    start = platform.clock.now
    with platform.keep_running(pace=10_000):
        platform.at(100, reached.set)
        assert reached.wait(10)

    assert (platform.clock.now - start).total_seconds() >= 100
    with pytest.raises(ValueError, match="pace"), platform.keep_running(pace=0):
        pass


def test_what_waits_happens_only_when_time_is_let_pass():
    platform = Sandbox(target=NOBODY)
    happened = []
    platform.clock.after(300, lambda: happened.append("expired"), waits=True)
    platform.at(1000, lambda: happened.append("due"))

    platform.run()
    assert happened == ["due"]
    platform.run(until_seconds=0)
    assert happened == ["due", "expired"]
