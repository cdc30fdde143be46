"""From the bell to the end: what every outcome leads to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import psycopg
import pytest
import time_machine
from django.utils import timezone

from outbox import performing, rows
from outbox.errands import Absent, Claimed, Done, GivenUp, Lost, Outcome, Refused, TryAgain
from outbox.models import Pause, Row
from outbox.performing import give_up, perform
from postgres.statements import ask
from postgres.work import in_one_transaction
from tests.outbox.errand import AnErrand, promise

NOON = "2026-03-02T12:00:00Z"

Known = Callable[..., AnErrand]


@pytest.fixture(autouse=True)
def at_noon(db: None) -> Any:
    """A clock that only the test moves; the database has its own, so rows get their due time from ours."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def a_row(key: str = "parcel:1", **more: Any) -> Row:
    return promise(key=key, due_at=timezone.now(), **more)


def ring(row: Row, *, again: bool = False) -> Row:
    """The relay's part and the worker's; `again` waits until it is due."""
    if again:
        Row.objects.filter(pk=row.pk).update(due_at=timezone.now())
    if row.id in in_one_transaction(lambda: rows.lease(timezone.now(), 50)):
        perform(row.id)
    row.refresh_from_db()
    return row


def wait_of(row: Row) -> float:
    return (row.due_at - timezone.now()).total_seconds()


def test_what_was_done_is_done_and_written_down_once(known: Known) -> None:
    errand = known(acts=[Done("their id")])
    row = ring(a_row())
    perform(row.id)
    assert (row.state, row.finished_at, row.attempts, row.failures) == ("done", timezone.now(), 1, 0)
    assert (errand.acted, errand.recorded) == (["what act needs"], [Done("their id")])


def test_a_row_that_nobody_handed_out_is_not_done(known: Known) -> None:
    errand = known()
    perform(a_row().id)
    perform(4711)
    assert errand.acted == []


def test_a_refusal_is_the_end(known: Known) -> None:
    errand = known(acts=[Refused("no such number")])
    row = ring(a_row())
    assert (row.state, row.error, row.finished_at) == ("dead", "no such number", timezone.now())
    assert errand.recorded == [Refused("no such number")]


def test_what_was_certainly_not_done_is_done_later_and_in_the_end_refused(known: Known) -> None:
    errand = known(acts=[TryAgain("503")])
    row, waits = a_row(), []
    while ring(row, again=True).state == "retry":
        waits.append(wait_of(row))
    assert waits == [1, 2, 4, 8]
    assert (row.state, row.error, row.attempts) == ("dead", "503 (tried 5 times)", 5)
    assert errand.recorded == [TryAgain("503")] * 4 + [Refused("503 (tried 5 times)")]
    assert [claimed.attempt for claimed in errand.rows] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("asked", "waited"), [(None, 1), (0.2, 1), (30.0, 30), (1e30, 86_400), (-1.0, 86_400), (float("nan"), 86_400)]
)
def test_the_other_side_is_left_alone_for_as_long_as_it_wants_within_reason(
    known: Known, asked: float | None, waited: float
) -> None:
    known(acts=[TryAgain("503", after_seconds=asked)])
    assert wait_of(ring(a_row())) == waited


@pytest.mark.parametrize(("asked", "waited"), [(None, 5), (30.0, 30), (float("inf"), 86_400)])
def test_pressure_pauses_the_kind_and_counts_as_nobodys_failure(
    known: Known, asked: float | None, waited: float
) -> None:
    errand = known(acts=[TryAgain("429", after_seconds=asked, is_pressure=True), Done()])
    row = ring(a_row())
    assert (row.state, row.failures, wait_of(row)) == ("retry", 0, waited)
    assert Pause.objects.get().until == row.due_at
    assert ring(a_row("parcel:2")).state == "ready"
    Pause.objects.all().delete()
    assert ring(row, again=True).state == "done"
    assert errand.recorded == [TryAgain("429", asked, is_pressure=True), Done()]


def test_paid_work_whose_answer_was_lost_is_looked_up_and_not_done_again(known: Known) -> None:
    errand = known(acts=[Lost("time-out")], looks=[Done("found")])
    row = ring(a_row())
    assert (row.state, row.doubtful_since, row.error, wait_of(row)) == ("unknown", timezone.now(), "time-out", 5)
    row = ring(row, again=True)
    assert (row.state, row.attempts, row.looks) == ("done", 1, 1)
    assert (len(errand.acted), errand.looked) == (1, ["what act needs"])
    assert errand.recorded == [Lost("time-out"), Done("found")]
    assert errand.rows[-1].doubtful_since is not None


def test_an_exception_says_nothing_about_what_was_done(known: Known) -> None:
    errand = known(acts=[ConnectionResetError("by peer")])
    assert ring(a_row()).state == "unknown"
    assert errand.recorded == [Lost("ConnectionResetError: by peer")]


def test_what_does_no_harm_twice_is_simply_done_again(known: Known) -> None:
    errand = known(is_repeatable=True, acts=[Lost("time-out"), Done()])
    row = ring(a_row())
    assert (row.state, row.failures) == ("retry", 1)
    assert ring(row, again=True).state == "done"
    assert (errand.looked, errand.recorded) == ([], [TryAgain("time-out"), Done()])


def test_what_the_other_side_never_did_is_done_again(known: Known) -> None:
    errand = known(acts=[Lost("time-out"), Done()], looks=[Absent("not there")])
    row = ring(ring(a_row()), again=True)
    assert (row.state, row.failures, row.doubtful_since, row.looks, wait_of(row)) == ("retry", 1, None, 0, 1)
    assert ring(row, again=True).state == "done"
    assert errand.recorded == [Lost("time-out"), Absent("not there"), Done()]


def test_what_is_never_there_is_not_done_for_ever(known: Known) -> None:
    errand = known(acts=[Lost("time-out")], looks=[Absent("not there")])
    row = a_row()
    while ring(row, again=True).finished_at is None:
        pass
    assert (row.state, row.error) == ("dead", "not there (tried 5 times)")
    assert len(errand.acted) == 5


def test_doubt_is_looked_at_ever_more_rarely_and_given_up_after_a_day(
    known: Known, at_noon: time_machine.Coordinates
) -> None:
    errand = known(acts=[Lost("time-out")], looks=[Lost("down"), TryAgain("503")])
    row, waits = ring(a_row()), []
    while row.state == "unknown":
        waits.append(wait_of(row))
        at_noon.shift(wait_of(row))
        ring(row)
    assert waits[:11] == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]
    assert set(waits[11:]) == {3600}
    assert sum(waits) > 86_400
    assert (row.state, row.error, row.looks) == ("dead", "503", len(waits))
    assert errand.recorded == [Lost("time-out"), GivenUp("503")]
    assert len(errand.acted) == 1


def test_a_look_under_pressure_pauses_the_kind(known: Known) -> None:
    known(acts=[Lost("time-out")], looks=[TryAgain("429", 60.0, is_pressure=True)])
    row = ring(ring(a_row()), again=True)
    assert (row.state, wait_of(row)) == ("unknown", 60)
    assert Pause.objects.get().until == row.due_at


@pytest.mark.parametrize("looks", [Refused("rejected"), GivenUp("no such thing")])
def test_a_look_can_be_the_end(known: Known, looks: Outcome) -> None:
    errand = known(acts=[Lost("time-out")], looks=[looks])
    row = ring(ring(a_row()), again=True)
    assert (row.state, row.error) == ("dead", looks.why)  # type: ignore[union-attr]
    assert errand.recorded[-1] == looks


def test_what_need_not_be_done_any_more_is_done(known: Known) -> None:
    errand = known(prepared=None)
    row = ring(a_row())
    assert (row.state, errand.acted, errand.recorded) == ("done", [], [])


def test_what_must_not_be_done_is_recorded_and_dead(known: Known) -> None:
    errand = known(prepared=Refused("the account is closed"))
    row = ring(a_row())
    assert (row.state, row.error) == ("dead", "the account is closed")
    assert (errand.acted, errand.recorded) == ([], [Refused("the account is closed")])


def test_work_whose_turn_it_is_not_waits_and_nothing_is_counted(known: Known) -> None:
    errand = known(prepared=TryAgain("others go first", 30))
    row = ring(a_row())
    assert (row.state, row.failures, row.error, wait_of(row)) == ("retry", 0, "others go first", 30)
    assert (errand.acted, errand.recorded) == ([], [])
    errand.prepared = "what act needs"
    assert ring(row, again=True).state == "done"


def test_a_doubtful_row_whose_turn_it_is_not_stays_doubtful_and_is_looked_up_later(known: Known) -> None:
    errand = known(acts=[Lost("no answer")], looks=[Done("their id")])
    row = ring(a_row())
    errand.prepared = TryAgain("others go first")
    assert ring(row, again=True).state == "unknown"
    assert (errand.looked, row.lease_until) == ([], None)
    assert row.due_at > timezone.now()
    errand.prepared = "what act needs"
    assert ring(row, again=True).state == "done"


def test_when_nobody_may_ask_any_more_doubt_is_given_up_and_not_forgotten(known: Known) -> None:
    errand = known(
        acts=[Lost("time-out")],
        prepared=lambda row: Refused("the account is closed") if row.doubtful_since else "everything",
    )
    row = ring(ring(a_row()), again=True)
    assert (row.state, errand.looked) == ("dead", [])
    assert errand.recorded == [Lost("time-out"), GivenUp("the account is closed")]


def test_when_nothing_is_left_to_ask_about_a_doubtful_row_is_done(known: Known) -> None:
    errand = known(acts=[Lost("time-out")], prepared=lambda row: None if row.doubtful_since else "everything")
    row = ring(ring(a_row()), again=True)
    assert (row.state, errand.looked, errand.recorded) == ("done", [], [Lost("time-out")])


@pytest.mark.parametrize("mistake", [ValueError("no such field"), RuntimeError("anything"), psycopg.DataError("odd")])
def test_a_row_that_cannot_be_prepared_waits_ever_longer_and_dies_seen(known: Known, mistake: Exception) -> None:
    errand = known(prepared=mistake)
    row, waits = a_row(), []
    while ring(row, again=True).finished_at is None:
        waits.append(wait_of(row))
    assert waits == [60, 120, 240, 480, 960, 1920, 3600]
    assert (row.state, row.attempts, errand.acted) == ("dead", 0, [])
    assert row.error == f"{type(mistake).__name__}: {mistake}"
    assert errand.recorded == [GivenUp(row.error)]


def test_a_doubtful_row_that_cannot_be_prepared_stays_doubtful_until_it_dies(known: Known) -> None:
    errand = known(acts=[Lost("time-out")])
    row = ring(a_row())
    errand.prepared = ValueError("no such field")
    states = {ring(row, again=True).state for _ in range(performing.MOST_POSTPONEMENTS)}
    assert states == {"unknown", "dead"}
    assert errand.recorded[-1] == GivenUp("ValueError: no such field")


def test_a_kind_that_this_version_does_not_know_waits_for_one_that_does(known: Known) -> None:
    row = ring(a_row())
    assert (row.state, row.error, wait_of(row)) == ("retry", "KeyError: 'parcel'", 60)
    known()
    assert ring(row, again=True).state == "done"


def test_a_kind_that_no_version_ever_knows_dies_seen(known: Known) -> None:
    row = a_row()
    for _ in range(performing.MOST_POSTPONEMENTS):
        ring(row, again=True)
    assert (row.state, row.error) == ("dead", "KeyError: 'parcel'")


def test_when_a_paid_result_cannot_be_written_down_it_is_looked_up_again(known: Known) -> None:
    def only_the_second_time(row: Claimed, outcome: Outcome) -> None:
        if row.doubtful_since is None:
            ask("SELECT 1 / 0").row()

    errand = known(acts=[Done("their id")], looks=[Done("their id")], recording=only_the_second_time)
    row = ring(a_row())
    assert (row.state, row.error, wait_of(row)) == ("unknown", ANY, 5)
    assert row.error.startswith("DivisionByZero: ")
    assert ring(row, again=True).state == "done"
    assert len(errand.acted) == 1


def test_when_it_can_never_be_written_down_the_row_dies_seen(known: Known, at_noon: time_machine.Coordinates) -> None:
    def never(row: Claimed, outcome: Outcome) -> None:
        raise ValueError("no room")

    errand = known(recording=never)
    row = ring(a_row())
    while row.state == "unknown":
        at_noon.shift(wait_of(row))
        ring(row)
    assert (row.state, row.error) == ("dead", "ValueError: no room")
    assert (len(errand.acted), len(errand.looked) < 50) == (1, True)


def test_a_repeatable_result_that_can_never_be_written_down_is_not_done_for_ever(known: Known) -> None:
    def never(row: Claimed, outcome: Outcome) -> None:
        raise ValueError("no room")

    errand = known(is_repeatable=True, recording=never)
    row = a_row()
    while ring(row, again=True).finished_at is None:
        pass
    assert (row.state, row.error, len(errand.acted)) == ("dead", "ValueError: no room", 5)


def test_who_was_frozen_after_claiming_does_not_act(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([100.0, 106.0, 200.0, 201.0])
    monkeypatch.setattr(performing, "_now_seconds", lambda: next(seconds))
    errand = known()
    row = ring(a_row())
    assert (row.state, row.attempts, row.failures, errand.acted, errand.recorded) == ("retry", 1, 0, [], [])
    assert ring(row).state == "done"
    assert len(errand.acted) == 1


def _after_the_lease(row: Row, kind: str = "") -> None:
    """The lease ends while somebody acts."""
    later = timezone.now() + timedelta(hours=1)
    in_one_transaction(lambda: rows.sweep(later, [kind]))


def test_who_comes_back_after_the_lease_still_records_what_became_of_it(known: Known) -> None:
    row = a_row()
    errand = known(prepared=lambda claimed: _after_the_lease(row) or "late")
    act = errand.act
    errand.act = lambda prepared: (_after_the_lease(row), act(prepared))[1]  # type: ignore[method-assign]
    assert ring(row).state == "done"
    assert errand.recorded == [Done()]


def test_who_comes_back_late_does_not_touch_the_attempt_of_another(known: Known) -> None:
    errand = known(is_repeatable=True, acts=[Refused("first"), Done("second")])
    row, act = a_row(), errand.act

    def slowly(prepared: Any) -> Outcome:
        outcome = act(prepared)
        if len(errand.acted) == 1:
            _after_the_lease(row, "parcel")
            ring(row, again=True)
        return outcome

    errand.act = slowly  # type: ignore[method-assign]
    ring(row)
    assert (row.state, row.attempts) == ("done", 2)
    assert errand.recorded == [Done("second")]


def test_who_comes_back_late_leaves_an_attempt_that_is_under_way_alone(known: Known) -> None:
    errand = known(is_repeatable=True, acts=[Refused("first")])
    row, act = a_row(), errand.act

    def slowly(prepared: Any) -> Outcome:
        _after_the_lease(row, "parcel")
        assert in_one_transaction(lambda: rows.lease(timezone.now() + timedelta(hours=2), 1)) == [row.id]
        assert in_one_transaction(lambda: rows.claim(row.id, timezone.now())) is not None
        return act(prepared)

    errand.act = slowly  # type: ignore[method-assign]
    ring(row)
    assert (row.state, row.attempts, errand.recorded) == ("sending", 2, [])


def test_news_from_outside_while_somebody_acts_is_the_last_word(known: Known) -> None:
    errand = known(acts=[Lost("time-out")])
    row, act = a_row(), errand.act

    def overtaken(prepared: Any) -> Outcome:
        in_one_transaction(lambda: rows.finish(row.id, "done", timezone.now()))
        return act(prepared)

    errand.act = overtaken  # type: ignore[method-assign]
    assert ring(row).state == "done"
    assert errand.recorded == []


def test_whoever_dies_at_it_every_time_does_not_die_for_ever(known: Known) -> None:
    errand = known(is_repeatable=True)
    row = a_row()
    for _ in range(10):
        in_one_transaction(lambda: rows.lease(timezone.now() + timedelta(hours=2), 1))
        if not in_one_transaction(lambda: performing._claim(row.id, timezone.now())):
            break
        _after_the_lease(row, "parcel")
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("dead", 6)
    assert errand.recorded == [GivenUp("whoever was sending it ended (5 times)")]


def test_a_person_gives_up_what_nobody_will_find_out(known: Known) -> None:
    errand = known(acts=[Lost("time-out")])
    row = ring(a_row())
    assert give_up(row.id, "given up by a person")
    row.refresh_from_db()
    assert (row.state, row.error) == ("dead", "given up by a person")
    assert errand.recorded[-1] == GivenUp("given up by a person")
    assert not give_up(row.id, "twice")
    assert not give_up(ring(a_row("parcel:2")).id + 1, "nothing")


def test_what_was_given_up_by_mistake_can_be_begun_again(known: Known) -> None:
    known(acts=[Refused("a mistake"), Done()])
    row = ring(a_row())
    assert in_one_transaction(lambda: rows.begin_again(row.id, timezone.now()))
    assert not in_one_transaction(lambda: rows.begin_again(row.id, timezone.now()))
    assert ring(row).state == "done"
    assert row.attempts == 2
