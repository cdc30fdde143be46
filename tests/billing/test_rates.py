"""A deck is loaded whole or not at all; one switch puts it in force and takes it back."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from billing import charging, piecework
from billing.exceptions import DeckNotWhole, UnknownDeck
from billing.models import DeckVersion, Rate, RateDeck
from billing.rates import (
    Change,
    DeckUnreadable,
    LoadReport,
    Service,
    activate,
    check_deck,
    find_deck,
    find_version,
    load_deck,
    take_back,
)
from tests.billing.test_topups import at_once
from tests.builders import EPOCH, a_deck, an_account

pytestmark = pytest.mark.django_db

HEADER = "prefix,destination,price_per_minute,connection_fee,first_increment,next_increment,effective_from"


def a_file(*rows: str, header: str = "prefix,destination,price_per_minute") -> io.BytesIO:
    return io.BytesIO("\r\n".join([header, *rows, ""]).encode())


def load(file: io.BytesIO, name: str = "retail", currency: str = "USD", source: str = "") -> LoadReport:
    return load_deck(file, name=name, currency=currency, source=source)


def price_of(prefix: str, account_id: int, at: datetime = datetime(2026, 6, 1, tzinfo=UTC)) -> Decimal | None:
    with transaction.atomic():
        quote = charging.read_quote(charging.quote(account_id, [prefix], at))
    assert quote is not None
    return quote.rate.terms.price_per_minute if quote.rate else None


def test_every_column_arrives_in_its_rate() -> None:
    header = f"{HEADER},minimum_charge,grace_seconds"
    report = load(
        a_file('44,"United Kingdom, fixed",0.012345,0.05,30,6,2026-03-29T02:30:00+01:00,0.01,3', header=header)
    )
    rate = Rate.objects.get(version=report.version)
    assert (rate.prefix, rate.destination) == ("44", "United Kingdom, fixed")
    assert (rate.price_per_minute, rate.connection_fee) == (Decimal("0.012345"), Decimal("0.05"))
    assert (rate.first_increment, rate.next_increment) == (30, 6)
    assert (rate.minimum_charge, rate.grace_seconds) == (Decimal("0.01"), 3)
    assert rate.effective_from == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_what_is_left_out_or_empty_has_a_plain_meaning() -> None:
    load(a_file("44,UK,0.06"), name="short")
    load(a_file(" 44 , UK , 0.060000000 ,,,,", header=HEADER), name="empty")
    for rate in Rate.objects.all():
        assert (rate.prefix, rate.destination, rate.price_per_minute) == ("44", "UK", Decimal("0.06"))
        assert (rate.connection_fee, rate.minimum_charge, rate.grace_seconds) == (0, 0, 0)
        assert (rate.first_increment, rate.next_increment) == (60, 60)
        assert rate.effective_from == EPOCH
    assert Rate.objects.count() == 2


def test_columns_come_in_any_order_and_a_byte_order_mark_is_ignored() -> None:
    load(io.BytesIO("\ufeffdestination,price_per_minute,prefix\nSverige,0.01,46\n".encode()))
    assert Rate.objects.get().destination == "Sverige"


def test_a_time_without_a_zone_is_utc() -> None:
    load(a_file("44,UK,0.06,,,,2026-07-01", "44,UK,0.05,,,,2026-08-01 12:30", header=HEADER))
    assert list(Rate.objects.order_by("effective_from").values_list("effective_from", flat=True)) == [
        datetime(2026, 7, 1, tzinfo=UTC),
        datetime(2026, 8, 1, 12, 30, tzinfo=UTC),
    ]


def test_calls_between_app_users_have_a_prefix_of_their_own() -> None:
    assert load(a_file("app,App to app,0")).rows_loaded == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",UK,0.06,,,,", "prefix is not"),
        ("+44,UK,0.06,,,,", "prefix is not"),
        ("044,UK,0.06,,,,", "prefix is not"),
        ("4" * 16 + ",UK,0.06,,,,", "prefix is not"),
        ("٤٤,UK,0.06,,,,", "prefix is not"),
        ("apps,UK,0.06,,,,", "prefix is not"),
        ("44,,0.06,,,,", "destination is missing"),
        (f"44,{'x' * 101},0.06,,,,", "destination is longer"),
        ("44,U\x07K,0.06,,,,", "control character"),
        ("44,U\x00K,0.06,,,,", "NUL"),
        ("44,UK,,,,,", "price_per_minute is missing"),
        ("44,UK,cheap,,,,", "price_per_minute is not a number"),
        ("44,UK,NaN,,,,", "price_per_minute is not a number"),
        ("44,UK,Infinity,,,,", "price_per_minute is not a number"),
        ("44,UK,1e3,,,,", "price_per_minute is not a number"),
        ("44,UK,1_000,,,,", "price_per_minute is not a number"),
        ('44,UK,"0,06",,,,', "price_per_minute is not a number"),
        ("44,UK,.,,,,", "price_per_minute is not a number"),
        ("44,UK,-0.06,,,,", "price_per_minute is negative"),
        ("44,UK,0.0000001,,,,", "price_per_minute has more than six decimals"),
        ("44,UK,100000000000000,,,,", "price_per_minute is too large"),
        ("44,UK,0.06,-1,,,", "connection_fee is negative"),
        ("44,UK,0.06,,0,,", "first_increment is less than 1"),
        ("44,UK,0.06,,60,-1,", "next_increment is less than 1"),
        ("44,UK,0.06,,1.5,,", "first_increment is not a whole number"),
        ("44,UK,0.06,,99999999999999999999,,", "first_increment is more than 86400"),
        ("44,UK,0.06,,,,yesterday", "effective_from is not a time"),
        ("44,UK,0.06,,,,infinity", "effective_from is not a time"),
        ("44,UK,0.06,,,,2026-02-30", "effective_from is not a time"),
        ("44,UK,0.06,,,,01/02/2026", "effective_from is not a time"),
        ("44,UK,0.06,,,,2026-01-01T00:00:00 Europe/Paris", "effective_from is not a time"),
        ("44,UK,0.06,,,", "has 6 columns, the header has 7"),
        ("44,UK,0.06,,,,,", "has 8 columns, the header has 7"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_reason_and_nothing_is_loaded(row: str, reason: str) -> None:
    report = load(a_file("46,Sweden,0.01,,,,", row, "47,Norway,0.01,,,,", header=HEADER))
    assert [line for line, _ in report.refused] == [3]
    assert reason in report.refused[0][1]
    assert (report.rows_read, report.rows_loaded, report.version) == (3, 0, None)
    assert not report.is_whole
    assert not RateDeck.objects.exists()


def test_every_bad_row_is_named_and_every_reason_of_it() -> None:
    report = load(a_file("x,,-1", "44,UK,0.06", "y,Y,1"))
    assert report.refused == [
        (2, "prefix is not 1 to 15 digits, nor app; destination is missing; price_per_minute is negative"),
        (4, "prefix is not 1 to 15 digits, nor app"),
    ]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    report = load(io.BytesIO(b'prefix,destination,price_per_minute\n\n44,"two\nlines",x\n\nbad,row,1\n'))
    assert [line for line, _ in report.refused] == [3, 6]


def test_a_rate_given_twice_for_the_same_time_is_refused_however_it_is_written() -> None:
    rows = [
        "44,UK,0.06,,,,2026-01-01T01:00:00+01:00",
        "44,UK,0.05,,,,2026-01-01T02:00:00+01:00",
        "44,UK,0.07,,,,2026-01-01",
    ]
    assert load(a_file(*rows, header=HEADER)).refused == [(4, "repeats the prefix and effective_from of line 2")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The header lacks prefix, destination, price_per_minute"),
        (b"44,UK,0.06\n", "columns nobody knows: '44', 'UK', '0.06'"),
        (b"prefix,destination\n44,UK\n", "The header lacks price_per_minute"),
        (b"prefix,destination,price_per_minute,colour\n", "columns nobody knows: 'colour'"),
        (b"prefix,destination,price_per_minute,prefix\n", "names a column twice"),
        (b"prefix,destination,price_per_minute\n44,\xffUK,1\n", "Line 2 is not UTF-8"),
        ("prefix,destination,price_per_minute\n".encode("utf-16"), "Line 1 is not UTF-8"),
        (b'prefix,destination,price_per_minute\n44,"UK,1\n', "is not CSV"),
        (b"prefix,destination,price_per_minute\n44," + b"x" * 20_000 + b",1\n", "Line 2 is longer than"),
    ],
)
def test_a_file_that_is_no_deck_is_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(DeckUnreadable) as refused:
        load(io.BytesIO(content))
    assert sentence in str(refused.value)
    assert not RateDeck.objects.exists()


def test_a_deck_without_rates_is_refused() -> None:
    assert load(a_file()).refused == [(1, "there is no rate below the header")]


def test_a_hostile_file_name_is_only_shown_and_shortened() -> None:
    report = load(a_file("44,UK,0.06"), source="../\x1b[31m'; DROP TABLE x;--\n" + "y" * 300)
    assert report.version is not None
    assert report.version.source.startswith("../[31m'; DROP TABLE x;--y")
    assert len(report.version.source) == 255


def test_a_deck_keeps_its_currency() -> None:
    load(a_file("44,UK,0.06"))
    with pytest.raises(UnknownDeck, match="is in USD, not EUR"):
        load(a_file("44,UK,0.06"), currency="EUR")


@pytest.mark.parametrize(("name", "currency"), [("", "USD"), ("x" * 101, "USD"), ("retail", "dollars")])
def test_a_deck_needs_a_name_and_a_currency(name: str, currency: str) -> None:
    with pytest.raises(ValidationError):
        load(a_file("44,UK,0.06"), name=name, currency=currency)


def test_a_loaded_deck_is_sealed_and_not_in_force_yet() -> None:
    account = an_account()
    report = load(a_file("44,UK,0.06"))
    assert report.version is not None
    assert report.version.sealed
    assert price_of("44", account.pk) is None
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction.atomic():
        psycopg.Cursor(connection.connection).execute("UPDATE billing_rate SET price_per_minute = 0")
    activate(report.version)
    assert price_of("44", account.pk) == Decimal("0.06")


def test_checking_a_deck_loads_nothing_and_says_the_same() -> None:
    a_deck({"44": "0.06"})
    good = check_deck(a_file("44,+44,0.07"), name="retail")
    bad = check_deck(a_file("x,UK,0.07"), name="retail")
    assert (good.rows_read, good.rows_loaded, good.is_whole, good.difference.changed) == (1, 0, True, 1)
    assert [line for line, _ in bad.refused] == [2]
    assert check_deck(a_file("44,UK,0.07")).difference.added == 1
    assert DeckVersion.objects.count() == 1


def test_the_difference_to_the_deck_in_force_is_shown() -> None:
    a_deck({"44": "0.06", "46": "0.01", "47": "0.02", "49": "0.03"})
    report = load(a_file("44,+44,0.07", "46,+46,0.01", "47,Norway,0.02", "48,Poland,0.04"))
    difference = report.difference
    assert (difference.added, difference.changed, difference.removed) == (1, 2, 1)
    assert difference.sample == [
        Change(prefix="44", before="0.060000", after="0.070000"),
        Change(prefix="47", before="0.020000", after="0.020000"),
        Change(prefix="48", before="", after="0.040000"),
        Change(prefix="49", before="0.030000", after=""),
    ]


def test_a_price_that_is_announced_comes_into_force_by_itself() -> None:
    account = an_account()
    report = load(a_file("44,UK,0.06,,,,2026-01-01", "44,UK,0.09,,,,2026-07-01", header=HEADER))
    assert report.version is not None
    activate(report.version)
    assert price_of("44", account.pk, datetime(2025, 12, 31, tzinfo=UTC)) is None
    assert price_of("44", account.pk, datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)) == Decimal("0.06")
    assert price_of("44", account.pk, datetime(2026, 7, 1, tzinfo=UTC)) == Decimal("0.09")


def test_the_first_deck_of_a_currency_becomes_its_default_and_stays_it() -> None:
    for name, currency in [("first", "USD"), ("second", "USD"), ("euro", "EUR")]:
        report = load(a_file("44,UK,0.06"), name=name, currency=currency)
        assert report.version is not None
        activate(report.version)
    assert set(RateDeck.objects.filter(is_default=True).values_list("name", flat=True)) == {"first", "euro"}


def test_activation_is_one_switch_that_is_taken_back_step_by_step() -> None:
    account = an_account()
    versions = [load(a_file(f"44,UK,0.0{price}")).version for price in (1, 2, 3)]
    for version in versions:
        assert version is not None
        activate(version)
    deck = find_deck("retail")
    assert price_of("44", account.pk) == Decimal("0.03")
    assert take_back(deck).number == 2
    assert price_of("44", account.pk) == Decimal("0.02")
    assert take_back(deck).number == 1
    with pytest.raises(UnknownDeck, match="before this one"):
        take_back(deck)
    assert price_of("44", account.pk) == Decimal("0.01")
    activate(find_version(deck))
    assert price_of("44", account.pk) == Decimal("0.03")
    assert take_back(deck).number == 1


def test_activating_what_is_in_force_changes_nothing() -> None:
    first, second = a_deck({"44": "0.01"}), a_deck({"44": "0.02"})
    activate(second)
    before = DeckVersion.objects.get(pk=second.pk).activated_at
    activate(second)
    assert DeckVersion.objects.get(pk=second.pk).activated_at == before
    assert take_back(second.deck) == first


def test_what_is_not_whole_is_never_put_in_force() -> None:
    deck = RateDeck.objects.create(name="retail", currency="USD")
    version = DeckVersion.objects.create(deck=deck, number=1, source="half", rate_count=1)
    with pytest.raises(DeckNotWhole):
        activate(version)
    assert find_deck("retail").active_version is None


def test_an_unknown_deck_or_version_is_named() -> None:
    with pytest.raises(UnknownDeck, match="'retail'"):
        find_deck("retail")
    deck = a_deck().deck
    with pytest.raises(UnknownDeck, match="no version 7"):
        find_version(deck, 7)
    assert find_version(deck, 1).number == 1


@pytest.mark.django_db(transaction=True)
def test_decks_activated_at_the_same_moment_leave_one_default() -> None:
    versions = [load(a_file("44,UK,0.06"), name=f"deck {number}").version for number in range(4)]
    answers = at_once(*[lambda v=version: activate(v) for version in versions])
    assert answers == [None] * 4
    assert RateDeck.objects.filter(is_default=True).count() == 1
    assert RateDeck.objects.filter(active_version__isnull=False).count() == 4


def test_a_long_price_list_is_loaded_whole() -> None:
    rows = [f"{prefix},Place {prefix},0.{prefix % 999_983:06d}" for prefix in range(1_000_000, 1_020_000)]
    report = load(a_file(*rows))
    assert (report.rows_read, report.rows_loaded, report.difference.added) == (20_000, 20_000, 20_000)
    assert report.version is not None
    assert report.version.rate_count == report.version.rates.count() == 20_000


# --- by the piece ----------------------------------------------------------------------------------------------------

PIECES = "prefix,destination,price_each,effective_from"


def load_pieces(
    *rows: str, service: Service = Service.TEXTS, name: str = "texts", header: str = PIECES, currency: str = "USD"
) -> LoadReport:
    return load_deck(a_file(*rows, header=header), name=name, currency=currency, service=service)


def price_of_a_piece(account_id: int, service: Service, at: datetime = datetime(2026, 6, 1, tzinfo=UTC)) -> Decimal:
    with transaction.atomic():
        quote = piecework.read_quote(piecework.quote(account_id, service, ["447", "44"], at))
    assert quote is not None
    assert quote.rate is not None
    return quote.rate.price_each


def test_a_deck_of_pieces_has_a_price_each_and_nothing_about_minutes() -> None:
    report = load_pieces("44,United Kingdom,0.045,", "447,UK mobile,0.05,2026-01-31")
    assert report.version is not None
    assert (report.rows_loaded, report.version.deck.service) == (2, "texts")
    rate = Rate.objects.get(prefix="44")
    assert (rate.price_each, rate.price_per_minute, rate.connection_fee) == (Decimal("0.045"), 0, 0)
    assert rate.effective_from == EPOCH


def test_the_bad_rows_of_a_deck_of_pieces_are_named_by_line() -> None:
    report = load_pieces("app,App,0.01,", "46,Sweden,,", "47,Norway,-1,", "48,Poland,dear,", "49,Germany,0.1,soon")
    assert report.refused == [
        (2, "prefix is not 1 to 15 digits"),
        (3, "price_each is missing"),
        (4, "price_each is negative"),
        (5, "price_each is not a number"),
        (6, "effective_from is not a time such as 2026-01-31 or 2026-01-31T12:00:00Z"),
    ]
    assert not RateDeck.objects.exists()


@pytest.mark.parametrize(
    ("service", "header", "why"),
    [
        (Service.TEXTS, "prefix,destination,price_per_minute", "columns nobody knows: 'price_per_minute'"),
        (
            Service.VERIFICATIONS,
            "prefix,destination,price_each,connection_fee",
            "columns nobody knows: 'connection_fee'",
        ),
        (Service.CALLS, "prefix,destination,price_each", "columns nobody knows: 'price_each'"),
        (Service.TEXTS, "prefix,destination", "The header lacks price_each."),
    ],
)
def test_a_file_of_another_service_is_not_read(service: Service, header: str, why: str) -> None:
    with pytest.raises(DeckUnreadable, match=why):
        load_pieces("44,UK,0.06", service=service, header=header)


def test_a_difference_of_pieces_is_in_the_price_of_a_piece() -> None:
    first = load_pieces("44,UK,0.04,", "46,Sweden,0.03,")
    assert first.version is not None
    activate(first.version)
    report = check_deck(a_file("44,UK,0.05,", "47,Norway,0.02,", header=PIECES), name="texts", service=Service.TEXTS)
    difference = report.difference
    assert (difference.added, difference.changed, difference.removed) == (1, 1, 1)
    assert difference.sample[0] == Change(prefix="44", before="0.040000", after="0.050000")


def test_a_deck_stays_with_its_service() -> None:
    load(a_file("44,UK,0.06"))
    with pytest.raises(UnknownDeck, match="is for calls, not for texts"):
        load_pieces("44,UK,0.05,", name="retail")
    with pytest.raises(UnknownDeck, match="is for calls, not for texts"):
        check_deck(a_file("44,UK,0.05,", header=PIECES), name="retail", service=Service.TEXTS)


def test_every_service_has_a_default_deck_of_its_own() -> None:
    account = an_account()
    for service, price in ((Service.TEXTS, "0.05"), (Service.VERIFICATIONS, "0.07")):
        for name, each in ((f"{service} first", price), (f"{service} second", "9")):
            version = load_pieces(f"44,UK,{each},", service=service, name=name).version
            assert version is not None
            activate(version)
    calls = load(a_file("44,UK,0.06")).version
    assert calls is not None
    activate(calls)
    assert sorted(RateDeck.objects.filter(is_default=True).values_list("name", flat=True)) == [
        "retail", "texts first", "verifications first",
    ]  # fmt: skip
    assert price_of_a_piece(account.pk, Service.TEXTS) == Decimal("0.05")
    assert price_of_a_piece(account.pk, Service.VERIFICATIONS) == Decimal("0.07")
    assert price_of("44", account.pk) == Decimal("0.06")


def test_a_wallet_is_not_given_a_deck_of_another_service() -> None:
    deck = a_deck({"44": "0.05"}, service="texts").deck
    with pytest.raises(UnknownDeck, match="a wallet chooses its deck of calls alone"):
        an_account(deck=deck)
