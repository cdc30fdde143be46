"""Call lists: numbers from a CSV file, called one after the other with the same words, as fast as was wished.

The file is UTF-8 with a header: `number`, and if wanted `text`, `time_zone` and `reference`, which replace what was
given for the whole list. Every bad row is named before anything is written; a list is loaded whole or not at all.

Locks: the list before its callouts, those before wallets (docs/locking.md). So the end of a call, which holds a wallet,
leaves the list alone; that a list is finished is seen here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from io import StringIO
from typing import BinaryIO

import structlog
from django.utils import timezone

from postgres.statements import ask, tell
from postgres.work import in_one_transaction
from telephony import callout_dialling, callouts
from telephony.callout_checks import Allowed, Asked, Checked, check, judge, look
from telephony.callouts import CalloutRefused, NewCallout
from telephony.decisions import Reason, Refuse
from telephony.models import CallList
from telephony.prompts import WRITTEN

log = structlog.get_logger(__name__)

MOST_ROWS = 10_000
LARGEST_FILE_BYTES = 2_000_000
LONGEST_NAME = 100
MOST_AT_ONCE = 100
MOST_PER_MINUTE = 600
NUMBER = "number"
COLUMNS = (NUMBER, "text", "time_zone", "reference")

# A list that nobody can pay for, or nobody may, is stopped; the others on it would only be refused as well.
_STOPS = frozenset(
    {Reason.NOT_ENOUGH_CREDIT, Reason.ACCOUNT_NOT_ACTIVE, Reason.NO_APPLICATION, Reason.CALLER_ID_NOT_OWNED}
)
# More than this of one list is not looked at in one turn, so that a list of refusals keeps no other waiting.
AT_ONE_TURN = 200
ONE_MINUTE = timedelta(minutes=1)


class CallListError(Exception):
    """What was wished cannot be done with the list. The text is one sentence for people."""


class CallListUnreadable(CallListError):
    """The file is no call list at all: no UTF-8, no CSV, or not the columns of one."""


@dataclass(frozen=True, kw_only=True)
class NewCallList:
    """A list as somebody asks for it. `callout` is what is wished for every number; its destination is left empty."""

    name: str
    callout: NewCallout
    at_once: int = 2
    per_minute: int = 30


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What became of a file. `refused` is (line, sentence); with any of them nothing was written."""

    rows_read: int
    refused: list[tuple[int, str]] = field(default_factory=list)
    call_list_id: int | None = None


# --- loading ---------------------------------------------------------------------------------------------------------


def load(file: BinaryIO, new: NewCallList) -> LoadReport:
    """Load the file as a new list, which begins to be called at once. Raises CallListError, CalloutRefused.

    CalloutRefused is about the list as a whole, such as a menu that no callout can play.
    """
    _check(new)
    now = timezone.now()
    rows = list(_read(file))
    if not rows:
        raise CallListUnreadable("There is no number in the file.")
    checked, refused = _check_rows(rows, new.callout, now)
    if refused:
        return LoadReport(rows_read=len(rows), refused=sorted(refused))
    return in_one_transaction(lambda: _write(new, checked))


def _check(new: NewCallList) -> None:
    if not 1 <= len(new.name.strip()) <= LONGEST_NAME or not new.name.isprintable():
        raise CallListError(f"Give the list a name of 1 to {LONGEST_NAME} characters.")
    if not 1 <= new.at_once <= MOST_AT_ONCE:
        raise CallListError(f"A list has 1 to {MOST_AT_ONCE} calls at once.")
    if not 1 <= new.per_minute <= MOST_PER_MINUTE:
        raise CallListError(f"A list begins 1 to {MOST_PER_MINUTE} calls a minute.")


def _read(file: BinaryIO) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a file with their lines. Raises CallListUnreadable."""
    content = file.read(LARGEST_FILE_BYTES + 1)
    if len(content) > LARGEST_FILE_BYTES:
        raise CallListUnreadable("The file is larger than 2 MB: split it.")
    try:
        reader = csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header)
        for position, values in enumerate((row for row in reader if any(row)), start=1):
            if position > MOST_ROWS:
                raise CallListUnreadable(f"The file has more than {MOST_ROWS:,} rows: split it.")
            yield reader.line_num, dict(zip(header, values, strict=False)) | _too_many(header, values)
    except UnicodeDecodeError:
        raise CallListUnreadable("The file is not UTF-8: save it as CSV in UTF-8.") from None
    except csv.Error as error:
        raise CallListUnreadable(f"The file is not CSV: {error}.") from None


def _check_header(header: list[str]) -> None:
    if NUMBER not in header:
        raise CallListUnreadable(
            f"The first line must name the columns: number, and if wanted {', '.join(COLUMNS[1:])}."
        )
    unknown = next((name for name in header if name not in COLUMNS), None)
    if unknown is not None:
        raise CallListUnreadable(f"There is no column {unknown[:40]!r}: there are {', '.join(COLUMNS)}.")
    if len(set(header)) < len(header):
        raise CallListUnreadable("A column is named twice in the first line.")


def _too_many(header: list[str], values: list[str]) -> dict[str, str]:
    """What stands beyond the last column, under a name no column has; empty cells there are nothing."""
    rest = "".join(values[len(header) :]).strip()
    return {"": rest} if rest else {}


def _check_rows(
    rows: list[tuple[int, dict[str, str]]], template: NewCallout, now: datetime
) -> tuple[list[tuple[int, Checked]], list[tuple[int, str]]]:
    """The rows whose own words are right, and the others with what is wrong with them."""
    checked: list[tuple[int, Checked]] = []
    refused: list[tuple[int, str]] = []
    numbers: dict[str, int] = {}
    references: dict[str, int] = {}
    for line, row in rows:
        try:
            one = _check_row(row, template, now)
            _only_once(numbers, one.destination, line, "This number")
            _only_once(references, one.new.reference, line, "This reference")
        except CalloutRefused as refusal:
            refused.append((line, str(refusal)))
        else:
            # A list is called in its order.
            checked.append((line, replace(one, due_at=one.due_at + timedelta(microseconds=len(checked)))))
    return checked, refused


def _check_row(row: dict[str, str], template: NewCallout, now: datetime) -> Checked:
    if "" in row:
        raise CalloutRefused(
            "row", "There is more in this row than there are columns: put texts with commas in quotes."
        )
    given = {name: value.strip() for name, value in row.items()}
    new = replace(
        template,
        destination=given.get(NUMBER, ""),
        text=given.get("text") or template.text,
        time_zone=given.get("time_zone") or template.time_zone,
        reference=given.get("reference") or template.reference,
    )
    return check(new, now)


def _only_once(seen: dict[str, int], value: str, line: int, what: str) -> None:
    if value and seen.setdefault(value, line) != line:
        raise CalloutRefused("row", f"{what} is on line {seen[value]} already.")


def _write(new: NewCallList, checked: list[tuple[int, Checked]]) -> LoadReport:
    asked: list[Asked] = []
    for _, one in checked:
        asked.append(look(one, asked[0] if asked else None))
    allowed: list[Allowed] = []
    refused: list[tuple[int, str]] = []
    for (line, one), answers in zip(checked, asked, strict=True):
        try:
            allowed.append(judge(one, answers))
        except CalloutRefused as refusal:
            if refusal.field not in ("destination", "reference"):
                raise  # the whole list has the same account, caller ID, menu and application
            refused.append((line, str(refusal)))
        else:
            if allowed[-1].earlier_id is not None:
                refused.append((line, "The account used this reference for a callout before."))
    if refused:
        return LoadReport(rows_read=len(checked), refused=refused)
    return LoadReport(rows_read=len(checked), call_list_id=_write_list(new, allowed))


def _write_list(new: NewCallList, allowed: list[Allowed]) -> int:
    row = ask(
        "INSERT INTO telephony_calllist (account_id, application_id, name, state, why, at_once, per_minute, made_by) "
        "VALUES (%s, %s, %s, 'running', '', %s, %s, %s) RETURNING id",
        [
            new.callout.account_id, allowed[0].application_id, new.name.strip(), new.at_once, new.per_minute,
            new.callout.made_by[:254],
        ],
    ).row()  # fmt: skip
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row or raises
    for one in allowed:
        in_list = replace(one.checked.new, call_list_id=row[0])
        callouts.write(replace(one, checked=replace(one.checked, new=in_list)))
    return int(row[0])


# --- calling ---------------------------------------------------------------------------------------------------------


def pace(now: datetime) -> int:
    """Begin as many callouts of every running list as it may have now; how many there were.

    A list that fails keeps no other waiting: the first failure is raised in the end. Safe to run twice at once.
    """
    running = ask("SELECT id FROM telephony_calllist WHERE state = 'running' ORDER BY id").rows()
    begun, failures = 0, []
    for (id,) in running:
        try:
            begun += _pace_one(id, now)
        except Exception as failure:
            log.exception("call_list_not_paced", call_list=id)
            failures.append(failure)
    if failures:
        raise failures[0]
    return begun


def _pace_one(id: int, now: datetime) -> int:
    begun = 0
    for _ in range(AT_ONE_TURN):
        going_on, has_begun = in_one_transaction(lambda: _begin_next(id, now))
        begun += has_begun
        if not going_on:
            break
    return begun


def _begin_next(id: int, now: datetime) -> tuple[bool, bool]:
    """Begin the list's next callout, if it may: whether there may be more to do, and whether one has begun."""
    if not _has_room(id, now):
        return False, False
    row = ask(
        "SELECT id FROM telephony_callout WHERE call_list_id = %s AND state = 'waiting' AND due_at <= %s "
        "ORDER BY due_at LIMIT 1",
        [id, now],
    ).row()
    if row is None:
        _finish_if_over(id, now)
        return False, False
    begun = callout_dialling.begin(row[0], now)
    if not isinstance(begun, Refuse):
        return True, begun is not None
    if begun.reason is Reason.NO_FREE_SLOT:
        return False, False  # one of the account's calls will end
    if begun.reason in _STOPS:
        why = f"{WRITTEN[begun.reason]} {begun.detail}".strip()
        log.warning("call_list_stopped", call_list=id, why=why)
        tell("UPDATE telephony_calllist SET state = 'stopped', why = %s WHERE id = %s", [why[:200], id])
        return False, False
    callout_dialling.fail(row[0], begun, now)
    return True, False


def _has_room(id: int, now: datetime) -> bool:
    """Whether the list, now locked, runs and may have one more call."""
    pace = ask(
        "SELECT at_once, per_minute FROM telephony_calllist WHERE id = %s AND state = 'running' FOR NO KEY UPDATE", [id]
    )
    counted = ask(
        "SELECT (SELECT count(*) FROM telephony_callout WHERE call_list_id = %s AND state = 'calling'), "
        "(SELECT count(*) FROM telephony_call call JOIN telephony_callout c ON c.id = call.callout_id "
        " WHERE call.begun_at > %s AND c.call_list_id = %s)",
        [id, now - ONE_MINUTE, id],
    )
    limits, counts = pace.row(), counted.row()
    return limits is not None and counts is not None and counts[0] < limits[0] and counts[1] < limits[1]


def _finish_if_over(id: int, now: datetime) -> None:
    tell(
        "UPDATE telephony_calllist SET state = 'finished', finished_at = %s WHERE id = %s AND NOT EXISTS "
        "(SELECT FROM telephony_callout WHERE call_list_id = %s AND state IN ('waiting', 'calling'))",
        [now, id, id],
    )


# --- under the hands of staff ----------------------------------------------------------------------------------------


def pause(id: int, by: str) -> None:
    """Begin no more calls for now; those that run go on. Raises CallListError."""
    in_one_transaction(lambda: _change(id, ("running",), CallList.State.PAUSED, f"Paused by {by}."))


def resume(id: int) -> None:
    """Go on with a list that was paused, or that stopped by itself. Raises CallListError."""

    def work() -> None:
        _change(id, ("paused", "stopped"), CallList.State.RUNNING, "")
        if (
            ask("SELECT 1 FROM telephony_callout WHERE call_list_id = %s AND state = 'waiting' LIMIT 1", [id]).row()
            is None
        ):
            raise CallListError("Nobody on this list waits to be called any more.")

    in_one_transaction(work)


def stop(id: int, by: str, now: datetime) -> None:
    """Call off everybody who waits, for good. Calls that run go on, and are not repeated. Raises CallListError."""

    def work() -> None:
        _change(id, ("running", "paused", "stopped"), CallList.State.STOPPED, f"Stopped by {by}.")
        # Those being called first: a call that is just ending may leave its callout waiting, and that is then seen.
        tell(
            "UPDATE telephony_callout SET most_attempts = greatest(attempts, 1) "
            "WHERE call_list_id = %s AND state = 'calling'",
            [id],
        )
        tell(
            "UPDATE telephony_callout SET state = 'cancelled', detail = 'The list was stopped.', finished_at = %s "
            "WHERE call_list_id = %s AND state = 'waiting'",
            [now, id],
        )

    in_one_transaction(work)


def _change(id: int, from_states: tuple[str, ...], to: CallList.State, why: str) -> None:
    row = ask("SELECT state FROM telephony_calllist WHERE id = %s FOR NO KEY UPDATE", [id]).row()
    if row is None:
        raise CallListError("There is no such call list.")
    if row[0] not in from_states:
        raise CallListError(f"The list is {row[0]}: this cannot be done with it.")
    tell("UPDATE telephony_calllist SET state = %s, why = %s WHERE id = %s", [to.value, why[:200], id])
