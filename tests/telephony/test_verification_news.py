"""A provider asks whether a verification may be, and tells what came of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Account, Notice
from billing.models import Entry, Posting
from outbox.models import Row
from telephony import control, registry, verification_expiry, verifications
from telephony.decisions import Acknowledge, AllowVerification, Decision, DenyVerification
from telephony.events import Cost, Event
from telephony.models import Application, ReceivedEvent, Verification
from telephony.news import VerificationMethod, VerificationStatus, VerificationTexted
from telephony.tasks import expire_verifications
from tests.builders import a_deck, an_account, an_application, available, balance, held
from tests.postgres.locks import held_elsewhere
from tests.telephony.received import received
from tests.telephony.verification_scenes import CODE, NUMBER, Desk, asked, begun, lost, row_of, started, told, work
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db

FAILED, SUCCESSFUL, DENIED = VerificationStatus.FAILED, VerificationStatus.SUCCESSFUL, VerificationStatus.DENIED


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setitem(registry.PROVIDERS, "sinch", desk)
    return desk


@pytest.fixture
def application(desk: Desk) -> Application:
    a_deck({"46": "0.05", "44": "0.05"}, service="verifications")
    return an_application()


@pytest.fixture
def account(application: Application) -> Account:
    account = an_account(balance="5.00")
    Endpoint.objects.create(account=account, url="https://shop.example/hooks", secret="whsec_c2VjcmV0")
    return account


def decide(event: Event, application: Application, **changes: Any) -> Decision:
    now = timezone.now()
    return control.decide(received(event, application, **{"signed_at": now, "received_at": now, **changes}))


def outcomes() -> list[str]:
    return list(ReceivedEvent.objects.order_by("id").values_list("outcome", flat=True))


def why(decision: Decision) -> str:
    assert isinstance(decision, DenyVerification)
    return decision.why


def some_begun(
    application: Application,
    count: int,
    *,
    successful: int = 0,
    number: str = "+46701740699",
    country: str = "SE",
    ago: timedelta = timedelta(hours=2),
    **fields: Any,
) -> None:
    """Verifications of before; the first so many of them were successful."""
    Verification.objects.bulk_create(
        Verification(
            application=application,
            number=number,
            country=country,
            method="sms",
            by_app=True,
            paid_by="house",
            status="successful" if position < successful else "pending",
            provider_id=f"before-{uuid4()}",
            created_at=timezone.now() - ago,
            **fields,
        )
        for position in range(count)
    )


# --- asked -----------------------------------------------------------------------------------------------------------


def test_ours_is_allowed_because_the_policy_was_asked_when_it_was_started(
    account: Account, application: Application
) -> None:
    verification = started(account)
    assert decide(asked(id="theirs", reference=str(verification.pk)), application) == AllowVerification()
    verification.refresh_from_db()
    assert (verification.provider_id, Verification.objects.count(), outcomes()) == ("theirs", 1, ["decided"])


@pytest.mark.parametrize("changes", [{"number": "+46701740699"}, {"method": VerificationMethod.CALLOUT}])
def test_our_reference_allows_what_was_started_and_nothing_else(
    account: Account, application: Application, changes: dict[str, Any]
) -> None:
    verification = started(account)
    decision = decide(asked(**changes, reference=str(verification.pk)), application)
    assert "another number or method than was started" in why(decision)


def test_our_reference_counts_once(account: Account, application: Application) -> None:
    verification = started(account)
    decide(asked(id="theirs", reference=str(verification.pk)), application)
    assert "used before" in why(decide(asked(id="another", reference=str(verification.pk)), application))


def test_our_reference_counts_for_nothing_once_it_is_over(account: Account, application: Application) -> None:
    verification = started(account)
    Verification.objects.update(status="expired", finished_at=timezone.now())
    assert "used before" in why(decide(asked(reference=str(verification.pk)), application))


def test_our_reference_at_another_application_is_somebodys_own(account: Account, application: Application) -> None:
    verification = started(account)
    Verification.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    other = an_application()
    assert decide(asked(id="theirs", reference=str(verification.pk)), other) == AllowVerification()
    assert Verification.objects.get(by_app=True).reference == str(verification.pk)


def test_one_that_an_app_began_is_allowed_and_kept(application: Application) -> None:
    price = Cost(currency="EUR", amount=Decimal("0.045"))
    event = asked(id="theirs", reference="signup 77", custom="web", price=price)
    assert decide(event, application) == AllowVerification()
    kept = Verification.objects.get()
    assert (kept.account, kept.by_app, kept.paid_by, kept.status) == (None, True, "house", "pending")
    assert (kept.number, kept.country, kept.method, kept.provider_id) == (NUMBER, "SE", "sms", "theirs")
    assert (kept.reference, kept.custom, kept.provider_cost, kept.provider_currency) == (
        "signup 77", "web", Decimal("0.045"), "EUR",
    )  # fmt: skip


def test_a_replay_gets_the_stored_decision(application: Application) -> None:
    event = asked()
    assert decide(event, application) == decide(event, application) == AllowVerification()
    denied = asked()
    assert why(decide(denied, application)) == why(decide(denied, application))
    assert (Verification.objects.count(), outcomes()) == (2, ["decided", "decided"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": VerificationMethod.OTHER, "method_word": "seamless"}, "a method that we do not offer"),
        ({"number": "0701740605"}, "Begin the number with +"),
        ({"number": "alice"}, "A number has only digits"),
        ({"id": "x" * 101}, "cannot be kept"),
    ],
)
def test_what_cannot_be_read_is_denied(application: Application, changes: dict[str, Any], words: str) -> None:
    assert words in why(decide(asked(**changes), application))
    assert (Verification.objects.count(), outcomes()) == (0, ["decided"])


def test_a_country_without_a_price_is_denied_and_the_denial_counts_for_nothing(application: Application) -> None:
    assert "We do not verify numbers in US" in why(decide(asked("+12025550123"), application))
    kept = Verification.objects.get()
    assert (kept.status, kept.country, kept.reason) == (
        "denied", "US", "We do not verify numbers in US: use a number of another country.",
    )  # fmt: skip
    a_deck({"1": "0.05"}, name="for partners", service="verifications")  # no default deck
    assert "We do not verify numbers in US" in why(decide(asked("+12025550123"), application))
    a_deck({"1": "0.05", "46": "0.05"}, service="verifications")
    assert decide(asked("+12025550123"), application) == AllowVerification()


def test_the_same_number_again_within_30_seconds_is_denied(application: Application) -> None:
    decide(asked(), application)
    assert "of this number was begun within 30 seconds" in why(decide(asked(), application))


@pytest.mark.parametrize(
    ("count", "ago", "words"),
    [
        (4, timedelta(minutes=59), ""),
        (5, timedelta(minutes=59), "within an hour"),
        (5, timedelta(minutes=61), ""),
        (10, timedelta(hours=23), "within a day"),
        (10, timedelta(hours=25), ""),
    ],
)
def test_a_number_has_its_hour_and_its_day(application: Application, count: int, ago: timedelta, words: str) -> None:
    some_begun(application, count, number=NUMBER, ago=ago)
    decision = decide(asked(), application)
    assert words in why(decision) if words else decision == AllowVerification()


def test_a_country_is_stopped_by_the_conversion_guard_and_staff_hear_of_it_once_a_day(
    application: Application,
) -> None:
    some_begun(application, 50, successful=14)
    for _ in range(2):
        assert "14 of 50" in why(decide(asked(), application))
    notice = Notice.objects.get()
    assert (notice.account, notice.level) == (None, "warning")
    assert "numbers in SE are stopped" in notice.text
    assert decide(asked("+447700900123"), application) == AllowVerification()
    assert decide(asked(), an_application()) == AllowVerification()


def test_the_guard_stops_ours_too_and_the_notice_survives_the_refusal(
    account: Account, application: Application
) -> None:
    some_begun(application, 50)
    with pytest.raises(verifications.VerificationRefused, match="We verify no numbers in SE for now"):
        started(account)
    assert (Notice.objects.count(), held(account), Row.objects.count()) == (1, 0, 0)


def test_what_was_denied_or_never_begun_says_nothing_about_conversion(application: Application) -> None:
    some_begun(application, 50)
    Verification.objects.filter(status="pending").update(status="denied")
    assert decide(asked(), application) == AllowVerification()


def test_a_network_is_counted_whole(account: Account, application: Application) -> None:
    some_begun(application, 9, from_address="192.0.2.1", ago=timedelta(minutes=10))
    some_begun(application, 9, from_address="192.0.3.1", ago=timedelta(minutes=10))
    started(account, from_address="192.0.2.200")
    with pytest.raises(verifications.VerificationRefused, match="10 verifications from your network"):
        started(account, "+447700900123", from_address="192.0.2.0")
    started(account, "+447700900123", from_address="192.0.3.255")
    started(account, "+447700900124", from_address="2001:db8::1")


# --- ended -----------------------------------------------------------------------------------------------------------


def test_the_result_makes_it_a_number_of_the_account_and_tells_its_systems(
    account: Account, application: Application
) -> None:
    verification = begun(account)
    assert decide(told(verification), application) == Acknowledge()
    verification.refresh_from_db()
    assert (verification.status, account.caller_numbers.get().number) == ("successful", NUMBER)
    assert Delivery.objects.get().data["status"] == "successful"
    assert balance(account) == Decimal("4.95")


@pytest.mark.parametrize("times", [2, 3])
def test_the_same_result_again_changes_nothing(account: Account, application: Application, times: int) -> None:
    verification = begun(account)
    for _ in range(times):
        decide(told(verification), application)
    assert (outcomes(), Delivery.objects.count(), Posting.objects.filter(kind="settlement").count()) == (
        ["decided"], 1, 1,
    )  # fmt: skip


def test_a_result_after_the_report_changes_nothing(account: Account, application: Application) -> None:
    verification = begun(account)
    verifications.report(verification.pk, account, CODE, timezone.now())
    decide(told(verification), application)
    assert (outcomes(), Delivery.objects.count(), account.caller_numbers.count()) == (["decided"], 1, 1)


def test_a_late_result_does_not_bring_back_a_number_that_was_removed_since(
    account: Account, application: Application
) -> None:
    verification = begun(account)
    verifications.report(verification.pk, account, CODE, timezone.now())
    account.caller_numbers.get().delete()
    decide(told(verification), application)
    assert account.caller_numbers.count() == 0


def test_another_story_is_kept_for_a_person(account: Account, application: Application) -> None:
    verification = begun(account)
    decide(told(verification), application)
    decide(told(verification, FAILED, reason="Invalid code"), application)
    verification.refresh_from_db()
    assert (verification.status, outcomes()) == ("successful", ["decided", "conflict"])


@pytest.mark.parametrize("status", [FAILED, DENIED, VerificationStatus.EXPIRED])
def test_once_it_is_over_for_us_another_bad_end_changes_nothing(
    account: Account, application: Application, status: VerificationStatus
) -> None:
    verification = begun(account)
    for _ in range(5):
        with pytest.raises(verifications.VerificationRefused):
            verifications.report(verification.pk, account, "0000", timezone.now())
    decide(told(verification, status, reason="Invalid code"), application)
    verification.refresh_from_db()
    assert (verification.status, verification.reason, outcomes()) == ("failed", "5 wrong tries", ["decided"])
    assert Delivery.objects.count() == 1


def test_successful_for_another_number_is_quarantined(account: Account, application: Application) -> None:
    verification = begun(account)
    decide(told(verification, number="+46701740699"), application)
    verification.refresh_from_db()
    assert (verification.status, outcomes(), account.caller_numbers.count()) == ("pending", ["quarantined"], 0)
    decide(told(verification), application)
    verification.refresh_from_db()
    assert verification.status == "successful"


def test_v1_a_result_that_overtakes_the_answer_charges_and_ends_the_work(
    account: Account, application: Application, desk: Desk
) -> None:
    desk.faults.append(lost)
    verification = begun(account)
    assert row_of(verification).state == "unknown"
    decide(told(verification, verification_id=desk.begun[0].id), application)
    assert row_of(verification).state == "done"
    work()
    verification.refresh_from_db()
    assert (verification.status, verification.provider_id) == ("successful", desk.begun[0].id)
    assert (len(desk.begun), balance(account), held(account)) == (1, Decimal("4.95"), 0)


def test_a_result_before_the_work_was_even_done_means_that_it_was_begun(
    account: Account, application: Application, desk: Desk
) -> None:
    verification = started(account)
    decide(told(verification, FAILED, reason="Invalid code"), application)
    work()
    assert (desk.begun, row_of(verification).state, balance(account)) == ([], "done", Decimal("4.95"))


def test_a_denied_result_gives_the_held_money_back(account: Account, application: Application) -> None:
    verification = started(account)
    decide(told(verification, DENIED, reason="Destination denied"), application)
    verification.refresh_from_db()
    assert (verification.status, verification.reason, available(account)) == (
        "denied", "Destination denied", Decimal(5),
    )  # fmt: skip


def test_late_news_after_it_was_given_up_is_charged_once_and_late(
    account: Account, application: Application, desk: Desk
) -> None:
    desk.faults.append(lost)
    desk.blind = True
    verification = begun(account)
    Row.objects.update(doubtful_since=timezone.now() - timedelta(hours=25))
    work()
    assert (available(account), row_of(verification).state) == (Decimal(5), "dead")
    for _ in range(2):
        decide(told(verification, verification_id=desk.begun[0].id), application)
    verification.refresh_from_db()
    assert (verification.status, verification.charge, balance(account)) == (
        "successful", Decimal("0.05"), Decimal("4.95"),
    )  # fmt: skip
    assert account.caller_numbers.get().verified_at is not None
    assert not Entry.objects.filter(house__startswith="loss").exists()


def test_one_that_an_app_began_ends_in_its_record_alone(application: Application) -> None:
    Endpoint.objects.create(account=None, url="https://operator.example/hooks", secret="whsec_c2VjcmV0")
    decide(asked(id="theirs"), application)
    decide(told(Verification.objects.get()), application)
    kept = Verification.objects.get()
    assert (kept.status, kept.account, Delivery.objects.count(), Posting.objects.count()) == ("successful", None, 0, 0)


def test_an_apps_result_under_our_reference_is_not_ours(account: Account, application: Application) -> None:
    verification = begun(account)
    decide(told(verification, verification_id="an app's own"), application)
    verification.refresh_from_db()
    assert (verification.status, account.caller_numbers.count()) == ("pending", 0)


def test_an_unknown_result_is_kept(application: Application) -> None:
    stranger = Verification(method="sms", number=NUMBER, by_app=True, reference="not-a-uuid")
    assert decide(told(stranger), application) == Acknowledge()
    assert (outcomes(), Verification.objects.count()) == (["decided"], 0)


@pytest.mark.parametrize("status", [VerificationStatus.OTHER, VerificationStatus.PENDING])
def test_a_result_in_words_we_do_not_know_leaves_it_open(
    account: Account, application: Application, status: VerificationStatus
) -> None:
    verification = begun(account)
    decide(told(verification, status, status_word="MAYBE"), application)
    verification.refresh_from_db()
    assert (verification.status, verification.finished_at) == ("pending", None)


def test_a_number_that_was_lost_to_another_account_is_no_quarrel(account: Account, application: Application) -> None:
    verification = begun(account)
    an_account(numbers=[NUMBER])
    for _ in range(2):
        decide(told(verification), application)
    verification.refresh_from_db()
    assert (verification.status, verification.reason, outcomes()) == (
        "failed", "The number belongs to another account by now.", ["decided"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("successful", "sentence"), [(True, "The text was delivered."), (False, "The text was not delivered.")]
)
def test_what_became_of_the_text_is_noted(
    account: Account, application: Application, successful: bool, sentence: str
) -> None:
    verification = begun(account)
    event = VerificationTexted(
        call_id="", verification_id=verification.provider_id, number=NUMBER, successful=successful
    )
    for _ in range(2):
        assert decide(event, application) == Acknowledge()
    verification.refresh_from_db()
    assert (verification.status, verification.reason, outcomes()) == ("pending", sentence, ["decided"])


# --- nothing more is heard -------------------------------------------------------------------------------------------

LATER = timedelta(minutes=16)


def test_one_that_nobody_proved_expires_and_its_account_hears_of_it(account: Account) -> None:
    verification = begun(account)
    assert verification_expiry.expire(timezone.now()).expired == 0
    done = verification_expiry.expire(timezone.now() + LATER)
    verification.refresh_from_db()
    assert (done.expired, verification.status, verification.reason) == (1, "expired", "Nothing was heard of it.")
    assert Delivery.objects.get().data["status"] == "expired"
    assert balance(account) == Decimal("4.95")


def test_one_that_ended_without_our_hearing_is_asked_about(account: Account, desk: Desk) -> None:
    verification = begun(account)
    desk.begun[0].status = SUCCESSFUL
    assert verification_expiry.expire(timezone.now() + LATER).ended == 1
    verification.refresh_from_db()
    assert (verification.status, account.caller_numbers.count()) == ("successful", 1)


def test_a_provider_that_gives_no_answer_is_asked_again_for_a_day(account: Account, desk: Desk) -> None:
    verification = begun(account)
    desk.blind = True
    assert verification_expiry.expire(timezone.now() + LATER).no_answer == 1
    verification.refresh_from_db()
    assert verification.status == "pending"
    assert verification_expiry.expire(timezone.now() + timedelta(hours=25)).expired == 1


def test_after_three_questions_without_an_answer_the_rest_waits(account: Account, desk: Desk) -> None:
    for number in ("+46701740605", "+46701740606", "+46701740607", "+46701740608"):
        begun(account, number=number)
    desk.faults_before += [lost] * 3
    done = verification_expiry.expire(timezone.now() + LATER)
    assert (done.no_answer, done.expired, desk.faults_before) == (4, 0, [])


def test_an_application_without_answers_keeps_those_of_others_waiting_no_longer(account: Account, desk: Desk) -> None:
    for number in ("+46701740605", "+46701740606", "+46701740607"):
        begun(account, number=number)
    other = begun(account, number="+46701740608")
    Verification.objects.filter(pk=other.pk).update(application=an_application(key="another"))
    desk.faults_before += [lost] * 3
    done = verification_expiry.expire(timezone.now() + LATER)
    other.refresh_from_db()
    assert (done.no_answer, done.expired, other.status) == (3, 1, "expired")


def test_one_that_cannot_be_ended_keeps_no_other_waiting(account: Account, desk: Desk) -> None:
    first, second = begun(account), begun(account, number="+46701740606")
    desk.faults_before.append(lambda: RuntimeError("a mistake of ours"))
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        verification_expiry.expire(timezone.now() + LATER)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("pending", "expired")


def test_one_whose_beginning_is_doubted_is_left_to_the_outbox(account: Account, desk: Desk) -> None:
    desk.faults.append(lost)
    verification = begun(account)
    done = verification_expiry.expire(timezone.now() + LATER)
    assert (done.expired, row_of(verification).state, held(account)) == (0, "unknown", Decimal("0.05"))


def test_one_that_an_app_began_expires_without_a_question(application: Application, desk: Desk) -> None:
    decide(asked(), application)
    desk.blind = True
    assert verification_expiry.expire(timezone.now() + LATER).expired == 1
    assert Verification.objects.get().status == "expired"


def test_the_task_does_it_by_the_clock_and_not_twice_at_once(account: Account) -> None:
    verification = begun(account)
    Verification.objects.update(created_at=timezone.now() - LATER)
    with held_elsewhere("telephony.verifications"):
        expire_verifications()
    verification.refresh_from_db()
    assert verification.status == "pending"
    expire_verifications()
    verification.refresh_from_db()
    assert verification.status == "expired"
