"""What Sinch tells about no call, read whatever its spelling: verifications and incoming texts."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from telephony.events import Cost
from telephony.news import (
    TextReceived,
    VerificationAsked,
    VerificationEnded,
    VerificationMethod,
    VerificationStatus,
    VerificationTexted,
)
from tests.telephony.providers.sinch.samples import AT, KEY, body_of, changed, parsed

ASKED, ENDED, TEXTED, TEXT = (
    "verification-request",
    "verification-result",
    "verification-sms-delivered",
    "incoming-sms",
)


def asked(**changes: Any) -> VerificationAsked:
    event = parsed(changed(ASKED, **changes))
    assert isinstance(event, VerificationAsked)
    return event


def ended(**changes: Any) -> VerificationEnded:
    event = parsed(changed(ENDED, **changes))
    assert isinstance(event, VerificationEnded)
    return event


def text(**changes: Any) -> TextReceived:
    event = parsed(changed(TEXT, **changes))
    assert isinstance(event, TextReceived)
    return event


def test_a_verification_that_is_asked_about_is_read_with_every_field() -> None:
    assert parsed(body_of(ASKED)) == VerificationAsked(
        call_id="",
        verification_id="1234567890",
        method=VerificationMethod.SMS,
        method_word="sms",
        number="+46701740605",
        reference="signup-77",
        custom="web",
        price=Cost(currency="USD", amount=Decimal("10.5")),
        languages=("sv-SE",),
    )


def test_a_verification_by_missed_call_is_read_in_its_other_spelling() -> None:
    event = parsed(body_of("verification-request-missed-call"))
    assert isinstance(event, VerificationAsked)
    assert (event.method, event.method_word) == (VerificationMethod.FLASHCALL, "flashCall")
    assert (event.number, event.languages, event.application_key) == ("+12025550123", ("en-US", "sv-SE"), KEY)
    assert (event.at, event.version, event.oddities, event.remarks) == (
        AT.replace(microsecond=123456),
        1,
        (),
        (),
    )


def test_the_end_of_a_verification_is_read_with_every_field() -> None:
    assert parsed(body_of("verification-result-failed")) == VerificationEnded(
        call_id="",
        verification_id="1234567890",
        method=VerificationMethod.CALLOUT,
        method_word="callout",
        number="+46701740605",
        reference="signup-77",
        custom="web",
        status=VerificationStatus.EXPIRED,
        status_word="FAIL",
        reason="Expired",
        source="manual",
    )


@pytest.mark.parametrize(("word", "successful"), [("Successful", True), ("SUCCESSFUL", True), ("Failed", False)])
def test_whether_the_code_arrived_is_told(word: str, successful: bool) -> None:
    event = parsed(changed(TEXTED, smsResult=word))
    assert isinstance(event, VerificationTexted)
    assert (event.verification_id, event.successful, event.remarks) == ("1234567890", successful, ())


@pytest.mark.parametrize(("word", "remark"), [(..., "smsResult is missing"), ("Lost", "smsResult is a word we do")])
def test_a_code_of_which_nobody_knows_did_not_arrive(word: object, remark: str) -> None:
    event = parsed(changed(TEXTED, smsResult=word))
    assert isinstance(event, VerificationTexted)
    assert (event.successful, event.oddities) == (False, ())
    assert event.remarks[0].startswith(remark)


@pytest.mark.parametrize(
    ("word", "reason", "status"),
    [
        ("SUCCESSFUL", "", VerificationStatus.SUCCESSFUL),
        ("successful", "", VerificationStatus.SUCCESSFUL),
        ("PENDING", "", VerificationStatus.PENDING),
        ("FAIL", "Invalid code", VerificationStatus.FAILED),
        ("FAIL", "Expired", VerificationStatus.EXPIRED),
        ("FAIL", " expired ", VerificationStatus.EXPIRED),
        ("Failed pending", "", VerificationStatus.FAILED),
        ("Expired", "", VerificationStatus.EXPIRED),
        ("SUCCESSFUL", "Expired", VerificationStatus.SUCCESSFUL),
        ("DENIED", "Denied by callback", VerificationStatus.DENIED),
        ("ABORTED", "", VerificationStatus.FAILED),
        ("ERROR", "Internal error", VerificationStatus.FAILED),
    ],
)
def test_each_status_is_known(word: str, reason: str, status: VerificationStatus) -> None:
    event = ended(status=word, reason=reason)
    assert (event.status, event.status_word, event.reason) == (status, word, reason)
    assert (event.oddities, event.remarks) == ((), ())


@pytest.mark.parametrize("status", ["REPLACED", "x" * 64, 5])
def test_a_status_nobody_knows_is_a_value_and_only_remarked_upon(status: object) -> None:
    event = ended(status=status)
    assert (event.status, event.status_word, event.oddities) == (VerificationStatus.OTHER, str(status), ())
    assert event.remarks == ("status is a word we do not know",)


def test_a_status_that_is_missing_proves_nothing() -> None:
    event = ended(status=...)
    assert (event.status, event.oddities, event.remarks) == (VerificationStatus.OTHER, (), ("status is missing",))


@pytest.mark.parametrize(
    ("word", "method"),
    [
        ("sms", VerificationMethod.SMS),
        ("SMS", VerificationMethod.SMS),
        ("flashcall", VerificationMethod.FLASHCALL),
        ("FlashCall", VerificationMethod.FLASHCALL),
        ("callout", VerificationMethod.CALLOUT),
        ("seamless", VerificationMethod.OTHER),
        ("whatsapp", VerificationMethod.OTHER),
        ("", VerificationMethod.OTHER),
    ],
)
def test_each_method_is_known_in_any_letter_case(word: str, method: VerificationMethod) -> None:
    assert (asked(method=word).method, asked(method=word).method_word) == (method, word)


@pytest.mark.parametrize("name", [ASKED, ENDED, TEXTED])
@pytest.mark.parametrize("id", [..., None, "", 5, [], "x" * 101, "a\nb"])
def test_a_verification_without_an_id_beyond_doubt_is_odd(name: str, id: object) -> None:
    event = parsed(changed(name, id=id))
    assert event.oddities == ("id is missing or is not a short text",)


@pytest.mark.parametrize("identity", [..., None, {}, {"type": "number"}, {"type": "number", "endpoint": " "}, []])
def test_a_question_about_no_number_is_odd_and_news_about_none_is_not(identity: object) -> None:
    assert "identity names no number" in asked(identity=identity).oddities
    assert (ended(identity=identity).number, ended(identity=identity).oddities) == ("", ())


@pytest.mark.parametrize(
    ("identity", "number"),
    [
        ({"type": "number", "endpoint": "46701740605"}, "+46701740605"),
        ({"Type": "Number", "Endpoint": "+46 70 174 06 05"}, "+46701740605"),
        ("+46701740605", "+46701740605"),
        ({"type": "email", "endpoint": "alice@example.com"}, "alice@example.com"),
    ],
)
def test_the_number_is_read_however_it_is_written(identity: object, number: str) -> None:
    assert asked(identity=identity).number == number


@pytest.mark.parametrize(
    ("given", "languages"), [(..., ()), ("sv-SE", ("sv-SE",)), ([], ()), (["a", 5, None, "b"], ("a", "5", "b"))]
)
def test_languages_are_read_however_they_are_given(given: object, languages: tuple[str, ...]) -> None:
    assert asked(acceptLanguage=given).languages == languages


def test_no_more_languages_are_taken_than_anybody_speaks() -> None:
    event = asked(acceptLanguage=["sv-SE"] * 1000)
    assert (len(event.languages), event.oddities) == (64, ())
    assert event.remarks == ("acceptLanguage has more than 64 entries and was cut",)


@pytest.mark.parametrize("name", [ASKED, ENDED, TEXTED, TEXT])
def test_names_and_events_are_read_in_any_letter_case(name: str) -> None:
    plain = json.loads(body_of(name))
    shouted = {key.upper(): value for key, value in plain.items()} | {"EVENT": plain["event"].upper()}
    assert parsed(json.dumps(shouted).encode()) == parsed(body_of(name))


@pytest.mark.parametrize("name", [ASKED, ENDED, TEXTED, TEXT])
def test_new_fields_are_kept_and_another_application_is_odd(name: str) -> None:
    assert parsed(changed(name, mood="sunny")).unknown_fields == ("mood",)
    assert parsed(changed(name, applicationKey="someone-elses")).oddities != ()


def test_two_verifications_are_two_documents() -> None:
    assert asked().document == ended().document == "verification:1234567890"
    assert asked(id="1").document != asked(id="2").document


def test_an_incoming_text_is_read_with_every_field() -> None:
    event = text(messageId=4711, applicationKey=KEY)
    assert event == TextReceived(
        call_id="",
        text_id="4711",
        sender="+46701740606",
        recipient="+46701740605",
        body="Hi",
        at=AT,
        version=1,
        application_key=KEY,
    )


@pytest.mark.parametrize(
    ("sender", "read"),
    [
        ({"type": "number", "endpoint": "46701740606"}, "+46701740606"),
        ("46701740606", "+46701740606"),
        ({"type": "alphanumeric", "endpoint": "Shop"}, "Shop"),
    ],
)
def test_the_sender_of_a_text_may_be_a_name(sender: object, read: str) -> None:
    assert text(**{"from": sender}).sender == read


def test_a_text_from_nobody_is_odd() -> None:
    assert text(**{"from": ...}).oddities == ("from names nobody",)


def test_a_text_without_an_id_is_recognised_when_it_comes_again_and_only_then() -> None:
    ids = {text().text_id, text().text_id, text(timestamp="2026-03-02T08:15:30.0000000Z").text_id}
    assert len(ids) == 1
    assert len(*ids) <= 100
    others = [
        text(timestamp="2026-03-02T08:15:31Z"),
        text(message="Hi!"),
        text(to={"type": "number", "endpoint": "+46701740607"}),
        text(**{"from": {"type": "number", "endpoint": "+46701740607"}}),
    ]
    assert len(ids | {other.text_id for other in others}) == 5
    assert all(other.remarks == () for other in others)


def test_a_text_that_does_not_say_when_it_was_sent_is_remarked_upon() -> None:
    assert text(timestamp=...).remarks == ("timestamp is missing: the same words count as a repeat",)
    assert text(timestamp=..., messageId="m-1").remarks == ()


@pytest.mark.parametrize("message", ["", ..., "a\x00b", "x" * 5000, 5, ["a"]])
def test_whatever_a_text_says_it_is_read(message: object) -> None:
    event = text(message=message)
    assert (event.oddities, len(event.body) <= 4096, "\x00" in event.body) == ((), True, False)
