"""Rate decks: load a price list from CSV, put it in force, take it back.

What the file says is in `deck_files`. A deck is loaded whole or not at all, for one service: calls by the minute, texts
by the segment, verifications by the attempt. Every currency has one default deck for each service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone

from billing import deck_files
from billing.deck_files import Change, DeckUnreadable, Difference
from billing.exceptions import DeckNotWhole, UnknownDeck
from billing.models import DeckVersion, RateDeck

__all__ = [
    "Change", "DeckUnreadable", "Difference", "LoadReport", "Service", "activate", "check_deck", "find_deck",
    "find_version", "load_deck", "take_back",
]  # fmt: skip

Service = RateDeck.Service


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


def check_deck(file: BinaryIO, *, name: str = "", service: Service = Service.CALLS) -> LoadReport:
    """Read the file as `load_deck` does and load nothing; the difference is to the deck of that name."""
    layout = deck_files.layout_of(service)
    with transaction.atomic():
        rows_read, refused = deck_files.stage(file, layout)
        deck = RateDeck.objects.filter(name=name).first()
        if deck is not None:
            _check_service(deck, service)
        difference = Difference() if refused else deck_files.difference_to(_in_force(deck), layout)
        deck_files.drop_staging()
    return LoadReport(rows_read=rows_read, rows_loaded=0, refused=refused, difference=difference)


def load_deck(
    file: BinaryIO, *, name: str, currency: str, source: str = "", service: Service = Service.CALLS
) -> LoadReport:
    """Load the file as a new sealed version of the deck, made when there is none; it is not in force yet.

    `source` is shown to people and nothing else. Raises DeckUnreadable for a file without rows to speak of,
    UnknownDeck when the deck is in another currency or for another service, ValidationError for a name or currency
    that cannot be.
    """
    layout = deck_files.layout_of(service)
    with transaction.atomic():
        rows_read, refused = deck_files.stage(file, layout)
        if refused:
            deck_files.drop_staging()
            return LoadReport(
                rows_read=rows_read, rows_loaded=0, refused=refused, difference=Difference(), version=None
            )
        deck = _locked_deck(name, currency, service)
        difference = deck_files.difference_to(_in_force(deck), layout)
        version = _insert_version(deck, rows_read, source)
        deck_files.drop_staging()
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
    """Put a version in force for everything from now on; what is running keeps its price.

    The first deck of a currency and service becomes its default. Raises DeckNotWhole for a version that is not sealed.
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
    if not RateDeck.objects.filter(currency=deck.currency, service=deck.service, is_default=True).exists():
        deck.is_default = True
    deck.save(update_fields=["active_version", "is_default"])


def _in_force(deck: RateDeck | None) -> int | None:
    return deck.active_version_id if deck else None


def _check_service(deck: RateDeck, service: Service) -> None:
    if deck.service != service:
        raise UnknownDeck(f"The deck {deck.name!r} is for {deck.service}, not for {service.value}: name another one.")


def _locked_deck(name: str, currency: str, service: Service) -> RateDeck:
    deck = RateDeck.objects.select_for_update(no_key=True).filter(name=name).first()
    if deck is None:
        deck = RateDeck(name=name, currency=currency, service=service)
        deck.full_clean()
        deck.save()
    if deck.currency != currency:
        raise UnknownDeck(f"The deck {name!r} is in {deck.currency}, not {currency}: give it another name.")
    _check_service(deck, service)
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
    deck_files.insert_rates(version.pk)
    version.sealed = True
    version.save(update_fields=["sealed"])
    return version
