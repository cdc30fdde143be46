"""Rate decks: load a price list from CSV, put it in force, take it back.

The file is UTF-8 with a header. `prefix`, `destination` and `price_per_minute` are required; `connection_fee`,
`first_increment`, `next_increment`, `minimum_charge`, `grace_seconds` and `effective_from` may be missing or empty.
An empty `effective_from` is 1970, so the rate is always valid; a time without a zone is UTC. The prefix `app` prices
calls between the users of an app. PostgreSQL checks every row in a staging table; a deck is loaded whole or not at all.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from django.db import connection, transaction
from django.utils import timezone

from billing.exceptions import BillingError, DeckNotWhole, UnknownDeck
from billing.models import DeckVersion, RateDeck

LONGEST_LINE_BYTES = 10_000
LONGEST_INCREMENT_SECONDS = 86_400
SAMPLE = 10

_REQUIRED = ("prefix", "destination", "price_per_minute")
_MONEY = {"price_per_minute": None, "connection_fee": "0", "minimum_charge": "0"}
_SECONDS = {"first_increment": "60", "next_increment": "60", "grace_seconds": "0"}
_COLUMNS = ("prefix", "destination", *_MONEY, *_SECONDS, "effective_from")
_TERMS = (*_MONEY, *_SECONDS, "destination")


class DeckUnreadable(BillingError, ValueError):
    """The file is not a rate deck: no UTF-8, no CSV, or not the columns of one."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One rate that differs: `before` or `after` is the price per minute, "" when there is none."""

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


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What became of a file. `refused` is (line, reason); with any of them nothing is loaded and `version` is None."""

    rows_read: int
    rows_loaded: int
    refused: list[tuple[int, str]]
    difference: Difference
    version: DeckVersion | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every row can be loaded."""
        return not self.refused


def check_deck(file: BinaryIO, *, name: str = "") -> LoadReport:
    """Read the file as `load_deck` does and load nothing; the difference is to the deck of that name."""
    with transaction.atomic():
        rows_read, refused = _stage(file)
        deck = RateDeck.objects.filter(name=name).first()
        difference = Difference() if refused else _difference(deck)
        _drop_staging()
    return LoadReport(rows_read=rows_read, rows_loaded=0, refused=refused, difference=difference)


def load_deck(file: BinaryIO, *, name: str, currency: str, source: str = "") -> LoadReport:
    """Load the file as a new sealed version of the deck, made when there is none; it is not in force yet.

    `source` is shown to people and nothing else. Raises DeckUnreadable for a file without rows to speak of,
    UnknownDeck when the deck is in another currency, ValidationError for a name or currency that cannot be.
    """
    with transaction.atomic():
        rows_read, refused = _stage(file)
        if refused:
            _drop_staging()
            return LoadReport(
                rows_read=rows_read, rows_loaded=0, refused=refused, difference=Difference(), version=None
            )
        deck = _locked_deck(name, currency)
        difference = _difference(deck)
        version = _insert_version(deck, rows_read, source)
        _drop_staging()
    return LoadReport(rows_read=rows_read, rows_loaded=rows_read, refused=[], difference=difference, version=version)


def find_deck(name: str) -> RateDeck:
    """The deck of this name. Raises UnknownDeck."""
    try:
        return RateDeck.objects.get(name=name)
    except RateDeck.DoesNotExist:
        raise UnknownDeck(f"There is no rate deck called {name!r}: load it with load_rates.") from None


def find_version(deck: RateDeck, number: int | None = None) -> DeckVersion:
    """This version of the deck, or the one loaded last. Raises UnknownDeck."""
    versions = deck.versions.order_by("-number")
    found = versions.first() if number is None else versions.filter(number=number).first()
    if found is None:
        raise UnknownDeck(f"The deck {deck.name!r} has no version {'at all' if number is None else number}.")
    return found


@transaction.atomic
def activate(version: DeckVersion) -> None:
    """Put a version in force for every call from now on; running calls keep their price.

    The first deck of a currency becomes its default. Raises DeckNotWhole for a version that is not sealed.
    """
    deck = _lock_decks_of(version.deck)
    version.refresh_from_db()
    if not version.sealed or not version.rate_count:
        raise DeckNotWhole(f"{version} is not whole: load it again.")
    if deck.active_version_id == version.pk:
        return
    version.activated_at = timezone.now()
    version.save(update_fields=["activated_at"])
    _put_in_force(deck, version)


@transaction.atomic
def take_back(deck: RateDeck) -> DeckVersion:
    """Put the version in force again that was so before; once more goes back further. Raises UnknownDeck.

    A version taken back counts as never activated, until it is activated again.
    """
    deck = _lock_decks_of(deck)
    taken_back = deck.active_version
    earlier = deck.versions.filter(activated_at__isnull=False).order_by("-activated_at")
    version = earlier.exclude(pk=taken_back.pk).first() if taken_back else None
    if taken_back is None or version is None:
        raise UnknownDeck(f"No version of the deck {deck.name!r} was in force before this one.")
    taken_back.activated_at = None
    taken_back.save(update_fields=["activated_at"])
    _put_in_force(deck, version)
    return version


def _lock_decks_of(deck: RateDeck) -> RateDeck:
    """The deck as it is now. All decks of its currency are locked, so that only one can become the default."""
    decks = RateDeck.objects.select_for_update(no_key=True).filter(currency=deck.currency).order_by("pk")
    return next(locked for locked in decks if locked.pk == deck.pk)


def _put_in_force(deck: RateDeck, version: DeckVersion) -> None:
    deck.active_version = version
    if not RateDeck.objects.filter(currency=deck.currency, is_default=True).exists():
        deck.is_default = True
    deck.save(update_fields=["active_version", "is_default"])


# Reading the file -----------------------------------------------------------------------------------------------------


def _stage(file: BinaryIO) -> tuple[int, list[tuple[int, str]]]:
    """Copy the file into `rate_staged` and its good rows into `rate_ready`; rows read and what was refused."""
    records = _records(file)
    header = _header(next(records, (1, []))[1])
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
        cursor.execute(_CREATE_CHECKED)
        cursor.execute("SELECT line, problem FROM rate_checked WHERE problem <> ''")
        refused += cursor.fetchall()
        cursor.execute(_CREATE_READY)
        cursor.execute("ANALYZE rate_ready")
        cursor.execute(_REPEATED)
        refused += cursor.fetchall()
    if not rows_read:
        refused.append((1, "there is no rate below the header"))
    return rows_read, sorted(refused)


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


def _header(row: list[str]) -> list[str]:
    header = [name.strip() for name in row]
    unknown = [name for name in header if name not in _COLUMNS]
    if unknown:
        raise DeckUnreadable(f"The header has columns nobody knows: {', '.join(map(repr, unknown))}.")
    missing = [name for name in _REQUIRED if name not in header]
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


# Checking and loading in PostgreSQL -----------------------------------------------------------------------------------


def _money_problem(column: str) -> str:
    return f"""CASE
        WHEN {column} = '' THEN {"'price_per_minute is missing'" if column in _REQUIRED else "NULL"}
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

_PROBLEMS = ",\n    ".join(
    [
        "CASE WHEN prefix !~ '^([1-9][0-9]{0,14}|app)$' THEN 'prefix is not 1 to 15 digits, nor app' END",
        """CASE
        WHEN destination = '' THEN 'destination is missing'
        WHEN length(destination) > 100 THEN 'destination is longer than 100 characters'
        WHEN destination ~ '[[:cntrl:]]' THEN 'destination has a control character'
    END""",
        *map(_money_problem, _MONEY),
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

_CREATE_CHECKED = f"""
CREATE TEMPORARY TABLE rate_checked AS
SELECT *, concat_ws('; ',
    {_PROBLEMS}
) AS problem
FROM (SELECT line, {", ".join(f"coalesce({column}, '') AS {column}" for column in _COLUMNS)} FROM rate_staged) given
"""  # noqa: S608 - built from constants of this module

_CREATE_READY = f"""
CREATE TEMPORARY TABLE rate_ready AS
SELECT line, prefix, destination,
    {", ".join(f"coalesce(nullif({column}, ''), '{default or 0}')::numeric(20,6) AS {column}" for column, default in _MONEY.items())},
    {", ".join(f"coalesce(nullif({column}, ''), '{default}')::integer AS {column}" for column, default in _SECONDS.items())},
    coalesce(nullif(effective_from, ''), '1970-01-01T00:00:00Z')::timestamptz AS effective_from
FROM rate_checked WHERE problem = ''
"""  # noqa: S608, E501 - built from constants of this module

_REPEATED = """
SELECT line, format('repeats the prefix and effective_from of line %s', first_line)
FROM (SELECT line, min(line) OVER (PARTITION BY prefix, effective_from) AS first_line FROM rate_ready) rates
WHERE line <> first_line
"""

_DIFFERENCE = f"""
WITH compared AS (
    SELECT coalesce(after.prefix, before.prefix) AS prefix,
        before.price_per_minute AS before, after.price_per_minute AS after
    FROM (SELECT * FROM billing_rate WHERE version_id = %s) before
    FULL JOIN rate_ready after USING (prefix, effective_from)
    WHERE before.id IS NULL OR after.line IS NULL
        OR ({", ".join(f"before.{column}" for column in _TERMS)})
            IS DISTINCT FROM ({", ".join(f"after.{column}" for column in _TERMS)})
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


def _difference(deck: RateDeck | None) -> Difference:
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCE, [deck.active_version_id if deck else None])
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


def _text(price: Any) -> str:
    return "" if price is None else str(price)


def _locked_deck(name: str, currency: str) -> RateDeck:
    deck = RateDeck.objects.select_for_update(no_key=True).filter(name=name).first()
    if deck is None:
        deck = RateDeck(name=name, currency=currency)
        deck.full_clean()
        deck.save()
    if deck.currency != currency:
        raise UnknownDeck(f"The deck {name!r} is in {deck.currency}, not {currency}: give it another name.")
    return deck


def _insert_version(deck: RateDeck, rate_count: int, source: str) -> DeckVersion:
    newest = deck.versions.order_by("-number").first()
    version = DeckVersion(
        deck=deck,
        number=newest.number + 1 if newest else 1,
        source="".join(character for character in source if character.isprintable())[:255],
        rate_count=rate_count,
    )
    version.save()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_RATES, [version.pk])
    version.sealed = True
    version.save(update_fields=["sealed"])
    return version


def _drop_staging() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE rate_staged, rate_checked, rate_ready")
