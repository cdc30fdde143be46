"""Verifications from the first question to the ledger, against the platform on the desk over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest
import requests
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from billing.models import Entry, Posting
from outbox.models import Pause, Row
from sandbox import Kind, Mishap, Phone, Sandbox
from sandbox.verifications import Verification as Theirs
from telephony import verification_expiry, verifications
from telephony.models import Application, ReceivedEvent, Verification
from telephony.verifications import VerificationRefused
from tests.builders import A_SECRET, a_deck, an_account, an_application, available, balance, held, house
from tests.sinch_caller import PATH
from tests.telephony.verification_scenes import NUMBER, begun, row_of, started, work

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "00000000-0000-4000-8000-00000000c0de"


@dataclass
class Desk:
    """The platform, our application there, and the account that has numbers verified."""

    platform: Sandbox
    application: Application
    account: Account
    url: str

    def theirs(self, verification: Verification) -> Theirs:
        found = self.platform.verifications.by_reference(str(verification.pk))
        assert found is not None
        return found

    def prove(self, verification: Verification, proof: str) -> Verification:
        return verifications.report(verification.pk, self.account, proof, timezone.now())

    def deeds(self, verification: Verification) -> int:
        return len(self.platform.oracle.of(Kind.VERIFICATION, str(verification.pk)))


@pytest.fixture
def desk(live_server: LiveServer) -> Iterator[Desk]:
    a_deck({"46": "0.05", "44": "0.06"}, service="verifications")
    platform = Sandbox(target=live_server.url + PATH, key=KEY, secret=A_SECRET, timeout_seconds=60)
    with platform.rest_server() as url:
        application = an_application(key=KEY, base_url=url)
        yield Desk(platform, application, an_account("Harbour Café", balance="5.00"), url)


def test_by_each_method_the_right_proof_is_charged_and_the_number_is_the_accounts(desk: Desk) -> None:
    for method, number in (("sms", NUMBER), ("flashcall", "+46701740606"), ("callout", "+46701740607")):
        verification = begun(desk.account, method=method, number=number)
        desk.platform.run(10)
        theirs = desk.theirs(verification)
        assert theirs.heard != []
        assert desk.prove(verification, theirs.proof).status == "successful"
        desk.platform.run()
        assert desk.deeds(verification) == 1
    assert list(desk.account.caller_numbers.values_list("number", flat=True)) == [
        NUMBER, "+46701740606", "+46701740607",
    ]  # fmt: skip
    assert (balance(desk.account), held(desk.account)) == (Decimal("4.85"), 0)
    assert house(Entry.House.REVENUE) == Decimal("0.15")
    assert set(ReceivedEvent.objects.values_list("kind", "outcome")) == {
        ("verification_ended", "decided"), ("verification_texted", "decided"),
    }  # fmt: skip


def test_wrong_codes_leave_it_open_until_the_platform_has_had_enough(desk: Desk) -> None:
    verification = begun(desk.account)
    said = []
    for _ in range(4):
        with pytest.raises(VerificationRefused) as error:
            desk.prove(verification, "wrong")
        said.append(str(error.value))
    assert said == [
        "This code is wrong: 4 tries are left.",
        "This code is wrong: 3 tries are left.",
        *["This verification has failed (Invalid code). Start a new one."] * 2,
    ]
    desk.platform.run()
    verification.refresh_from_db()
    assert (verification.status, desk.account.caller_numbers.count()) == ("failed", 0)
    assert balance(desk.account) == Decimal("4.95")


def test_a_text_that_does_not_arrive_fails_and_its_attempt_is_charged(desk: Desk) -> None:
    desk.platform.phones[NUMBER] = Phone.refuses_texts()
    verification = begun(desk.account)
    desk.platform.run(10)
    verification.refresh_from_db()
    assert (verification.status, verification.reason) == ("failed", "SMS delivery failure")
    assert balance(desk.account) == Decimal("4.95")


@pytest.mark.parametrize("mishap", [Mishap.LOST, Mishap.GARBAGE, Mishap.ERROR_AFTER])
def test_v1_a_lost_answer_is_found_by_reference_done_once_and_charged_once(desk: Desk, mishap: Mishap) -> None:
    desk.platform.manners.next(mishap)
    verification = begun(desk.account)
    assert (row_of(verification).state, held(desk.account)) == ("unknown", Decimal("0.05"))
    work()
    verification.refresh_from_db()
    assert (row_of(verification).state, verification.provider_id) == ("done", desk.theirs(verification).id)
    assert (desk.deeds(verification), desk.platform.oracle.duplicates()) == (1, {})
    assert Posting.objects.filter(kind="settlement", subject=verification.pk).count() == 1
    assert (balance(desk.account), held(desk.account)) == (Decimal("4.95"), 0)


@pytest.mark.parametrize("mishap", [Mishap.BUSY, Mishap.ERROR_BEFORE])
def test_what_the_platform_did_not_do_is_done_later_and_once(desk: Desk, mishap: Mishap) -> None:
    desk.platform.manners.next(mishap)
    verification = begun(desk.account)
    Row.objects.update(due_at=timezone.now())
    Pause.objects.all().delete()
    work(2)
    assert (row_of(verification).state, desk.deeds(verification)) == ("done", 1)
    assert (balance(desk.account), held(desk.account)) == (Decimal("4.95"), 0)


def test_without_credit_at_the_platform_nothing_is_begun_and_nothing_is_charged(desk: Desk) -> None:
    desk.platform.out_of_credit = True
    verification = begun(desk.account)
    verification.refresh_from_db()
    assert verification.status == "denied"
    assert "credit" in verification.reason.lower()
    assert (available(desk.account), desk.deeds(verification)) == (Decimal(5), 0)


def test_the_platform_asks_about_ours_and_we_allow_it(desk: Desk) -> None:
    desk.platform.verifications.always_asks = True
    verification = begun(desk.account)
    assert (desk.theirs(verification).status, verification.provider_id) == ("PENDING", desk.theirs(verification).id)
    (event,) = ReceivedEvent.objects.filter(kind="verification_asked")
    assert event.decision == {"decision": "allow_verification"}


def test_what_an_app_begins_is_decided_by_the_policy(desk: Desk) -> None:
    def begins(number: str) -> int:
        body = {"identity": {"type": "number", "endpoint": number}, "method": "sms"}
        headers = {"Authorization": f"Application {KEY}"}
        return requests.post(
            f"{desk.url}/verification/v1/verifications", json=body, headers=headers, timeout=30
        ).status_code

    assert (begins("+447700900123"), begins("+447700900123"), begins("+12025550123")) == (200, 403, 403)
    desk.platform.run(400)  # until the code is no good any more
    kept = Verification.objects.filter(by_app=True).order_by("created_at")
    assert [(each.number, each.status) for each in kept] == [
        ("+447700900123", "expired"), ("+447700900123", "denied"), ("+12025550123", "denied"),
    ]  # fmt: skip
    assert Posting.objects.filter(kind="settlement").count() == 0


def test_a_result_that_never_came_is_asked_for(desk: Desk) -> None:
    verification = begun(desk.account)
    theirs = desk.theirs(verification)
    desk.platform.target = "http://127.0.0.1:1/"  # our address is gone: nobody hears of the result
    desk.platform.verifications.report(theirs, theirs.code)
    desk.platform.run()
    later = timezone.now() + verifications.OPEN_FOR * 2
    assert verification_expiry.expire(later).ended == 1
    verification.refresh_from_db()
    assert (verification.status, verification.provider_cost) == ("successful", Decimal("0.05"))


def test_one_that_nobody_has_begun_yet_is_not_proved(desk: Desk) -> None:
    with pytest.raises(VerificationRefused, match="has not begun yet"):
        desk.prove(started(desk.account), "1234")
