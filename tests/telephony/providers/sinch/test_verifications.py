"""Verifications are begun once by their reference, whatever became of the answer, and proved by code or number."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from outbox.errands import LONGEST_ACTION_SECONDS
from telephony.events import Cost
from telephony.news import VerificationMethod, VerificationStatus
from telephony.providers.base import (
    CommandRefused,
    NotSent,
    ProviderTrouble,
    TooMuchAtOnce,
    VerificationOrder,
    VerificationReport,
)
from telephony.providers.sinch import Sinch
from telephony.providers.sinch.errors import CredentialsRefused, NotEnoughCredit, NotFound
from telephony.providers.sinch.orders import Impossible
from telephony.providers.sinch.rest import DEADLINE_SECONDS
from tests.telephony.providers.sinch.stand_in import Api

SMS, FLASHCALL, CALLOUT, OTHER = VerificationMethod
REFERENCE = "7f6a1b1e-2f40-4c47-9c49-0b1a5b9d8f01"
ORDER = VerificationOrder(reference=REFERENCE, number="+46701740605", method=SMS)
BASE = "/verification/v1/verifications"
BEGUN = {"id": "v-1", "method": "sms", "sms": {"template": "Your code is {{CODE}}.", "interceptionTimeout": 198}}
KNOWN = {
    "id": "v-1",
    "method": "flashCall",
    "status": "PENDING",
    "reference": REFERENCE,
    "identity": {"type": "number", "endpoint": "46701740605"},
    "countryId": "SE",
    "verificationTimestamp": "2026-03-02T08:15:30",
    "price": {
        "verificationPrice": {"currencyId": "USD", "amount": 0.0127},
        "terminationPrice": {"currencyId": "USD", "amount": 0.005},
        "billableDuration": 3,
    },
}
UNKNOWN = (404, {"errorCode": 40400, "message": "No such verification", "reference": "ref-17"})


def is_open(trouble: ProviderTrouble) -> bool:
    """Whether it leaves open what was done."""
    return not isinstance(trouble, CommandRefused | NotSent)


@pytest.mark.parametrize(("method", "word"), [(SMS, "sms"), (FLASHCALL, "flashcall"), (CALLOUT, "callout")])
def test_a_verification_is_begun_with_our_reference(api: Api, method: VerificationMethod, word: str) -> None:
    api.says(BEGUN | {"method": word})
    report = Sinch().start_verification(api.access, replace(ORDER, method=method))
    assert report == VerificationReport(verification_id="v-1", status=VerificationStatus.PENDING, method=method)
    asked = api.only_request()
    assert (asked.method, asked.path) == ("POST", BASE)
    assert asked.json == {
        "identity": {"type": "number", "endpoint": "+46701740605"},
        "method": word,
        "reference": REFERENCE,
    }
    assert "accept-language" not in asked.headers


def test_what_is_said_and_in_which_language_travels_along(api: Api) -> None:
    api.says(BEGUN)
    for method in (SMS, CALLOUT):
        Sinch().start_verification(api.access, replace(ORDER, method=method, custom="web", locale="sv-SE"))
    sms, callout = api.requests
    assert sms.headers["accept-language"] == callout.headers["accept-language"] == "sv-SE"
    assert sms.json["custom"] == "web"
    assert "calloutOptions" not in sms.json
    assert callout.json["calloutOptions"] == {"speech": {"locale": "sv-SE"}}


@pytest.mark.parametrize(
    "changes",
    [
        {"number": ""},
        {"number": "46701740605"},
        {"method": OTHER},
        {"reference": ""},
        {"reference": "a/b"},
        {"reference": ".."},
        {"reference": "r" * 101},
        {"custom": "c" * 4097},
        {"custom": "\ud800"},
        {"locale": "swedish"},
        {"locale": "sv-SE\r\nx: y"},
    ],
)
def test_what_cannot_be_begun_is_refused_unsent(api: Api, changes: dict[str, Any]) -> None:
    with pytest.raises(CommandRefused, match=r"^[TA].*\.$"):
        Sinch().start_verification(api.access, replace(ORDER, **changes))
    assert api.requests == []


@pytest.mark.parametrize("answer", [{}, {"id": ""}, {"id": 5}, {"id": "v" * 101}, {"method": "sms"}])
def test_an_answer_without_an_id_leaves_it_open_whether_it_began(api: Api, answer: object) -> None:
    api.says(answer)
    with pytest.raises(ProviderTrouble, match="which verification") as trouble:
        Sinch().start_verification(api.access, ORDER)
    assert is_open(trouble.value)


DUPLICATES = {
    "conflict": (409, {"errorCode": 40900, "message": "Duplicate"}),
    "parameter": (400, {"errorCode": 40001, "message": "Duplicate reference"}),
    "invalid": (400, {"errorCode": 40003, "message": "No"}),
    "forbidden": (403, {"errorCode": 40300, "message": "No"}),
    "credit": (402, {"errorCode": 40200, "message": "No"}),
}


@pytest.mark.parametrize("refusal", DUPLICATES.values(), ids=DUPLICATES)
def test_one_that_was_begun_before_is_found_however_the_second_is_refused(api: Api, refusal: tuple[int, Any]) -> None:
    """The answer to the first was lost. Whatever the refusal says, the first has cost money and may succeed."""
    api.says_in_turn(refusal, (200, KNOWN))
    report = Sinch().start_verification(api.access, ORDER)
    assert (report.verification_id, report.status) == ("v-1", VerificationStatus.PENDING)
    assert [(asked.method, asked.path) for asked in api.requests] == [
        ("POST", BASE),
        ("GET", f"{BASE}/reference/{REFERENCE}"),
    ]


@pytest.mark.parametrize("name", ["invalid", "forbidden", "credit"])
def test_a_refusal_stands_once_sinch_knows_none_by_the_reference(api: Api, name: str) -> None:
    api.says_in_turn(DUPLICATES[name], UNKNOWN)
    with pytest.raises(CommandRefused, match=r"^Sinch answered with status 40\d: No\.$") as refused:
        Sinch().start_verification(api.access, ORDER)
    assert refused.value.code == str(DUPLICATES[name][1]["errorCode"])
    assert isinstance(refused.value, NotEnoughCredit) is (name == "credit")


@pytest.mark.parametrize("name", ["conflict", "parameter"])
def test_a_refusal_for_the_reference_is_no_proof_that_nothing_began(api: Api, name: str) -> None:
    api.says_in_turn(DUPLICATES[name], UNKNOWN)
    with pytest.raises(ProviderTrouble, match="begun before") as trouble:
        Sinch().start_verification(api.access, ORDER)
    assert is_open(trouble.value)


@pytest.mark.parametrize("second", [(500, {}), (429, {}), (401, {}), (404, {}), (200, {}), (200, [])])
def test_a_refusal_that_cannot_be_looked_into_leaves_it_open(api: Api, second: tuple[int, Any]) -> None:
    api.says_in_turn(DUPLICATES["invalid"], second)
    with pytest.raises(ProviderTrouble) as trouble:
        Sinch().start_verification(api.access, ORDER)
    assert is_open(trouble.value)


@pytest.mark.parametrize(("status", "kind"), [(401, CredentialsRefused), (404, NotFound), (429, TooMuchAtOnce)])
def test_a_refusal_by_the_doorkeeper_says_nothing_of_the_reference_and_is_not_looked_into(
    api: Api, status: int, kind: type[ProviderTrouble]
) -> None:
    api.says({}, status)
    with pytest.raises(kind):
        Sinch().start_verification(api.access, ORDER)
    assert len(api.requests) == 1


def test_both_questions_are_answered_before_an_errand_counts_as_dead() -> None:
    assert DEADLINE_SECONDS * 1.5 < LONGEST_ACTION_SECONDS


@pytest.mark.parametrize(
    ("method", "body"),
    [
        (SMS, {"method": "sms", "sms": {"code": "1234"}}),
        (FLASHCALL, {"method": "flashcall", "flashCall": {"cli": "1234"}}),
        (CALLOUT, {"method": "callout", "callout": {"code": "1234"}}),
    ],
)
def test_the_proof_is_handed_in_as_the_method_wants_it(
    api: Api, method: VerificationMethod, body: dict[str, Any]
) -> None:
    api.says({"id": "v-1", "method": method.value, "status": "SUCCESSFUL", "callComplete": True})
    report = Sinch().report_verification(api.access, "v/1", method, "1234")
    assert (report.verification_id, report.status, report.method) == ("v-1", VerificationStatus.SUCCESSFUL, method)
    asked = api.only_request()
    assert (asked.method, asked.path, asked.json) == ("PUT", f"{BASE}/id/v%2F1", body)


def test_a_proof_may_be_handed_in_by_number(api: Api) -> None:
    api.says({"id": "v-1", "method": "sms", "status": "FAIL", "reason": "Invalid code"})
    report = api.client().verifications.report_number("+46701740605", SMS, "0000")
    assert (report.status, report.reason) == (VerificationStatus.FAILED, "Invalid code")
    # An escaped plus may be undone on the way, and the signature would not fit.
    assert api.only_request().path == f"{BASE}/number/+46701740605"


@pytest.mark.parametrize("proof", ["", "1" * 65, "\ud800"])
def test_what_is_no_proof_is_refused_unsent(api: Api, proof: str) -> None:
    with pytest.raises(CommandRefused, match=r"^The proof .*\.$"):
        Sinch().report_verification(api.access, "v-1", SMS, proof)
    with pytest.raises(CommandRefused, match="verified by one of sms, flashcall, callout"):
        Sinch().report_verification(api.access, "v-1", OTHER, "1234")
    with pytest.raises(NotSent):
        Sinch().report_verification(api.access, "..", SMS, "1234")
    assert api.requests == []


def test_a_finished_verification_takes_no_second_proof(api: Api) -> None:
    api.says_in_turn(UNKNOWN)
    with pytest.raises(CommandRefused, match="does not know this verification"):
        Sinch().report_verification(api.access, "v-1", SMS, "1234")


def test_a_verification_is_asked_about_in_three_ways(api: Api) -> None:
    api.says(KNOWN)
    room = api.client().verifications
    reports = {room.get("v-1"), room.get_by_reference(REFERENCE), room.get_by_number("+46701740605", FLASHCALL)}
    assert reports == {
        VerificationReport(
            verification_id="v-1",
            status=VerificationStatus.PENDING,
            method=FLASHCALL,
            number="+46701740605",
            reference=REFERENCE,
            cost=Cost(currency="USD", amount=Decimal("0.0177")),
        )
    }
    paths = ["/id/v-1", f"/reference/{REFERENCE}", "/flashcall/number/+46701740605"]
    assert [asked.path for asked in api.requests] == [BASE + path for path in paths]
    assert all(asked.is_signed for asked in api.requests)
    with pytest.raises(Impossible):
        room.get_by_number("+46701740605", OTHER)


@pytest.mark.parametrize(
    ("price", "cost"),
    [
        (None, None),
        ({}, None),
        ({"verificationPrice": {"currencyId": "USD", "amount": 0.01}}, Cost(currency="USD", amount=Decimal("0.01"))),
        (
            {
                "verificationPrice": {"currencyId": "USD", "amount": 0.01},
                "terminationPrice": {"currencyId": "EUR", "amount": 5},
            },
            Cost(currency="USD", amount=Decimal("0.01")),
        ),
        ({"verificationPrice": {"currencyId": "USD", "amount": -1}}, None),
    ],
)
def test_what_it_cost_us_is_read_where_it_can_be_believed(api: Api, price: object, cost: Cost | None) -> None:
    api.says(KNOWN | {"price": price})
    assert api.client().verifications.get("v-1").cost == cost


def test_a_status_nobody_knows_is_a_value_and_one_that_is_missing_is_trouble(api: Api) -> None:
    api.says(KNOWN | {"status": "REPLACED"})
    assert api.client().verifications.get("v-1").status is VerificationStatus.OTHER
    api.says(KNOWN | {"status": None})
    with pytest.raises(ProviderTrouble, match="how far"):
        api.client().verifications.get("v-1")


def test_what_sinch_says_it_does_not_know_was_never_begun(api: Api) -> None:
    api.says_in_turn(UNKNOWN)
    assert Sinch().find_verification(api.access, REFERENCE) is None


def test_what_was_begun_is_found_by_its_reference(api: Api) -> None:
    api.says(KNOWN)
    report = Sinch().find_verification(api.access, REFERENCE)
    assert report is not None
    assert report.verification_id == "v-1"
    del api.requests[:]
    api.says({name: value for name, value in KNOWN.items() if name != "reference"})
    assert Sinch().find_verification(api.access, REFERENCE) == replace(report, reference="")


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (404, {}),
        (404, {"errorCode": 40401}),
        (404, []),
        (400, {"errorCode": 40400}),
        (401, {}),
        (403, {}),
        (429, {}),
        (302, {}),
        (500, {}),
        (200, {}),
        (200, []),
        (200, KNOWN | {"reference": "another"}),
    ],
)
def test_nothing_else_says_that_it_was_never_begun(api: Api, status: int, answer: object) -> None:
    """Neither a refusal nor pressure: they would be taken for the fate of the verification, or begin it again."""
    api.says(answer, status)
    with pytest.raises(ProviderTrouble, match=r"^It could not be asked for\. Sinch.*\.$") as trouble:
        Sinch().find_verification(api.access, REFERENCE)
    assert type(trouble.value) is ProviderTrouble


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:1"])
def test_who_cannot_be_asked_has_not_said_that_it_was_never_begun(address: str, api: Api) -> None:
    with pytest.raises(ProviderTrouble) as trouble:
        Sinch().find_verification(replace(api.access, base_url=address), REFERENCE)
    assert type(trouble.value) is ProviderTrouble


@pytest.mark.parametrize("reference", ["", "..", "\ud800"])
def test_a_reference_that_cannot_be_asked_about_is_not_one_that_is_unknown(api: Api, reference: str) -> None:
    with pytest.raises(ProviderTrouble) as trouble:
        Sinch().find_verification(api.access, reference)
    assert type(trouble.value) is ProviderTrouble
    assert api.requests == []
