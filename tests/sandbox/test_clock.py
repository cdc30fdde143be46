"""What is done one at a time, although requests come from other threads."""

from datetime import UTC, datetime
from threading import Thread

from sandbox.clock import Clock, OneByOne

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_what_comes_from_another_thread_waits_until_the_other_is_done():
    one_by_one = OneByOne(Clock(START))
    done = []
    other = Thread(target=one_by_one.do, args=(lambda: done.append("second"),))

    def first():
        other.start()
        other.join(0.2)  # long enough for the other to be done, if it did not wait
        done.append("first")

    one_by_one.do(first)
    other.join()

    assert done == ["first", "second"]


def test_what_is_done_may_have_more_done():
    clock = Clock(START)
    one_by_one = OneByOne(clock)
    done = []
    one_by_one.after(5, lambda: one_by_one.do(lambda: done.append(one_by_one.now)))
    clock.run()

    assert done == [datetime(2026, 3, 2, 8, 0, 5, tzinfo=UTC)]
