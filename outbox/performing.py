"""One piece of work, from the bell to its end: claim in one transaction, act in none, record in another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.utils import timezone

from outbox import rows
from outbox.errands import (
    LONGEST_ACTION_SECONDS,
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
from postgres.work import in_one_transaction

log = structlog.get_logger(__name__)

POSTPONED_SECONDS = 60
PRESSURE_SECONDS = 5.0


def perform(row_id: int) -> None:
    """Do the row if it is leased, look it up if it is unknown, else nothing: somebody else has it.

    What the database raises goes up; the row's lease then ends by itself.
    """
    try:
        claimed = in_one_transaction(lambda: _claim(row_id, timezone.now()))
        if claimed is not None:
            _do(*claimed)
            return
        doubted = in_one_transaction(lambda: _take_unknown(row_id, timezone.now()))
    except _OwnMistake as mistake:
        log.exception("errand_not_begun", row=row_id)
        why, later = str(mistake), timezone.now() + timedelta(seconds=POSTPONED_SECONDS)
        in_one_transaction(lambda: rows.postpone(row_id, later, why))
        return
    if doubted is not None:
        _look(*doubted)


class _OwnMistake(Exception):
    """An errand could not even read what it has to do."""


def _claim(row_id: int, now: datetime) -> tuple[Errand, Claimed, Any] | None:
    found = rows.claim(row_id, now)
    if found is None:
        return None
    kind, row = found
    errand, prepared = _prepared(kind, row, now)
    if prepared is None:
        rows.finish(row.id, "done", now)
        return None
    if isinstance(prepared, Refused):
        errand.record(row, prepared, now)
        rows.finish(row.id, "dead", now, prepared.why)
        return None
    return errand, row, prepared


def _take_unknown(row_id: int, now: datetime) -> tuple[Errand, Claimed, Any, int] | None:
    found = rows.lock_unknown(row_id)
    if found is None:
        return None
    kind, row, looks = found
    errand, prepared = _prepared(kind, row, now)
    if prepared is None or isinstance(prepared, Refused):
        # Nothing is left to ask about: whatever it was for has ended by another way.
        rows.finish(row.id, "done", now)
        return None
    return errand, row, prepared, looks


def _prepared(kind: str, row: Claimed, now: datetime) -> tuple[Errand, Any]:
    try:
        errand = errand_of(kind)
        return errand, errand.prepare(row, now)
    except (KeyError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise _OwnMistake(f"{type(error).__name__}: {error}") from error


def _do(errand: Errand, row: Claimed, prepared: Any) -> None:
    outcome = _asked(errand.act, prepared)
    if isinstance(outcome, Lost) and errand.is_repeatable:
        outcome = TryAgain(outcome.why)
    in_one_transaction(lambda: _record(errand, row, outcome, timezone.now()))
    log.info("errand_done", kind=errand.kind, key=row.key, outcome=type(outcome).__name__.lower())


def _look(errand: Errand, row: Claimed, prepared: Any, looks: int) -> None:
    outcome = _asked(errand.look_up, prepared)
    now = timezone.now()
    if isinstance(outcome, Lost | TryAgain):
        wait = errand.next_look(looks + 1, now - (row.doubtful_since or now))
        if wait is not None:
            in_one_transaction(lambda: _doubt_on(row, now, wait, outcome.why))
            return
        outcome = GivenUp(outcome.why)
    in_one_transaction(lambda: _record(errand, row, outcome, now))
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


def _doubt_on(row: Claimed, now: datetime, wait: timedelta, why: str) -> None:
    if rows.is_still(row.id, row.attempt):
        rows.doubt(row.id, now, now + wait, why, looked=True)


def _record(errand: Errand, row: Claimed, outcome: Outcome, now: datetime) -> None:
    """Finish the row as the outcome says, together with what the errand has to write about it."""
    if not rows.is_still(row.id, row.attempt):
        return  # another way told us what became of it
    match outcome:
        case TryAgain(why=why, after_seconds=after, is_pressure=True):
            until = now + timedelta(seconds=PRESSURE_SECONDS if after is None else after)
            errand.record(row, outcome, now)
            rows.pause(errand.kind, until)
            rows.retry(row.id, until, why, failed=False)
        case TryAgain() | Absent():
            _again(errand, row, outcome, now)
        case Lost(why=why):
            errand.record(row, outcome, now)
            wait = errand.next_look(0, timedelta(0)) or timedelta(seconds=POSTPONED_SECONDS)
            rows.doubt(row.id, now, now + wait, why, looked=False)
        case Done():
            errand.record(row, outcome, now)
            rows.finish(row.id, "done", now)
        case Refused(why=why) | GivenUp(why=why):
            errand.record(row, outcome, now)
            rows.finish(row.id, "dead", now, why)


def _again(errand: Errand, row: Claimed, outcome: TryAgain | Absent, now: datetime) -> None:
    wait = errand.next_try(row.failures + 1)
    if wait is None:
        refused = Refused(f"{outcome.why} (tried {row.failures + 1} times)")
        errand.record(row, refused, now)
        rows.finish(row.id, "dead", now, refused.why)
        return
    errand.record(replace(row, failures=row.failures + 1), outcome, now)
    after = getattr(outcome, "after_seconds", None)
    wait = max(wait, timedelta(seconds=after)) if after else wait
    rows.retry(row.id, now + wait, outcome.why, failed=True)
