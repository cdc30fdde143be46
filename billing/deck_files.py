"""The CSV of a rate deck, read into PostgreSQL, which checks every row in a staging table before any is loaded.

The file is UTF-8 with a header; its columns come in any order, an empty one counts as one that is left out. A deck of
calls has `prefix`, `destination` and `price_per_minute`, and may have `connection_fee`, `first_increment`,
`next_increment`, `minimum_charge`, `grace_seconds` and `effective_from`. One of texts or verifications has `prefix`,
`destination` and `price_each`, and may have `effective_from`. An empty `effective_from` is 1970, so the rate is always
valid; a time without a zone is UTC. The prefix `app` prices calls between the users of an app.

Everything here runs in the caller's transaction, in this order: `stage`, then `difference_to` and `insert_rates` as
wanted, then `drop_staging`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, BinaryIO

from django.db import connection

from billing.exceptions import BillingError
from billing.models import RateDeck

LONGEST_LINE_BYTES = 10_000
LONGEST_INCREMENT_SECONDS = 86_400
SAMPLE = 10

Service = RateDeck.Service

# Every column of a rate beside prefix, destination and the time, with the value of one that is left out.
_MONEY = {"price_per_minute": "0", "price_each": "0", "connection_fee": "0", "minimum_charge": "0"}
_SECONDS = {"first_increment": "60", "next_increment": "60", "grace_seconds": "0"}
_TERMS = (*_MONEY, *_SECONDS)
_COLUMNS = ("prefix", "destination", *_TERMS, "effective_from")

_NOTHING: Mapping[str, str] = MappingProxyType({})


class DeckUnreadable(BillingError, ValueError):
    """The file is not a rate deck: no UTF-8, no CSV, or not the columns of one."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a file for one kind of service says: the column of its price, what else it may have, how a prefix looks."""

    price: str
    optional: tuple[str, ...]
    prefix: str
    prefix_problem: str

    @property
    def required(self) -> tuple[str, ...]:
        return ("prefix", "destination", self.price)

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.required, *self.optional, "effective_from")


_DIGITS = "[1-9][0-9]{0,14}"
_OF_CALLS = Layout(
    price="price_per_minute",
    optional=("connection_fee", "minimum_charge", *_SECONDS),
    prefix=f"^({_DIGITS}|app)$",
    prefix_problem="prefix is not 1 to 15 digits, nor app",
)
_OF_PIECES = Layout(
    price="price_each", optional=(), prefix=f"^{_DIGITS}$", prefix_problem="prefix is not 1 to 15 digits"
)


def layout_of(service: Service) -> Layout:
    """How a file for this service is laid out."""
    return _OF_CALLS if service is Service.CALLS else _OF_PIECES


@dataclass(frozen=True, kw_only=True)
class Change:
    """One rate that differs: `before` or `after` is the price of a minute or a piece, "" when there is none."""

    prefix: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a load changes against the version in force: counts of rates, and the first few of them."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    sample: list[Change] = field(default_factory=list)


def stage(file: BinaryIO, layout: Layout) -> tuple[int, list[tuple[int, str]]]:
    """Copy the file into `rate_staged` and its good rows into `rate_ready`; rows read and what was refused.

    Raises DeckUnreadable.
    """
    records = _records(file)
    header = _header(next(records, (1, []))[1], layout)
    refused: list[tuple[int, str]] = []
    rows_read = 0
    with connection.cursor() as cursor:
        # 250,000 rows take longer than a call may; only this transaction gets the time.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_CREATE_STAGED)
        with cursor.copy(f"COPY rate_staged (line, {', '.join(header)}) FROM STDIN") as copy:
            for line, row in records:
                rows_read += 1
                problem = _shape_problem(row, header)
                if problem:
                    refused.append((line, problem))
                else:
                    copy.write_row((line, *[value.strip() for value in row]))
        cursor.execute(_create_checked(layout))
        cursor.execute("SELECT line, problem FROM rate_checked WHERE problem <> ''")
        refused += cursor.fetchall()
        cursor.execute(_CREATE_READY)
        cursor.execute("ANALYZE rate_ready")
        cursor.execute(_REPEATED)
        refused += cursor.fetchall()
    if not rows_read:
        refused.append((1, "there is no rate below the header"))
    return rows_read, sorted(refused)


def difference_to(version_id: int | None, layout: Layout) -> Difference:
    """What the staged rates change against a version; against none at all with None."""
    with connection.cursor() as cursor:
        cursor.execute(_difference(layout), [version_id])
        rows = cursor.fetchall()
    if not rows:
        return Difference()
    added, changed, removed = rows[0][3:]
    return Difference(
        added=added,
        changed=changed,
        removed=removed,
        sample=[Change(prefix=row[0], before=_text(row[1]), after=_text(row[2])) for row in rows],
    )


def insert_rates(version_id: int) -> None:
    """Make the staged rates those of a version."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_RATES, [version_id])


def drop_staging() -> None:
    """Take the staging tables away."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE rate_staged, rate_checked, rate_ready")


def _text(price: Any) -> str:
    return "" if price is None else str(price)


# Reading the file -----------------------------------------------------------------------------------------------------


def _records(file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Every record that is not blank, with the number of its first line. Raises DeckUnreadable."""
    reader = csv.reader(_lines(file), strict=True)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DeckUnreadable(f"Line {line} is not CSV: {error}.") from None
        if row:
            yield line, row
        line = reader.line_num + 1


def _lines(file: BinaryIO) -> Iterator[str]:
    number = 0
    while raw := file.readline(LONGEST_LINE_BYTES + 1):
        number += 1
        if len(raw) > LONGEST_LINE_BYTES:
            raise DeckUnreadable(f"Line {number} is longer than {LONGEST_LINE_BYTES} bytes.")
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise DeckUnreadable(f"Line {number} is not UTF-8: save the file as CSV in UTF-8.") from None


def _header(row: list[str], layout: Layout) -> list[str]:
    header = [name.strip() for name in row]
    unknown = [name for name in header if name not in layout.columns]
    if unknown:
        raise DeckUnreadable(f"The header has columns nobody knows: {', '.join(map(repr, unknown))}.")
    missing = [name for name in layout.required if name not in header]
    if missing:
        raise DeckUnreadable(f"The header lacks {', '.join(missing)}.")
    if len(set(header)) < len(header):
        raise DeckUnreadable("The header names a column twice.")
    return header


def _shape_problem(row: list[str], header: list[str]) -> str:
    """What keeps a row from being copied at all."""
    if len(row) != len(header):
        return f"has {len(row)} columns, the header has {len(header)}"
    if any("\x00" in value for value in row):
        return "has a NUL character"
    return ""


# Checking in PostgreSQL -----------------------------------------------------------------------------------------------


def _money_problem(column: str, layout: Layout) -> str:
    missing = f"'{column} is missing'" if column == layout.price else "NULL"
    return f"""CASE
        WHEN {column} = '' THEN {missing}
        WHEN {column} !~ '^-?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)$' THEN '{column} is not a number'
        WHEN {column} ~ '^-.*[1-9]' THEN '{column} is negative'
        WHEN {column} ~ '\\.[0-9]{{6}}[0-9]*[1-9]' THEN '{column} has more than six decimals'
        WHEN length(split_part(ltrim({column}, '-0'), '.', 1)) > 14 THEN '{column} is too large'
    END"""


def _seconds_problem(column: str) -> str:
    least = 0 if column == "grace_seconds" else 1
    return f"""CASE
        WHEN {column} = '' THEN NULL
        WHEN {column} !~ '^-?[0-9]+$' THEN '{column} is not a whole number'
        WHEN {column} ~ '^-' OR {column}::numeric < {least} THEN '{column} is less than {least}'
        WHEN {column}::numeric > {LONGEST_INCREMENT_SECONDS}
            THEN '{column} is more than {LONGEST_INCREMENT_SECONDS}'
    END"""


# Keeps out what PostgreSQL would read as a time as well: now, infinity, 01/02/03, names of zones.
_ISO_TIME = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
)


def _problems(layout: Layout) -> str:
    return ",\n    ".join(
        [
            f"CASE WHEN prefix !~ '{layout.prefix}' THEN '{layout.prefix_problem}' END",
            """CASE
        WHEN destination = '' THEN 'destination is missing'
        WHEN length(destination) > 100 THEN 'destination is longer than 100 characters'
        WHEN destination ~ '[[:cntrl:]]' THEN 'destination has a control character'
    END""",
            *(_money_problem(column, layout) for column in _MONEY),
            *map(_seconds_problem, _SECONDS),
            f"""CASE
        WHEN effective_from = '' THEN NULL
        WHEN effective_from !~ '{_ISO_TIME}' OR NOT pg_input_is_valid(effective_from, 'timestamptz')
            THEN 'effective_from is not a time such as 2026-01-31 or 2026-01-31T12:00:00Z'
    END""",
        ]
    )


_CREATE_STAGED = (
    f"CREATE TEMPORARY TABLE rate_staged (line integer, {', '.join(f'{column} text' for column in _COLUMNS)})"
)


def _create_checked(layout: Layout) -> str:
    given = ", ".join(f"coalesce({column}, '') AS {column}" for column in _COLUMNS)
    return f"""
CREATE TEMPORARY TABLE rate_checked AS
SELECT *, concat_ws('; ',
    {_problems(layout)}
) AS problem
FROM (SELECT line, {given} FROM rate_staged) given
"""  # noqa: S608 - built from constants of this module


def _ready(column: str, default: str, kind: str) -> str:
    return f"coalesce(nullif({column}, ''), '{default}')::{kind} AS {column}"


_CREATE_READY = f"""
CREATE TEMPORARY TABLE rate_ready AS
SELECT line, prefix, destination,
    {", ".join(_ready(column, default, "numeric(20,6)") for column, default in _MONEY.items())},
    {", ".join(_ready(column, default, "integer") for column, default in _SECONDS.items())},
    {_ready("effective_from", "1970-01-01T00:00:00Z", "timestamptz")}
FROM rate_checked WHERE problem = ''
"""  # noqa: S608 - built from constants of this module

_REPEATED = """
SELECT line, format('repeats the prefix and effective_from of line %s', first_line)
FROM (SELECT line, min(line) OVER (PARTITION BY prefix, effective_from) AS first_line FROM rate_ready) rates
WHERE line <> first_line
"""

_COMPARED = (*_TERMS, "destination")


def _difference(layout: Layout) -> str:
    return f"""
WITH compared AS (
    SELECT coalesce(after.prefix, before.prefix) AS prefix,
        before.{layout.price} AS before, after.{layout.price} AS after
    FROM (SELECT * FROM billing_rate WHERE version_id = %s) before
    FULL JOIN rate_ready after USING (prefix, effective_from)
    WHERE before.id IS NULL OR after.line IS NULL
        OR ({", ".join(f"before.{column}" for column in _COMPARED)})
            IS DISTINCT FROM ({", ".join(f"after.{column}" for column in _COMPARED)})
)
SELECT prefix, before, after,
    count(*) FILTER (WHERE before IS NULL) OVER (),
    count(*) FILTER (WHERE before IS NOT NULL AND after IS NOT NULL) OVER (),
    count(*) FILTER (WHERE after IS NULL) OVER ()
FROM compared ORDER BY prefix LIMIT {SAMPLE}
"""  # noqa: S608 - built from constants of this module


_INSERT_RATES = f"""
INSERT INTO billing_rate (version_id, {", ".join(_COLUMNS)})
SELECT %s, {", ".join(_COLUMNS)} FROM rate_ready
"""  # noqa: S608 - built from constants of this module
