"""Sealed history: whoever alters a day is found out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from billing.models import Posting, Seal
from billing.money import Money
from billing.seals import GENESIS, last_finished_day, seal_days, verify_seals
from billing.topups import credit
from tests.builders import an_account, check_deferred_constraints

pytestmark = pytest.mark.django_db

TODAY = date.max
DAY = timedelta(days=1)


def days_ago(days: int) -> date:
    return timezone.now().astimezone(UTC).date() - days * DAY


def tamper(statement: str) -> None:
    """What somebody with the owner's rights could do."""
    check_deferred_constraints()
    with connection.cursor() as cursor:
        for table in ("billing_posting", "billing_entry", "billing_seal"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        check_deferred_constraints()
        for table in ("billing_posting", "billing_entry", "billing_seal"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def a_history() -> list[Posting]:
    """Postings five, three and three days ago, and one of today."""
    account = an_account(balance="0")
    postings = []
    for number, days in enumerate((5, 3, 3, 0)):
        booked = credit(account, Money.of("1.50", "USD"), reference=f"r-{number}")
        if days:
            tamper(
                f"UPDATE billing_posting SET created_at = created_at - interval '{days} days' "
                f"WHERE id = {booked.posting_id}"
            )
        postings.append(Posting.objects.get(pk=booked.posting_id))
    return postings


def test_a_day_is_finished_an_hour_after_it_ended() -> None:
    assert last_finished_day(datetime(2026, 3, 2, 0, 59, 59, tzinfo=UTC)) == date(2026, 2, 28)
    assert last_finished_day(datetime(2026, 3, 2, 1, 0, tzinfo=UTC)) == date(2026, 3, 1)


def test_every_finished_day_is_sealed_once_and_today_is_not() -> None:
    postings = a_history()
    seals = seal_days(TODAY)
    assert [seal.day for seal in seals][:4] == [days_ago(5), days_ago(4), days_ago(3), days_ago(2)]
    assert seals[-1].day == last_finished_day(timezone.now())
    assert [seal.posting_count for seal in seals][:4] == [1, 0, 2, 0]
    assert [seal.last_posting for seal in seals][:4] == [
        postings[0].pk, postings[0].pk, postings[2].pk, postings[2].pk,
    ]  # fmt: skip
    assert seal_days(TODAY) == []
    assert verify_seals() == []


def test_a_day_is_chained_to_the_day_before() -> None:
    a_history()
    seals = seal_days(TODAY)
    digests = [bytes(seal.digest) for seal in seals]
    assert len(set(digests)) == len(digests)
    assert digests[1] == sha256(digests[0]).digest()
    assert digests[0] != sha256(GENESIS).digest()


def test_sealing_day_by_day_gives_the_same_chain_as_sealing_at_once() -> None:
    a_history()
    with transaction.atomic():
        at_once = [bytes(seal.digest) for seal in seal_days(TODAY)]
        transaction.set_rollback(True)
    assert not Seal.objects.exists()
    for days in range(6, 0, -1):
        seal_days(days_ago(days))
    assert [bytes(seal.digest) for seal in Seal.objects.order_by("day")] == at_once


def test_sealing_stops_at_the_day_asked_for() -> None:
    a_history()
    assert [seal.day for seal in seal_days(days_ago(4))] == [days_ago(5), days_ago(4)]
    assert seal_days(days_ago(6)) == []


def test_an_empty_ledger_has_nothing_to_seal() -> None:
    assert seal_days(TODAY) == []
    assert verify_seals() == []


@pytest.mark.parametrize(
    "crime",
    [
        "UPDATE billing_posting SET reason = 'nothing to see' WHERE id = {id}",
        "UPDATE billing_posting SET created_at = created_at + interval '1 microsecond' WHERE id = {id}",
        "UPDATE billing_entry SET amount = amount * 2 WHERE posting_id = {id}",
        "DELETE FROM billing_entry WHERE posting_id = {id}; DELETE FROM billing_posting WHERE id = {id}",
        "UPDATE billing_posting SET created_at = created_at - interval '30 days' WHERE id = {id}",
    ],
)
def test_an_altered_day_is_named(crime: str) -> None:
    victim = a_history()[1]
    seal_days(TODAY)
    tamper(crime.format(id=victim.pk))
    differences = verify_seals()
    assert f"The postings of {days_ago(3)} are not those that were sealed." in differences
    assert not any(str(days_ago(5)) in difference for difference in differences)


def test_a_posting_slipped_into_an_empty_day_is_found() -> None:
    newest = a_history()[3]
    seal_days(TODAY)
    tamper(f"UPDATE billing_posting SET created_at = created_at - interval '4 days' WHERE id = {newest.pk}")
    assert verify_seals() == [f"The postings of {days_ago(4)} are not those that were sealed."]


def test_a_posting_dated_before_the_first_seal_is_found() -> None:
    newest = a_history()[3]
    seal_days(TODAY)
    tamper(f"UPDATE billing_posting SET created_at = created_at - interval '6 days' WHERE id = {newest.pk}")
    assert f"{days_ago(6)} has no seal though a later day has one." in verify_seals()


def test_a_seal_that_was_changed_or_removed_is_found() -> None:
    a_history()
    seal_days(TODAY)
    with transaction.atomic():
        tamper(f"UPDATE billing_seal SET digest = '\\x00'::bytea WHERE day = '{days_ago(3)}'")
        assert verify_seals() == [
            f"The postings of {days_ago(3)} are not those that were sealed.",
            f"The postings of {days_ago(2)} are not those that were sealed.",
        ]
        transaction.set_rollback(True)
    tamper(f"DELETE FROM billing_seal WHERE day = '{days_ago(3)}'")
    assert f"{days_ago(3)} has no seal though a later day has one." in verify_seals()


def test_a_ledger_that_was_emptied_does_not_fit_its_seals() -> None:
    a_history()
    sealed = len(seal_days(TODAY))
    tamper("DELETE FROM billing_entry; DELETE FROM billing_posting")
    assert len(verify_seals()) == sealed


def test_a_day_has_one_seal_in_the_database_too() -> None:
    a_history()
    seal = seal_days(TODAY)[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        Seal.objects.create(day=seal.day, last_posting=0, posting_count=0, digest=b"")


def test_the_time_zone_of_the_session_does_not_change_a_digest() -> None:
    a_history()
    seal_days(TODAY)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Pacific/Kiritimati'")
    assert verify_seals() == []


def test_amounts_are_sealed_to_the_last_decimal() -> None:
    posting = a_history()[0]
    seal_days(TODAY)
    assert posting.entries.filter(amount=Decimal("1.5")).exists()
    tamper(f"UPDATE billing_entry SET amount = amount + 0.000001 WHERE posting_id = {posting.pk} AND amount > 0")
    assert verify_seals() == [f"The postings of {days_ago(5)} are not those that were sealed."]
