"""Put a loaded deck in force, or take it back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand, positive_number
from billing.exceptions import BillingError
from billing.rates import activate, find_deck, find_version, take_back


class Command(RingfenceCommand):
    help = "Puts a version of a deck in force for every new call, or the one before again."
    facts = (BillingError,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("deck", metavar="DECK")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--version-number", type=positive_number, help="default: the one loaded last")
        which.add_argument("--take-back", action="store_true", help="the version that was in force before")

    def perform(self, **options: Any) -> Outcome:
        deck = find_deck(options["deck"])
        if options["take_back"]:
            version = take_back(deck)
        else:
            version = find_version(deck, options["version_number"])
            activate(version)
        return Outcome(
            data={"deck": deck.name, "version": version.number, "rates": version.rate_count},
            text=f"{deck.name} #{version.number} is in force with {version.rate_count} rates",
        )
