"""One piece of work, from the bell to its end: claim in one transaction, act in none, record in another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import django.db
import psycopg
import structlog
from django.utils import timezone

from outbox import rows
from outbox.errands import (
    LONGEST_ACTION_SECONDS,
    MOST_HESITATION_SECONDS,
    Absent,
    Claimed,
    Done,
    Errand,
    GivenUp,
    Lost,
    Outcome,
    Refused,
    TryAgain,
    errand_of,
)
from postgres.deadline import deadline
from postgres.work import in_one_transaction

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Of one transaction, on a database that has stopped answering.
DATABASE_SECONDS = 5.0
# What the other side said is worth waiting for a database that is away for a moment.
RECORDING_SECONDS = 10.0

PRESSURE_SECONDS = 5.0
# However long the other side wants to be left alone.
LONGEST_PAUSE_SECONDS = 86_400.0

# A mistake of ours, or a deployment that never comes: after so many postponements (two hours) a person has to look.
MOST_POSTPONEMENTS = 8

DATABASE_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    django.db.OperationalError,
    django.db.InterfaceError,
)


def perform(row_id: int) -> None:
    """Do the row if it is leased, look it up if it is leased for that, else nothing: somebody else has it.

    What says that the database is away goes up; the row's lease then ends by itself.
    """
    began = _now_seconds()
    try:
        claimed = _in_time(lambda: _claim(row_id, timezone.now()))
        look = None if claimed else _in_time(lambda: _claim_look(row_id, timezone.now()))
    except DATABASE_AWAY:
        raise
    except Exception as mistake:
        log.exception("errand_not_begun", row=row_id)
        _postpone(row_id, f"{type(mistake).__name__}: {mistake}")
        return
    if claimed:
        _do(*claimed, began)
    elif look:
        _look(*look)


def give_up(row_id: int, why: str) -> bool:
    """A person says that nobody will find out any more. False when the row is not unknown (any more)."""
    found = in_one_transaction(lambda: rows.read_unknown(row_id))
    if found is None:
        return False
    _bury(*found, why)
    return True


def _claim(row_id: int, now: datetime) -> tuple[Errand, Claimed, Any] | None:
    found = rows.claim(row_id, now)
    if found is None:
        return None
    kind, row = found
    errand = errand_of(kind)
    if row.doubtful_since and errand.next_try(row.failures) is None:
        _end(errand, row, GivenUp(f"whoever was sending it ended ({row.failures} times)"), now)
        return None
    prepared = errand.prepare(row, now)
    if prepared is None:
        rows.finish(row.id, "done", now)
        return None
    if isinstance(prepared, Refused):
        _end(errand, row, prepared, now)
        return None
    if isinstance(prepared, TryAgain):
        rows.retry(row.id, now + _bounded(prepared.after_seconds or 0.0), prepared.why, failed=False)
        return None
    return errand, row, prepared


def _claim_look(row_id: int, now: datetime) -> tuple[Errand, Claimed, Any, int] | None:
    found = rows.claim_look(row_id, now)
    if found is None:
        return None
    kind, row, looks = found
    errand = errand_of(kind)
    prepared = errand.prepare(row, now)
    if prepared is None:
        # Nothing is left to ask about: whatever it was for has ended by another way.
        rows.finish(row.id, "done", now)
        return None
    if isinstance(prepared, Refused):
        _end(errand, row, GivenUp(prepared.why), now)
        return None
    if isinstance(prepared, TryAgain):
        return None  # it is due again when this look would have ended
    return errand, row, prepared, looks


def _postpone(row_id: int, why: str) -> None:
    found = _in_time(lambda: rows.postpone(row_id, timezone.now(), why))
    if found is not None and found[1].failures >= MOST_POSTPONEMENTS:
        _bury(*found, why)


def _bury(kind: str, row: Claimed, why: str) -> None:
    """A row that mistakes of ours keep from being done is dead and seen, even when its errand cannot say so."""
    try:
        _in_time(lambda: _give_up(errand_of(kind), row, why, timezone.now()))
    except DATABASE_AWAY:
        raise
    except Exception:
        log.exception("errand_not_given_up", kind=kind, key=row.key)
        _in_time(lambda: _give_up(None, row, why, timezone.now()))


def _give_up(errand: Errand | None, row: Claimed, why: str, now: datetime) -> None:
    if rows.is_still(row.id, row.attempt):
        if errand is not None:
            errand.record(row, GivenUp(why), now)
        rows.finish(row.id, "dead", now, why)


def _do(errand: Errand, row: Claimed, prepared: Any, began: float) -> None:
    if _now_seconds() - began > MOST_HESITATION_SECONDS:
        # The lease may end while we act, and then somebody would ask too early whether it was done.
        log.warning("errand_begun_too_late", kind=errand.kind, key=row.key)
        _in_time(lambda: _put_back(row, timezone.now()))
        return
    outcome = _asked(errand.act, prepared)
    if isinstance(outcome, Lost) and errand.is_repeatable:
        outcome = TryAgain(outcome.why)
    _conclude(errand, row, lambda: _record(errand, row, outcome, timezone.now()), looks=0)
    log.info("errand_done", kind=errand.kind, key=row.key, outcome=type(outcome).__name__.lower())


def _look(errand: Errand, row: Claimed, prepared: Any, looks: int) -> None:
    outcome = _asked(errand.look_up, prepared)

    def record() -> None:
        now = timezone.now()
        if rows.is_still_unknown(row.id, row.attempt):
            _record_look(errand, row, outcome, looks, now)

    _conclude(errand, row, record, looks)
    log.info("errand_looked_up", kind=errand.kind, key=row.key, outcome=type(outcome).__name__.lower())


def _asked(question: Callable[[Any], Outcome], prepared: Any) -> Outcome:
    """The outcome, whatever happens: an exception says nothing about what was done."""
    began = time.monotonic()
    try:
        return question(prepared)
    except Exception as error:
        log.exception("errand_failed", after_seconds=round(time.monotonic() - began, 1))
        return Lost(f"{type(error).__name__}: {error}")
    finally:
        if time.monotonic() - began > LONGEST_ACTION_SECONDS:
            log.error("errand_took_too_long", seconds=round(time.monotonic() - began, 1))


def _conclude(errand: Errand, row: Claimed, record: Callable[[], None], looks: int) -> None:
    """Record in a transaction. When the errand cannot say what became of it, the row still gets a next time."""
    try:
        _patiently(record)
    except DATABASE_AWAY:
        raise
    except Exception as mistake:
        log.exception("errand_not_recorded", kind=errand.kind, key=row.key)
        why = f"{type(mistake).__name__}: {mistake}"
        now = timezone.now()
        wait = (
            errand.next_try(row.failures + 1) if errand.is_repeatable else errand.next_look(looks, _doubtful(row, now))
        )
        if wait is None:
            _bury(errand.kind, row, why)
        else:
            due_at = now + wait
            _patiently(lambda: _record_mistake(errand, row, due_at, why, now))


def _record_mistake(errand: Errand, row: Claimed, due_at: datetime, why: str, now: datetime) -> None:
    """Paid work is looked up again, other work done again."""
    if not rows.is_still(row.id, row.attempt):
        return
    if errand.is_repeatable:
        rows.retry(row.id, due_at, why, failed=True)
    else:
        rows.doubt(row.id, now, due_at, why)


def _record(errand: Errand, row: Claimed, outcome: Outcome, now: datetime) -> None:
    """Finish the row as the outcome says, together with what the errand has to write about it."""
    if not rows.is_still(row.id, row.attempt):
        # Another way told us what became of it, or a person gave up.
        log.info("errand_finished_meanwhile", kind=errand.kind, key=row.key, outcome=repr(outcome)[:200])
        return
    match outcome:
        case TryAgain(why=why, after_seconds=after, is_pressure=True):
            until = now + _pressure(after)
            errand.record(row, outcome, now)
            rows.pause(errand.kind, until)
            rows.retry(row.id, until, why, failed=False)
        case TryAgain() | Absent():
            _again(errand, row, outcome, now)
        case Lost(why=why):
            errand.record(row, outcome, now)
            wait = errand.next_look(0, timedelta(0)) or timedelta(seconds=rows.POSTPONED_SECONDS)
            rows.doubt(row.id, now, now + wait, why)
        case Done() | Refused() | GivenUp():
            _end(errand, row, outcome, now)


def _record_look(errand: Errand, row: Claimed, outcome: Outcome, looks: int, now: datetime) -> None:
    if not isinstance(outcome, Lost | TryAgain):
        _record(errand, row, outcome, now)
        return
    wait = errand.next_look(looks, _doubtful(row, now))
    if wait is None:
        _end(errand, row, GivenUp(outcome.why), now)
        return
    if isinstance(outcome, TryAgain) and outcome.is_pressure:
        pressure = _pressure(outcome.after_seconds)
        rows.pause(errand.kind, now + pressure)
        wait = max(wait, pressure)
    rows.doubt(row.id, now, now + wait, outcome.why)


def _again(errand: Errand, row: Claimed, outcome: TryAgain | Absent, now: datetime) -> None:
    wait = errand.next_try(row.failures + 1)
    if wait is None:
        _end(errand, row, Refused(f"{outcome.why} (tried {row.failures + 1} times)"), now)
        return
    errand.record(replace(row, failures=row.failures + 1), outcome, now)
    after = outcome.after_seconds if isinstance(outcome, TryAgain) else None
    rows.retry(row.id, now + max(wait, _bounded(after or 0.0)), outcome.why, failed=True)


def _end(errand: Errand, row: Claimed, outcome: Done | Refused | GivenUp, now: datetime) -> None:
    errand.record(row, outcome, now)
    if isinstance(outcome, Done):
        rows.finish(row.id, "done", now)
    else:
        rows.finish(row.id, "dead", now, outcome.why)


def _put_back(row: Claimed, now: datetime) -> None:
    if rows.is_still(row.id, row.attempt):
        rows.retry(row.id, now, "the worker was too slow to begin", failed=False)


def _pressure(after_seconds: float | None) -> timedelta:
    return _bounded(PRESSURE_SECONDS if after_seconds is None else after_seconds)


def _bounded(seconds: float) -> timedelta:
    """What the other side asks for may be anything, also not a number."""
    return timedelta(seconds=seconds if 0 <= seconds <= LONGEST_PAUSE_SECONDS else LONGEST_PAUSE_SECONDS)


def _doubtful(row: Claimed, now: datetime) -> timedelta:
    return now - (row.doubtful_since or now)


def _in_time(work: Callable[[], T]) -> T:
    with deadline(DATABASE_SECONDS):
        return in_one_transaction(work)


def _patiently(work: Callable[[], None]) -> None:
    """As `_in_time`, but a database that is away is waited for: nobody else knows what we have to write."""
    give_up_at = time.monotonic() + RECORDING_SECONDS
    while True:
        try:
            return _in_time(work)
        except DATABASE_AWAY:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(1)


def _now_seconds() -> float:
    """A clock that does not stand still with the machine: a worker may have been frozen."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()
