"""What was told long ago is forgotten, a bounded part of it at a time; what may still be told never is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account
from outbox.models import Row
from tests.builders import an_account, check_deferred_constraints
from tests.webhooks.scenes import it_happens
from webhooks import endpoints, history
from webhooks.models import Attempt, Delivery
from webhooks.tasks import forget_what_was_told
from webhooks.telling import replay

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(db: None) -> Account:
    account = an_account()
    endpoints.add(account, "https://hooks.example.com/1")
    return account


def a_delivery(account: Account, days_ago: int, state: str = "done") -> Delivery:
    """One that came to this state, after one attempt, so many days ago."""
    it_happens(account)
    return aged(Delivery.objects.latest("number"), days_ago, state)


def aged(delivery: Delivery, days_ago: int, state: str = "done") -> Delivery:
    then = timezone.now() - timedelta(days=days_ago)
    Delivery.objects.filter(pk=delivery.pk).update(created_at=then)
    is_over = state in ("done", "dead")
    Row.objects.filter(subject=delivery.pk).update(state=state, due_at=then, finished_at=then if is_over else None)
    delivery.attempts.create(at=then, status=200)
    return delivery


def left() -> set[object]:
    check_deferred_constraints()
    kept = set(Delivery.objects.values_list("pk", flat=True))
    assert set(Attempt.objects.values_list("delivery", flat=True)) == kept
    assert set(Row.objects.filter(kind="webhook").values_list("subject", flat=True)) == kept
    return kept


@pytest.mark.django_db(transaction=True)
def test_what_was_told_more_than_90_days_ago_is_forgotten_with_its_attempts_and_outbox_row(account: Account) -> None:
    a_delivery(account, 91)
    a_delivery(account, 91, "dead")
    young = a_delivery(account, 89)
    forget_what_was_told()
    assert left() == {young.pk}
    forget_what_was_told()
    assert left() == {young.pk}


def test_what_may_still_be_told_is_not_forgotten_however_old_it_is(account: Account) -> None:
    waiting = a_delivery(account, 91, "retry")
    begun_again = a_delivery(account, 91)
    Row.objects.filter(subject=begun_again.pk).update(finished_at=timezone.now())
    assert history.forget(timezone.now()) == 0
    assert left() == {waiting.pk, begun_again.pk}


@pytest.mark.django_db(transaction=True)
def test_what_was_told_again_is_kept_as_long_as_its_repetition(account: Account) -> None:
    old = a_delivery(account, 200)
    again = Delivery.objects.get(pk=replay(old.pk))
    aged(again, 89)
    assert history.forget(timezone.now()) == 0
    assert left() == {old.pk, again.pk}
    aged(again, 91)
    assert [history.forget(timezone.now()) for _ in range(3)] == [1, 1, 0]
    assert left() == set()


def test_other_work_is_left_alone(account: Account) -> None:
    old = a_delivery(account, 91)
    Row.objects.filter(subject=old.pk).update(subject=None)
    then = timezone.now() - timedelta(days=91)
    Row.objects.create(kind="email", key="email:1", subject=old.pk, state="done", finished_at=then)
    assert history.forget(timezone.now()) == 0
    assert Row.objects.count() == 2


@pytest.mark.parametrize(("most", "in_two_runs"), [(3, [3, 3]), (100, [7, 0])])
def test_it_is_done_in_bounded_parts_for_every_endpoint(
    account: Account, monkeypatch: pytest.MonkeyPatch, most: int, in_two_runs: list[int]
) -> None:
    endpoints.add(account, "https://hooks.example.com/2")
    for _ in range(3):
        it_happens(account)
    it_happens(account)
    endpoint = endpoints.add(account, "https://hooks.example.com/3")
    assert endpoint.deliveries.count() == 0
    for delivery in list(Delivery.objects.order_by("number"))[:7]:
        aged(delivery, 100)
    monkeypatch.setattr(history, "FORGOTTEN_AT_ONCE", 2)
    monkeypatch.setattr(history, "MOST_FORGOTTEN", most)
    assert [history.forget(timezone.now()) for _ in range(2)] == in_two_runs
