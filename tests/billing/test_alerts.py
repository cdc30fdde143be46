"""A low balance is told of once for every crossing of a threshold, however the balance flaps (fault V10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from billing import alerts, charging, piecework
from billing.alerts import MOST_ALERTS, Channel, NotAnAlert, margin_of, set_alert
from billing.exceptions import InsufficientFunds
from billing.models import Alert, Crossing, Posting
from billing.money import Money
from billing.topups import correct, credit, reverse
from outbox.models import Row
from postgres.batch import Batch
from postgres.work import in_one_transaction
from tests.billing.test_audit import reserve, settle
from tests.builders import a_deck, an_account, balance, wallet_of

pytestmark = pytest.mark.django_db


def usd(amount: str | Decimal) -> Money:
    return Money.of(amount, "USD")


def an_alert(account: Account, threshold: str) -> Alert:
    return set_alert(account, usd(threshold), [Channel.NOTICE])


def charge(account: Account, amount: str | Decimal) -> None:
    correct(account, usd(-Decimal(amount)), reason="spent", made_by="a test", reference=str(uuid4()))


def give_back(account: Account, amount: str | Decimal) -> None:
    correct(account, usd(amount), reason="ours", made_by="a test", reference=str(uuid4()))


def top_up(account: Account, amount: str | Decimal) -> None:
    credit(account, usd(amount), reference=str(uuid4()))


def hours_pass(hours: float) -> None:
    """What was told is that much longer ago."""
    Alert.objects.filter(told_at__isnull=False).update(told_at=F("told_at") - timedelta(hours=hours))


def told() -> int:
    """How many crossings were promised to be told of."""
    assert Crossing.objects.count() == Row.objects.filter(kind="alert").count()
    return Crossing.objects.count()


# --- one crossing ----------------------------------------------------------------------------------------------------


def test_a_charge_that_crosses_a_threshold_is_promised_to_be_told_with_its_figures() -> None:
    account = an_account(balance="6")
    alert = an_alert(account, "5")
    charge(account, "1.03")
    crossing = Crossing.objects.get()
    assert (crossing.alert, crossing.wallet) == (alert, wallet_of(account))
    assert (crossing.threshold, crossing.balance, crossing.currency) == (Decimal("5"), Decimal("4.97"), "USD")
    row = Row.objects.get()
    assert (row.key, row.kind, row.subject, row.state) == (f"alert:{crossing.pk}", "alert", crossing.pk, "ready")
    assert row.payload == {"is_repeated": False}
    alert.refresh_from_db()
    assert not alert.armed
    assert alert.told_at is not None


def test_a_balance_that_equals_its_threshold_has_not_crossed_it() -> None:
    account = an_account(balance="6")
    an_alert(account, "5")
    charge(account, "1")
    assert told() == 0


def test_the_end_of_a_call_is_a_charge_that_can_cross() -> None:
    a_deck({"44": "0.06"})
    account = an_account(balance="5")
    an_alert(account, "4.99")
    subject = reserve(account)
    assert told() == 0  # what is held is still there
    settle(subject)
    assert told() == 1


def test_a_text_is_a_charge_that_can_cross() -> None:
    a_deck({"44": "0.02"}, service="texts")
    account, subject, now = an_account(balance="5"), uuid4(), timezone.now()
    an_alert(account, "4.99")
    with transaction.atomic():
        quote = piecework.read_quote(piecework.quote(account.pk, piecework.Service.TEXTS, ["44"], now))
        assert quote is not None
        piecework.reserve(quote, subject, 1, opened_at=now, expires_at=now)
        reservation = piecework.read_reservation(piecework.find_reservation(subject))
        assert reservation is not None
        piecework.settle(reservation, subject, 1, now)
    assert told() == 1


def test_a_top_up_taken_back_is_a_charge_that_can_cross() -> None:
    account = an_account(balance="3")
    booked = credit(account, usd("5"), reference="mistake")
    an_alert(account, "5")
    reverse(Posting.objects.get(pk=booked.posting_id), reason="bounced", made_by="a test")
    assert told() == 1


def test_what_is_paid_by_ourselves_crosses_nothing() -> None:
    a_deck({"44": "0.02"}, service="texts")
    account = an_account(balance="5")
    Alert.objects.create(wallet=wallet_of(account), threshold="6", channels=["notice"])
    with transaction.atomic():
        quote = piecework.read_quote(piecework.quote(account.pk, piecework.Service.TEXTS, ["44"], timezone.now()))
        assert quote is not None
        piecework.give_away(quote, uuid4(), 1)
    assert told() == 0


def test_one_charge_can_cross_several_thresholds_and_leaves_other_wallets_alone() -> None:
    account, other = an_account(balance="20"), an_account(balance="1")
    for threshold in ("10", "5", "1"):
        an_alert(account, threshold)
    Alert.objects.create(wallet=wallet_of(other), threshold="5", channels=["notice"])
    charge(account, "16")
    assert sorted(Crossing.objects.values_list("threshold", flat=True)) == [Decimal(5), Decimal(10)]


def test_a_charge_that_is_undone_is_not_told() -> None:
    account = an_account(balance="6")
    an_alert(account, "5")
    with pytest.raises(InsufficientFunds):
        charge(account, "7")
    assert told() == 0


# --- armed again -----------------------------------------------------------------------------------------------------


def test_a_balance_that_flaps_around_its_threshold_is_told_of_once() -> None:
    account = an_account(balance="5.20")
    an_alert(account, "5")
    for _ in range(10):
        charge(account, "0.40")
        top_up(account, "0.40")  # back to 5.20, which is not a tenth above 5
    assert told() == 1


def test_a_top_up_to_a_tenth_above_the_threshold_arms_the_alert_at_once() -> None:
    account = an_account(balance="5.50")
    an_alert(account, "5")
    for _ in range(3):
        charge(account, "1")
        top_up(account, "1")
    assert told() == 3
    assert set(Row.objects.values_list("payload__is_repeated", flat=True)) == {False}


def test_money_that_is_given_back_arms_the_alert_and_does_not_end_its_silence() -> None:
    account = an_account(balance="6")
    an_alert(account, "5")
    charge(account, "2")
    give_back(account, "2")
    charge(account, "2")
    assert told() == 1
    hours_pass(23.9)
    charge(account, "0.01")
    assert told() == 1
    hours_pass(0.2)
    charge(account, "0.01")  # still below: what waited is told with the first charge after the 24 hours
    assert told() == 2
    assert Row.objects.order_by("id").last().payload == {"is_repeated": True}  # type: ignore[union-attr]


def test_a_top_up_ends_the_silence_of_an_alert_that_was_armed_before_it() -> None:
    account = an_account(balance="6")
    an_alert(account, "5")
    charge(account, "2")
    give_back(account, "2")
    top_up(account, "1")
    charge(account, "3")
    assert told() == 2


@pytest.mark.parametrize(
    ("threshold", "margin"), [("5", "0.50"), ("0", "0.01"), ("0.05", "0.01"), ("-2", "0.20"), ("1000", "100")]
)
def test_the_margin_is_a_tenth_and_at_least_a_cent_below_zero_too(threshold: str, margin: str) -> None:
    assert margin_of(Decimal(threshold)) == Decimal(margin)
    account = an_account(balance="0", credit_limit="10")
    top_up(account, "2000")
    alert = an_alert(account, threshold)
    charge(account, Decimal("2000") - Decimal(threshold) + Decimal("0.01"))
    assert told() == 1
    top_up(account, Decimal("0.01") + Decimal(margin) - Decimal("0.000001"))
    alert.refresh_from_db()
    assert not alert.armed
    top_up(account, "0.000001")
    alert.refresh_from_db()
    assert alert.armed


# --- against a model -------------------------------------------------------------------------------------------------


@dataclass
class Model:
    """One alert as docs/alerts.md describes it, in its own words: when was it told, and what has come in since?"""

    threshold: Decimal
    balance: Decimal
    told_hours_ago: Decimal | None = None
    recovered: bool = True
    recovered_by_top_up: bool = True
    tellings: int = 0

    @property
    def is_above(self) -> bool:
        return self.balance >= self.threshold + max(abs(self.threshold) / 10, Decimal("0.01"))

    def pay(self, amount: Decimal) -> None:
        self.balance -= amount
        is_quiet = self.told_hours_ago is not None and self.told_hours_ago < 24 and not self.recovered_by_top_up
        if self.balance < self.threshold and self.recovered and not is_quiet:
            self.tellings += 1
            self.told_hours_ago, self.recovered, self.recovered_by_top_up = Decimal(0), False, False

    def receive(self, amount: Decimal, *, top_up: bool) -> None:
        self.balance += amount
        if self.is_above:
            self.recovered = True
            self.recovered_by_top_up = self.recovered_by_top_up or top_up

    def wait(self, hours: Decimal) -> None:
        if self.told_hours_ago is not None:
            self.told_hours_ago += hours


STEPS = st.one_of(
    st.tuples(st.just("pay"), st.sampled_from(["0.01", "0.30", "0.60", "2.00"]).map(Decimal)),
    st.tuples(st.just("top up"), st.sampled_from(["0.01", "0.30", "0.60", "2.00"]).map(Decimal)),
    st.tuples(st.just("give back"), st.sampled_from(["0.30", "0.60", "2.00"]).map(Decimal)),
    st.tuples(st.just("wait"), st.sampled_from(["1", "23", "25"]).map(Decimal)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(threshold=st.sampled_from(["5", "0", "-1"]).map(Decimal), steps=st.lists(STEPS, max_size=25))
def test_every_history_of_a_wallet_is_told_as_the_model_says(
    threshold: Decimal, steps: list[tuple[str, Decimal]]
) -> None:
    sid = transaction.savepoint()
    account = an_account(balance="0", credit_limit="100")
    top_up(account, threshold + Decimal("100.60"))
    charge(account, "100")
    an_alert(account, str(threshold))
    model = Model(threshold=threshold, balance=threshold + Decimal("0.60"))
    for step, amount in steps:
        match step:
            case "pay":
                charge(account, amount)
                model.pay(amount)
            case "wait":
                hours_pass(float(amount))
                model.wait(amount)
            case _:
                (top_up if step == "top up" else give_back)(account, amount)
                model.receive(amount, top_up=step == "top up")
        assert balance(account) == model.balance
        assert told() == model.tellings, (step, amount)
    transaction.savepoint_rollback(sid)


# --- setting alerts --------------------------------------------------------------------------------------------------


def test_an_alert_set_above_the_balance_waits_for_a_crossing() -> None:
    account = an_account(balance="4")
    alert = an_alert(account, "5")
    assert not alert.armed
    charge(account, "1")
    assert told() == 0
    top_up(account, "3")
    charge(account, "2")
    assert told() == 1


def test_another_threshold_begins_anew_and_other_channels_do_not() -> None:
    account = an_account(balance="6")
    alert = an_alert(account, "5")
    charge(account, "2")
    alert.refresh_from_db()
    changed = set_alert(account, usd("5"), [Channel.CALL, Channel.EMAIL], email="a@example.com", replaces=alert)
    assert (changed.armed, changed.channels, changed.email) == (False, ["email", "call"], "a@example.com")
    assert changed.told_at is not None
    moved = set_alert(account, usd("3"), [Channel.EMAIL], replaces=changed)
    assert (moved.armed, moved.told_at, moved.pk) == (True, None, alert.pk)
    charge(account, "1.5")
    assert told() == 2


def test_a_change_does_not_arm_an_alert_that_was_told_while_somebody_looked_at_it() -> None:
    account = an_account(balance="6")
    looked_at = an_alert(account, "5")
    charge(account, "2")
    assert looked_at.armed
    changed = set_alert(account, usd("5"), [Channel.EMAIL], replaces=looked_at)
    assert not changed.armed
    charge(account, "1")
    assert told() == 1


def test_an_alert_that_was_removed_meanwhile_is_not_changed() -> None:
    account = an_account(balance="6")
    alert = an_alert(account, "5")
    alerts.remove_alert(Alert.objects.get())
    with pytest.raises(NotAnAlert, match="removed meanwhile"):
        set_alert(account, usd("4"), [Channel.EMAIL], replaces=alert)
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    ("threshold", "channels", "sentence"),
    [
        (Money.of("5", "EUR"), [Channel.NOTICE], "The wallet is in USD: give the threshold in it."),
        (usd("5"), [], "Choose at least one way of being told."),
        (usd("7.50"), [Channel.NOTICE], "There is an alert at 7.5 already: change that one."),
    ],
)
def test_an_alert_that_cannot_be_is_refused_with_a_sentence(
    threshold: Money, channels: list[Channel], sentence: str
) -> None:
    account = an_account()
    an_alert(account, "7.5")
    with pytest.raises(NotAnAlert) as refused:
        set_alert(account, threshold, channels)
    assert str(refused.value) == sentence


def test_an_account_has_a_handful_of_alerts() -> None:
    account = an_account()
    for threshold in range(MOST_ALERTS):
        an_alert(account, str(threshold))
    with pytest.raises(NotAnAlert):
        an_alert(account, "50")


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        set_alert(an_account(), usd("1"), [Channel.EMAIL], email="nobody")


# --- where a call waits ----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_watching_costs_no_round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    """The statements that charge a call travel as often with the watch as without."""
    a_deck({"44": "0.06"})
    account = an_account(balance="5")
    an_alert(account, "4.99")
    sent: list[int] = []
    send = Batch.send

    def counted(batch: Batch) -> bytes:
        sent.append(1)
        return send(batch)

    monkeypatch.setattr(Batch, "send", counted)

    def end(subject: object) -> None:
        reservation = charging.read_reservation(charging.find_reservation(subject))  # type: ignore[arg-type]
        assert reservation is not None
        charging.settle(reservation, subject, 60, timezone.now())  # type: ignore[arg-type]

    first, second = reserve(account), reserve(account, 60)
    in_one_transaction(lambda: end(first))
    crossed = len(sent)
    monkeypatch.setattr("billing.alerts.watch", lambda wallet_id: None)
    in_one_transaction(lambda: end(second))
    assert told() == 1
    assert crossed == len(sent) - crossed == 2  # one that reads the hold, one that writes everything and commits


def test_watching_finds_the_alerts_of_a_wallet_by_an_index() -> None:
    account = an_account()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # the table of a test is too small to look anything up
        cursor.execute(f"EXPLAIN {alerts._WATCH}", [wallet_of(account).pk])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Cond: (wallet_id = " in plan, plan
