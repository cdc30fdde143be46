"""What every management command of ours has in common: see the page on commands in docs."""

from __future__ import annotations

import argparse
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import django.db
import psycopg
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.exceptions import AccountError
from accounts.numbers import NumberUnreadable

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command found or did: `data` for programs, `text` for people; a `failure` sentence makes it exit 1."""

    data: Mapping[str, Any]
    text: str
    failure: str = ""


class RingfenceCommand(BaseCommand, ABC):
    """A thin doorway to a use case. Exits 0 when done, 2 on bad arguments, 1 with one sentence when it cannot be done.

    A subclass declares its `arguments` and returns an `Outcome` from `perform`. With `--json` one JSON document goes
    to standard output; everything else goes to standard error.
    """

    requires_system_checks = ()
    facts: tuple[type[Exception], ...] = ()  # exceptions whose sentence is meant for people

    def arguments(self, parser: CommandParser) -> None:
        """Declare what the command takes."""

    @abstractmethod
    def perform(self, **options: Any) -> Outcome:
        """Call the use case."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
        self.arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        expected: tuple[type[Exception], ...] = (AccountError, NumberUnreadable, *self.facts)
        try:
            outcome = self.perform(**options)
        except ValidationError as error:
            raise CommandError(sentence_of(error)) from error
        except expected as error:
            raise CommandError(str(error)) from error
        except (django.db.Error, psycopg.Error) as error:
            raise CommandError(f"The database refused: {str(error).splitlines()[0]}") from error
        self.stdout.write(json.dumps(outcome.data, ensure_ascii=False) if options["json"] else outcome.text)
        if outcome.failure:
            raise CommandError(outcome.failure)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """As Django does, but with the sentence alone on standard error."""
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            from_shell: bool = self._called_from_command_line  # type: ignore[attr-defined]  # not in the stubs
            if from_shell and not options.get("traceback"):
                self.stderr.write(str(error))
                sys.exit(error.returncode)
            raise


def sentence_of(error: ValidationError) -> str:
    """A validation error in one line, fields named: "calls_at_once: Ensure this value is ..."."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(
        f"{'' if name == '__all__' else f'{name}: '}{' '.join(messages)}"
        for name, messages in error.message_dict.items()
    )


def argument(read: Callable[[str], T]) -> Callable[[str], T]:
    """A reader for argparse whose own sentence is shown when it raises ValueError."""

    def checked(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


@argument
def amount(text: str) -> Decimal:
    """An amount of money, 0 or more, with at most six decimals."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount of money, such as 5.00") from None
    if not value.is_finite() or value < 0 or value >= 10**14 or value != round(value, 6):
        raise ValueError(f"{text!r} is not an amount of 0 or more with at most six decimals")
    return round(value, 6)


@argument
def positive_number(text: str) -> int:
    """A whole number from 1."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 2_147_483_647:
        raise ValueError(f"{text!r} is not a whole number from 1")
    return int(text)


@argument
def moment(text: str) -> datetime:
    """An ISO time; without an offset it is UTC."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time such as 2026-01-31T12:00:00Z") from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def money(value: Decimal) -> str:
    """Money as it is printed: always six decimals."""
    return f"{value:.6f}"
