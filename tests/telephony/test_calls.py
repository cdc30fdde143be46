"""A call's life as it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import transaction

from accounts.models import Account
from telephony import calls
from telephony.calls import KnownCall, NewCall, call_id
from telephony.models import Call
from tests.builders import an_account, an_application
from tests.telephony.received import NOW

KNOWN = KnownCall(
    id=UUID(int=1),
    account_id=1,
    caller="alice",
    destination="+447700900123",
    state=Call.State.AUTHORISED,
    limit_seconds=60,
    begun_at=NOW,
    connected_at=None,
    answered_at=None,
    access_number_id=None,
    callout_id=None,
    settled_seconds=None,
    settled_result=None,
    settled_cost=None,
    settled_revision=None,
    given_up=False,
)


@pytest.fixture
def account(db: None) -> Account:
    return an_account()


def a_call(account: Account | None, name: str = "one", **changes: object) -> NewCall:
    application = an_application()
    values = {
        "id": call_id(application.pk, name),
        "application_id": application.pk,
        "provider_call_id": name,
        "account_id": account and account.pk,
        "caller": "alice",
        "destination": "+447700900123",
        "begun_at": NOW,
        "state": Call.State.AUTHORISED,
        **changes,
    }
    return NewCall(**values)


def look_up(id: UUID) -> KnownCall | None:
    with transaction.atomic():
        return calls.read(calls.lock(id))


def test_the_same_call_always_has_the_same_id_and_another_application_another() -> None:
    assert call_id(7, "x") == call_id(7, "x")
    assert len({call_id(7, "x"), call_id(8, "x"), call_id(7, "y"), call_id(7, "X")}) == 4
    assert call_id(1, "1:x") != call_id(11, ":x")


def test_a_call_that_was_written_is_found_as_it_was(account: Account) -> None:
    new = a_call(account, limit_seconds=120)
    calls.write(new)
    assert look_up(new.id) == replace(KNOWN, id=new.id, account_id=account.pk, limit_seconds=120)


def test_a_call_nobody_wrote_is_not_found(account: Account) -> None:
    assert look_up(UUID(int=7)) is None


@pytest.mark.parametrize(
    ("state", "is_open"),
    [
        (Call.State.AUTHORISED, True),
        (Call.State.ANSWERED, True),
        (Call.State.REFUSED, False),
        (Call.State.ENDED, False),
    ],
)
def test_only_a_call_that_may_go_on_takes_a_slot(account: Account, state: Call.State, is_open: bool) -> None:
    calls.write(a_call(account, state=state))
    calls.write(a_call(an_account(), "somebody else's"))
    assert calls.count_open(account.pk).row() == (int(is_open),)
    found = look_up(Call.objects.get(provider_call_id="one").pk)
    assert found is not None
    assert found.is_running is is_open


def test_a_refused_call_stays_refused_when_it_ends(account: Account) -> None:
    new = a_call(account, state=Call.State.REFUSED, refusal="no_rate", detail="why")
    calls.write(new)
    calls.mark_ended(new.id, NOW + timedelta(seconds=5), "a note")
    call = Call.objects.get()
    assert (call.state, call.refusal, call.detail, call.review) == (Call.State.REFUSED, "no_rate", "why", "a note")


def test_a_call_is_marked_answered_and_ended_with_the_time(account: Account) -> None:
    new = a_call(account)
    calls.write(new)
    calls.mark_answered(new.id, NOW + timedelta(seconds=3))
    assert Call.objects.get().answered_at == NOW + timedelta(seconds=3)
    calls.mark_ended(new.id, NOW + timedelta(seconds=9))
    call = Call.objects.get()
    assert (call.state, call.ended_at, call.review) == (Call.State.ENDED, NOW + timedelta(seconds=9), "")


def test_reasons_for_a_persons_look_are_collected_and_never_too_long(account: Account) -> None:
    new = a_call(account, review="first" * 40)
    calls.write(new)
    assert Call.objects.get().review == ("first" * 40)[:100]
    other = a_call(account, "two")
    calls.write(other)
    calls.mark_for_review(other.id, "first")
    calls.mark_for_review(other.id, "second")
    calls.mark_ended(other.id, NOW, "third" * 40)
    assert Call.objects.get(pk=other.id).review == ("first; second; " + "third" * 40)[:100]


def test_a_call_is_over_with_its_first_record_and_settled_unless_it_was_given_up() -> None:
    assert not KNOWN.is_over
    settled = replace(KNOWN, settled_revision=0, settled_seconds=61, settled_result="answered")
    assert settled.is_over
    assert settled.is_settled
    assert replace(settled, given_up=True).is_over
    assert not replace(settled, given_up=True).is_settled


@pytest.mark.parametrize(
    ("told", "same"),
    [
        ((61, "answered", Decimal("0.0123")), True),
        ((61, "answered", None), True),
        ((61, "answered", Decimal("0.0124")), False),
        ((62, "answered", Decimal("0.0123")), False),
        ((61, "busy", Decimal("0.0123")), False),
    ],
)
def test_a_repeated_hang_up_tells_the_same_story_in_every_part(
    told: tuple[int, str, Decimal | None], same: bool
) -> None:
    settled = replace(
        KNOWN, settled_revision=0, settled_seconds=61, settled_result="answered", settled_cost=Decimal("0.0123")
    )
    assert settled.was_settled_as(*told) is same
