"""Starting a verification, beginning it at the provider, and the proof: who may, what it costs, what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Account, CallerNumber, DestinationRule
from accounts.registration import suspend
from billing.models import Hold, Posting
from outbox.models import Row
from telephony import registry, verification_facts, verifications
from telephony.models import Application, Verification
from telephony.news import VerificationStatus
from telephony.providers.base import TooMuchAtOnce
from telephony.verifications import MOST_REPORTS, NewVerification, VerificationRefused
from tests.builders import a_deck, an_access_number, an_account, an_application, available, balance, held
from tests.telephony.verification_scenes import (
    CALLING,
    CODE,
    NUMBER,
    Desk,
    another_session,
    begun,
    lost,
    not_sent,
    refused,
    row_of,
    started,
    work,
)
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db

PRICE = Decimal("0.05")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setitem(registry.PROVIDERS, "sinch", desk)
    return desk


@pytest.fixture
def application(desk: Desk) -> Application:
    return an_application()


@pytest.fixture
def account(application: Application) -> Account:
    a_deck({"46": "0.05", "44": "0.05"}, service="verifications")
    account = an_account(balance="5.00")
    Endpoint.objects.create(account=account, url="https://shop.example/hooks", secret="whsec_c2VjcmV0")
    return account


def said(error: pytest.ExceptionInfo[VerificationRefused]) -> tuple[str, str]:
    return error.value.field, str(error.value)


def report(verification: Verification, account: Account, proof: str) -> Verification:
    return verifications.report(verification.pk, account, proof, timezone.now())


def is_verified(account: Account, number: str = NUMBER) -> bool:
    return account.caller_numbers.filter(number=number, verified_at__isnull=False).exists()


# --- starting --------------------------------------------------------------------------------------------------------


def test_starting_holds_the_price_and_promises_the_work(account: Account, application: Application) -> None:
    verification = started(account, "+46 70 174 06 05", reference="signup 77", custom="web", from_address="192.0.2.1")
    assert (verification.number, verification.country, verification.status) == (NUMBER, "SE", "pending")
    assert (verification.reference, verification.custom, verification.from_address) == ("signup 77", "web", "192.0.2.1")
    assert (verification.application, verification.by_app) == (application, False)
    assert (held(account), balance(account)) == (PRICE, Decimal(5))
    row = row_of(verification)
    assert (row.kind, row.subject, row.state) == ("verification", verification.pk, "ready")


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"number": "0701740605"}, "number", "Begin the number with + and the country code."),
        ({"reference": "r" * 101}, "reference", "A reference has at most 100 printable characters."),
        ({"reference": "a\x00b"}, "reference", "A reference has at most 100 printable characters."),
        ({"custom": "c" * 1001}, "custom", "Custom data has at most 1000 printable characters."),
        ({"number": "+12025550123"}, "number", "There is no price for verifying this number: use another one."),
    ],
)
def test_what_cannot_be_verified_is_refused_in_one_sentence(
    account: Account, changes: dict[str, str], field: str, sentence: str
) -> None:
    with pytest.raises(VerificationRefused) as error:
        started(account, **{"number": NUMBER, **changes})
    assert said(error) == (field, sentence)
    assert (Verification.objects.count(), Row.objects.count(), held(account)) == (0, 0, 0)


def test_a_suspended_account_has_nothing_verified(account: Account) -> None:
    suspend(account)
    with pytest.raises(VerificationRefused, match="not active") as error:
        started(account)
    assert error.value.field == "account"


def test_an_account_that_does_not_exist_is_refused(account: Account) -> None:
    new = NewVerification(account_id=account.pk + 999, number=NUMBER, method=Verification.Method.SMS)
    with pytest.raises(VerificationRefused, match="no such account"):
        verifications.start(new, timezone.now())


def test_a_destination_the_account_may_not_call_is_not_verified(account: Account) -> None:
    DestinationRule.objects.create(account=account, kind="deny", prefix="4670")
    with pytest.raises(VerificationRefused, match="destination rules"):
        started(account)


def test_a_number_of_ours_is_not_verified(account: Account, application: Application) -> None:
    an_access_number(application, NUMBER, account=account, connects_to="+442079460000")
    with pytest.raises(VerificationRefused, match="number of ours"):
        started(account)


def test_a_number_of_another_account_is_refused_without_saying_whose(account: Account) -> None:
    other = an_account("The other customer", numbers=[NUMBER])
    with pytest.raises(VerificationRefused) as error:
        started(account)
    assert said(error) == ("number", "This number cannot be verified: it belongs to another account.")
    assert other.name not in str(error.value)


def test_the_account_may_verify_its_own_number_again(account: Account) -> None:
    long_ago = timezone.now() - timedelta(days=400)
    CallerNumber.objects.create(account=account, number=NUMBER, verified_at=long_ago, is_shown=False)
    report(begun(account), account, CODE)
    number = account.caller_numbers.get()
    assert number.verified_at is not None
    assert number.verified_at > long_ago
    assert not number.is_shown


def test_too_little_credit_is_refused_with_the_figures(account: Account) -> None:
    poor = an_account(balance="0.04")
    with pytest.raises(VerificationRefused) as error:
        started(poor)
    assert said(error) == ("account", "The credit is not enough: 0.050000 USD needed, 0.040000 USD available.")


def test_the_last_of_the_credit_may_be_spent(account: Account) -> None:
    last = an_account(balance="0.05")
    started(last)
    assert available(last) == 0


def test_without_an_application_that_verifies_nothing_is_started(account: Account) -> None:
    Application.objects.update(enabled=False)
    with pytest.raises(VerificationRefused, match="No application verifies numbers"):
        started(account)


def test_the_policy_is_asked_and_nothing_is_held_when_it_says_no(account: Account) -> None:
    started(account)
    with pytest.raises(VerificationRefused, match="One verification of this number was begun within 30 seconds"):
        started(account)
    assert (Verification.objects.count(), Row.objects.count(), held(account)) == (1, 1, PRICE)


def test_whoever_waits_too_long_for_their_turn_is_told_so(account: Account) -> None:
    key = verification_facts.lock_key(f"number:{NUMBER}")
    with another_session() as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [key])
        with pytest.raises(VerificationRefused) as error:
            started(account)
    assert said(error) == ("number", "Too many are asking just now: try again in a minute.")
    started(account)


# --- beginning it at the provider ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["sms", "flashcall", "callout"])
def test_the_provider_begins_it_by_each_method_and_it_is_charged(account: Account, desk: Desk, method: str) -> None:
    verification = begun(account, method=method, custom="web")
    (order,) = [each.order for each in desk.begun]
    assert (order.reference, order.number, order.method, order.custom) == (
        str(verification.pk), NUMBER, method, "web",
    )  # fmt: skip
    assert (verification.provider_id, verification.status) == (desk.begun[0].id, "pending")
    assert (verification.price, verification.charge, verification.currency) == (PRICE, PRICE, "USD")
    assert (balance(account), held(account)) == (Decimal("4.95"), 0)
    assert row_of(verification).state == "done"


def test_a_price_of_nothing_is_begun_and_costs_nothing(application: Application, desk: Desk) -> None:
    a_deck({"46": "0"}, service="verifications")
    account = an_account()
    verification = begun(account)
    assert (verification.price, verification.posting, len(desk.begun)) == (0, None, 1)
    assert report(verification, account, CODE).status == "successful"


def test_what_the_provider_refuses_costs_nothing_and_its_words_are_kept(account: Account, desk: Desk) -> None:
    desk.faults_before.append(refused)
    verification = begun(account)
    assert (verification.status, verification.reason) == ("denied", "Destination denied")
    assert verification.finished_at is not None
    assert (available(account), Hold.objects.get().state, row_of(verification).state) == (
        Decimal(5), "released", "dead",
    )  # fmt: skip
    assert Delivery.objects.get().data["status"] == "denied"


def test_v1_a_lost_answer_is_found_by_reference_and_charged_once(account: Account, desk: Desk) -> None:
    desk.faults.append(lost)
    verification = begun(account)
    assert (row_of(verification).state, held(account), verification.provider_id) == ("unknown", PRICE, "")
    work()
    verification.refresh_from_db()
    assert (row_of(verification).state, verification.provider_id) == ("done", desk.begun[0].id)
    assert (len(desk.begun), Posting.objects.filter(kind="settlement").count()) == (1, 1)
    assert (balance(account), held(account)) == (Decimal("4.95"), 0)


def test_what_is_found_denied_was_never_begun_and_costs_nothing(account: Account, desk: Desk) -> None:
    desk.faults.append(lost)
    verification = begun(account)
    desk.begun[0].status, desk.begun[0].reason = VerificationStatus.DENIED, "Denied by callback"
    work()
    verification.refresh_from_db()
    assert (verification.status, verification.reason) == ("denied", "Denied by callback")
    assert (row_of(verification).state, available(account)) == ("done", Decimal(5))


def test_v1_an_answer_lost_before_it_acted_is_sent_again_with_the_same_reference(account: Account, desk: Desk) -> None:
    desk.faults_before.append(lost)
    verification = begun(account)
    assert (row_of(verification).state, desk.begun) == ("unknown", [])
    work(2)
    assert [each.order.reference for each in desk.begun] == [str(verification.pk)]
    assert (row_of(verification).state, balance(account)) == ("done", Decimal("4.95"))


def test_a_second_start_takes_what_the_first_has_begun(account: Account, desk: Desk) -> None:
    desk.faults.append(not_sent)  # it acted, though it says that it was never reached
    verification = begun(account)
    assert row_of(verification).state == "retry"
    work()
    assert (len(desk.begun), row_of(verification).state) == (1, "done")
    verification.refresh_from_db()
    assert (verification.status, verification.provider_id) == ("pending", desk.begun[0].id)


def test_a_provider_that_cannot_be_reached_is_tried_five_times_and_nothing_is_charged(
    account: Account, desk: Desk
) -> None:
    desk.faults_before += [not_sent] * 5
    verification = begun(account)
    work(5)
    verification.refresh_from_db()
    assert (verification.status, row_of(verification).state, desk.begun) == ("denied", "dead", [])
    assert "nobody listens" in verification.reason
    assert available(account) == Decimal(5)


def test_what_nobody_can_say_for_a_day_is_given_up_and_the_hold_expires(account: Account, desk: Desk) -> None:
    desk.faults.append(lost)
    desk.blind = True
    verification = begun(account)
    Row.objects.update(doubtful_since=timezone.now() - timedelta(hours=25))
    work()
    verification.refresh_from_db()
    assert (verification.status, verification.reason) == ("expired", "Nobody could say whether it was begun.")
    assert (Hold.objects.get().state, available(account)) == ("expired", Decimal(5))
    assert Delivery.objects.get().data["status"] == "expired"


def test_an_application_that_was_switched_off_meanwhile_begins_nothing(account: Account, desk: Desk) -> None:
    verification = started(account)
    Application.objects.update(enabled=False)
    work()
    verification.refresh_from_db()
    assert (verification.status, desk.begun, available(account)) == ("denied", [], Decimal(5))


def test_what_waited_until_nobody_could_bring_the_proof_is_not_begun_and_costs_nothing(
    account: Account, desk: Desk
) -> None:
    verification = started(account)
    Verification.objects.update(created_at=timezone.now() - verifications.OPEN_FOR - timedelta(seconds=1))
    work()
    verification.refresh_from_db()
    assert (verification.status, desk.begun, available(account)) == ("denied", [], Decimal(5))
    assert verification.reason == "It could not be begun in time, so it was not begun at all."


def test_what_may_have_been_begun_in_time_is_asked_about_however_late(account: Account, desk: Desk) -> None:
    desk.faults.append(lost)
    verification = begun(account)
    Verification.objects.update(created_at=timezone.now() - verifications.OPEN_FOR - timedelta(seconds=1))
    work()
    verification.refresh_from_db()
    assert (verification.status, balance(account), held(account)) == ("pending", Decimal("4.95"), 0)


def test_what_has_ended_meanwhile_is_not_begun(account: Account, desk: Desk) -> None:
    verification = begun(account)
    report(verification, account, CODE)
    Row.objects.update(state="ready", finished_at=None)
    desk.faults_before.append(refused)
    work()
    assert (row_of(verification).state, len(desk.faults_before)) == ("done", 1)


def test_an_answer_about_another_number_is_not_believed(account: Account, desk: Desk) -> None:
    desk.faults.append(lost)
    verification = begun(account)
    other = started(account, "+46701740699")
    desk.begun[0].order = replace(desk.begun[0].order, number=other.number)
    work()
    assert row_of(verification).state == "unknown"


# --- the proof -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "proof"), [("sms", CODE), ("callout", " 47-11 "), ("flashcall", "+46 8 465 004 05")]
)
def test_the_right_proof_makes_it_a_verified_number_of_the_account(account: Account, method: str, proof: str) -> None:
    verification = begun(account, method=method, reference="signup 77")
    done = report(verification, account, proof)
    assert (done.status, done.reports) == ("successful", 1)
    assert done.finished_at is not None
    assert is_verified(account)
    delivery = Delivery.objects.get()
    assert delivery.event == "verification.ended"
    assert (delivery.data["id"], delivery.data["status"], delivery.data["number"], delivery.data["reference"]) == (
        str(verification.pk), "successful", NUMBER, "signup 77",
    )  # fmt: skip
    assert balance(account) == Decimal("4.95")


def test_a_wrong_code_says_how_many_tries_are_left_and_the_right_one_still_counts(account: Account) -> None:
    verification = begun(account)
    with pytest.raises(VerificationRefused) as error:
        report(verification, account, "0000")
    assert said(error) == ("code", "This code is wrong: 4 tries are left.")
    assert report(verification, account, CODE).status == "successful"


def test_a_wrong_caller_is_called_a_number(account: Account) -> None:
    verification = begun(account, method="flashcall")
    with pytest.raises(VerificationRefused, match="That is not the number that called: 4 tries are left"):
        report(verification, account, "+46846500499")


def test_five_wrong_codes_are_the_end_even_if_the_sixth_is_right(account: Account, desk: Desk) -> None:
    verification = begun(account)
    for _ in range(MOST_REPORTS):
        with pytest.raises(VerificationRefused) as error:
            report(verification, account, "0000")
    assert str(error.value) == "This verification has failed (5 wrong tries). Start a new one."
    with pytest.raises(VerificationRefused, match=r"This verification has failed \(5 wrong tries\)"):
        report(verification, account, CODE)
    verification.refresh_from_db()
    assert (verification.status, verification.reports, is_verified(account)) == ("failed", 5, False)
    assert Delivery.objects.get().data["reason"] == "5 wrong tries"


def test_a_provider_that_takes_one_wrong_code_as_the_end_is_believed(account: Account, desk: Desk) -> None:
    desk.final_after_wrong = True
    verification = begun(account)
    for proof in ("0000", CODE):
        with pytest.raises(VerificationRefused) as error:
            report(verification, account, proof)
        assert said(error) == ("code", "This verification has failed (Invalid code). Start a new one.")
    assert Delivery.objects.get().data["status"] == "failed"


@pytest.mark.parametrize("proof", ["", "12", "47 11 ; DROP", "1" * 17, "<script>", "47\x0011"])
def test_what_can_be_no_code_takes_no_try(account: Account, proof: str) -> None:
    verification = begun(account)
    with pytest.raises(VerificationRefused, match="A code is 3 to 16 digits or letters"):
        report(verification, account, proof)
    verification.refresh_from_db()
    assert verification.reports == 0


@pytest.mark.parametrize("fault", [lost, not_sent, lambda: TooMuchAtOnce("wait")], ids=["lost", "not sent", "busy"])
def test_a_time_out_says_try_again_and_takes_no_try(
    account: Account, desk: Desk, fault: Callable[[], Exception]
) -> None:
    verification = begun(account)
    desk.faults_before.append(fault)
    with pytest.raises(VerificationRefused) as error:
        report(verification, account, CODE)
    assert said(error) == ("code", "It could not be checked just now: try again in a moment.")
    verification.refresh_from_db()
    assert (verification.reports, verification.status) == (0, "pending")


def test_a_proof_that_the_provider_finds_right_for_another_number_proves_nothing(account: Account, desk: Desk) -> None:
    verification = begun(account)
    desk.begun[0].order = replace(desk.begun[0].order, number="+46701740699")
    with pytest.raises(VerificationRefused, match="could not be checked just now"):
        report(verification, account, CODE)
    verification.refresh_from_db()
    assert (verification.status, account.caller_numbers.count()) == ("pending", 0)


def test_a_proof_whose_answer_was_lost_counts_when_it_is_handed_in_again(account: Account, desk: Desk) -> None:
    verification = begun(account)
    desk.faults.append(lost)
    with pytest.raises(VerificationRefused, match="try again"):
        report(verification, account, CODE)
    assert report(verification, account, CODE).status == "successful"
    assert is_verified(account)


def test_a_finished_one_is_not_reported_again(account: Account) -> None:
    verification = begun(account)
    report(verification, account, CODE)
    with pytest.raises(VerificationRefused, match="verified already"):
        report(verification, account, CODE)
    assert Delivery.objects.count() == 1


def test_an_expired_one_is_not_reported(account: Account) -> None:
    verification = begun(account)
    later = timezone.now() + timedelta(minutes=16)
    with pytest.raises(VerificationRefused, match=r"has expired\. Start a new one\."):
        verifications.report(verification.pk, account, CODE, later)


def test_one_that_was_not_begun_yet_asks_for_patience(account: Account) -> None:
    with pytest.raises(VerificationRefused, match="has not begun yet"):
        report(started(account), account, CODE)


def test_a1_somebody_elses_verification_is_none(account: Account) -> None:
    verification = begun(account, reference="signup 77")
    stranger = an_account()
    with pytest.raises(VerificationRefused) as foreign:
        report(verification, stranger, CODE)
    with pytest.raises(VerificationRefused) as unknown:
        verifications.report(uuid4(), stranger, CODE, timezone.now())
    assert said(foreign) == said(unknown) == ("id", "There is no such verification.")
    assert verifications.find(stranger, verification.pk) is None
    assert verifications.find_by_reference(stranger, "signup 77") is None
    assert verifications.find_by_number(stranger, NUMBER) is None


def test_it_is_found_by_id_by_reference_and_the_latest_by_number(account: Account) -> None:
    first = begun(account, reference="signup 77")
    Verification.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    second = started(account)
    assert verifications.find(account, first.pk) == first
    assert verifications.find_by_reference(account, "signup 77") == first
    assert verifications.find_by_reference(account, "") is None
    assert verifications.find_by_number(account, "+46 70-174 06 05") == second


def test_a_number_proved_by_another_account_meanwhile_stays_there(account: Account) -> None:
    verification = begun(account)
    an_account(numbers=[NUMBER])
    with pytest.raises(VerificationRefused, match="belongs to another account by now"):
        report(verification, account, CODE)
    verification.refresh_from_db()
    assert (verification.status, is_verified(account)) == ("failed", False)


def test_a_number_that_another_account_only_claims_goes_to_whoever_proves_it(account: Account) -> None:
    other = an_account()
    CallerNumber.objects.create(account=other, number=NUMBER, is_shown=False)
    report(begun(account), account, CODE)
    assert (is_verified(account), other.caller_numbers.count()) == (True, 0)
    assert account.caller_numbers.get().is_shown


def test_the_code_is_kept_nowhere(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    verification = begun(account)
    with pytest.raises(VerificationRefused) as error:
        report(verification, account, "90817263")
    kept = [str(list(model.objects.values())) for model in (Verification, Row, Delivery)]
    assert "90817263" not in "".join([*kept, caplog.text, str(error.value)])
    assert CALLING not in "".join(kept)
