"""Only Sinch can speak for Sinch, and only now."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.events import (
    CallAnswered,
    CallEnded,
    CallIncoming,
    Event,
    Notified,
    PromptAnswered,
    UnknownEvent,
)
from telephony.news import TextReceived, VerificationAsked, VerificationEnded, VerificationTexted
from telephony.providers.base import Callback, CallbackRefused, Credentials, Verified
from telephony.providers.sinch import Sinch, decode_secret, normalise_key
from telephony.providers.sinch.signing import signature, string_to_sign
from tests.telephony.providers.contract import Keys
from tests.telephony.providers.sinch.samples import (
    AT,
    CALL_ID,
    CREDENTIALS,
    KEY,
    PATH,
    PREVIOUS_SECRET,
    SECRET,
    body_of,
    signed,
)

ICE = (
    b'{"event":"ice","callid":"7d1f6a2c-9b3e-4c58-8a70-2f5e6d9c1b04","callResourceUrl":"https://calling-euc1.api.'
    b'sinch.com/calling/v1/calls/id/7d1f6a2c-9b3e-4c58-8a70-2f5e6d9c1b04","timestamp":"2026-03-02T08:15:30Z",'
    b'"version":1,"userRate":{"currencyId":"USD","amount":0.0},"cli":"46701234567","to":{"type":"did","endpoint":'
    b'"+46812345678"},"domain":"pstn","applicationKey":"3f2b8c1e-7a54-4d0b-9c6e-51d2a7f0e8b4",'
    b'"originationType":"PSTN","rdnis":""}'
)
DICE = (
    '{"event":"dice","callid":"7d1f6a2c-9b3e-4c58-8a70-2f5e6d9c1b04","timestamp":"2026-03-02T08:19:02Z","reason":'
    '"CALLERHANGUP","result":"ANSWERED","version":1,"custom":"kund-åäö","user":"alice","debit":{"currencyId":"USD",'
    '"amount":0.1476},"userRate":{"currencyId":"USD","amount":0.0369},"to":{"type":"number","endpoint":'
    '"+46709876543"},"applicationKey":"3f2b8c1e-7a54-4d0b-9c6e-51d2a7f0e8b4","duration":212,"from":"+46701234567"}'
).encode()
ACE = (
    b'{"event":"ace","callid":"822aa4b7-05b4-4d83-87c7-1f835ee0b6f6_257","timestamp":"2014-09-24T10:59:41Z",'
    b'"version":1}'
)


def vector(body: bytes, content_type: str, timestamp: str, mark: str) -> Callback:
    headers = {
        "authorization": f"application {KEY}:{mark}",
        "content-type": content_type,
        "x-timestamp": timestamp,
    }
    return Callback(method="POST", path=PATH, headers=headers, body=body)


A = vector(
    ICE,
    "application/json; charset=utf-8",
    "2026-03-02T08:15:30.1234567Z",
    "AVdRq5tLDAciuL7YLQsQx+DkJqrWET6bSGkLa6RzvQw=",
)
B = vector(DICE, "application/json", "2026-03-02T08:19:02Z", "DwVwJoOt9/Xtj2O8oJw4lzgjacL2vWUZ8NldMLHMaFk=")
C = vector(b"", "application/json", "2026-03-02T08:19:02Z", "5THk5WS65wLHFoL+Y+YsSgtQoSORvuzDaxY+rs6x7D4=")
C_WITH_MD5_OF_NOTHING = vector(
    b"", "application/json", "2026-03-02T08:19:02Z", "TEuJx/77s1cWFWH4HLIEjoonfHF0aW/9G0LIq4Mjaa4="
)
PUBLISHED = Callback(
    method="POST",
    path="/sinch/callback/ace",
    headers={
        "authorization": "application 669E367E-6BBA-48AB-AF15-266871C28135:"
        "Tg6fMyo8mj9pYfWQ9ssbx3Tc1BNC87IEygAfLbJqZb4=",
        "content-type": "application/json",
        "x-timestamp": "2014-09-24T10:59:41Z",
    },
    body=ACE,
)
PUBLISHED_CREDENTIALS = Credentials(
    application_id=1, key="669E367E-6BBA-48AB-AF15-266871C28135", secrets=("BeIukql3pTKJ8RGL5zo0DA==",)
)
NOW = AT + timedelta(seconds=200)


def verify(callback: Callback, *credentials: Credentials, now: datetime = NOW) -> Verified:
    return Sinch().verify(callback, Keys(Sinch(), *(credentials or (CREDENTIALS,))), now)


def refused(callback: Callback, *credentials: Credentials, now: datetime = NOW) -> bool:
    try:
        verify(callback, *credentials, now=now)
    except CallbackRefused:
        return True
    return False


@pytest.mark.parametrize("callback", [A, B, C], ids=["incoming", "ended", "empty body"])
def test_known_signatures_are_accepted(callback: Callback) -> None:
    assert verify(callback).key == KEY


def test_the_signature_in_sinchs_documentation_is_accepted() -> None:
    now = datetime.fromisoformat("2014-09-24T10:59:41Z")
    verified = verify(PUBLISHED, PUBLISHED_CREDENTIALS, now=now)
    assert verified == Verified(application_id=1, key=PUBLISHED_CREDENTIALS.key, signed_at=now)


def test_the_request_vector_of_our_own_is_signed_the_same_way() -> None:
    message = string_to_sign(
        "get", f"/calling/v1/calls/id/{CALL_ID}", "application/json", "2026-03-02T08:20:00.000Z", b""
    )
    assert signature(decode_secret(SECRET), message) == "x+fnlxwW7bDGsUwLg/d6VH/LTTPVYypE6MFHhriK/e8="


def test_an_empty_body_has_an_empty_digest_line_and_not_the_digest_of_nothing() -> None:
    assert refused(C_WITH_MD5_OF_NOTHING)


def flips(text: str) -> list[str]:
    """The text with each one of its lower seven bits turned, character by character."""
    return [text[:at] + chr(ord(text[at]) ^ 1 << bit) + text[at + 1 :] for at in range(len(text)) for bit in range(7)]


@pytest.mark.parametrize("callback", [A, B, C], ids=["incoming", "ended", "empty body"])
@pytest.mark.parametrize("name", ["content-type", "x-timestamp"])
def test_no_bit_of_a_signed_header_may_change(callback: Callback, name: str) -> None:
    for changed in flips(callback.headers[name]):
        assert refused(replace(callback, headers={**callback.headers, name: changed})), changed


def test_no_bit_of_the_signature_may_change() -> None:
    mark = A.headers["authorization"].partition(":")[2]
    for changed in flips(mark):
        assert refused(replace(A, headers={**A.headers, "authorization": f"application {KEY}:{changed}"}))


def test_no_bit_of_the_key_may_change_but_its_letter_case() -> None:
    mark = A.headers["authorization"].partition(":")[2]
    for changed in flips(KEY):
        header = f"application {changed}:{mark}"
        same = normalise_key(changed) == normalise_key(KEY)
        assert refused(replace(A, headers={**A.headers, "authorization": header})) is not same, changed


def test_no_bit_of_the_body_may_change() -> None:
    for at in range(len(ICE)):
        for bit in range(8):
            body = ICE[:at] + bytes([ICE[at] ^ 1 << bit]) + ICE[at + 1 :]
            assert refused(replace(A, body=body))


def test_no_bit_of_the_path_may_change() -> None:
    for changed in flips(PATH):
        assert refused(replace(A, path=changed)), changed


def test_no_bit_of_the_secret_may_differ() -> None:
    secret = b64decode(SECRET)
    for at in range(len(secret)):
        for bit in range(8):
            other = b64encode(secret[:at] + bytes([secret[at] ^ 1 << bit]) + secret[at + 1 :]).decode()
            assert refused(A, replace(CREDENTIALS, secrets=(other,)))


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "POSTS", ""])
def test_another_method_is_refused(method: str) -> None:
    assert refused(replace(A, method=method))


@pytest.mark.parametrize(
    "path",
    [f"{PATH}/", f"/{PATH}", f"{PATH}?x=1", "/hooks/./sinch/voice", "/hooks/sinch/%76oice", "", "/hooks/ö"],
)
def test_another_path_is_refused(path: str) -> None:
    assert refused(replace(A, path=path))


@pytest.mark.parametrize(
    "body",
    [
        ICE + b"\n",
        b"\xef\xbb\xbf" + ICE,
        ICE.replace(b'":', b'": '),
        ICE.decode().encode("utf-16"),
        b"x" * 65_537,
    ],
    ids=["newline", "byte order mark", "written anew", "utf-16", "large"],
)
def test_another_body_is_refused(body: bytes) -> None:
    assert refused(replace(A, body=body))


def test_a_body_above_64_kib_is_refused_even_when_signed() -> None:
    assert not refused(signed(b" " * 65_536))
    assert refused(signed(b" " * 65_537))


MARK = A.headers["authorization"].partition(":")[2]


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "application",
        f"application {KEY}",
        f"application {KEY}:",
        f"application :{MARK}",
        f"application  {KEY}:{MARK}",
        f" application {KEY}:{MARK}",
        f"application {KEY}:{MARK} ",
        f"application {KEY}:{MARK}\n",
        f"application {KEY} :{MARK}",
        f"application {KEY}: {MARK}",
        f"application\t{KEY}:{MARK}",
        f"application {KEY}:{MARK}:{MARK}",
        f"application {KEY}:{MARK},application {KEY}:{MARK}",
        f"application {KEY}:{MARK[:-1]}",
        f"application {KEY}:{MARK}=",
        f"application {KEY}:{MARK.replace('+', '-')}",
        f"applications {KEY}:{MARK}",
        f"{KEY}:{MARK}",
        f"Basic {KEY}:{SECRET}",
        f"Basic {b64encode(f'{KEY}:{SECRET}'.encode()).decode()}",
        f"Bearer {KEY}:{MARK}",
        f"user {KEY}:{MARK}",
        f"service {KEY}:{MARK}",
        f"application {KEY}é:{MARK}",
        f"applıcation {KEY}:{MARK}",
        f"application {KEY}:{'é' * 44}",
        f"application {KEY}:{'A' * 43}\udcff",
        f"application {KEY}:{'A' * 43}=",
        f"application {KEY}:{'A' * 100_000}",
        f"application {'a' * 100_000}:{MARK}",
        f"application {{{KEY}}}:{MARK}",
        "\x00",
    ],
)
def test_a_malformed_authorization_is_refused(header: str) -> None:
    assert refused(replace(A, headers={**A.headers, "authorization": header}))


@pytest.mark.parametrize("scheme", ["application", "Application", "APPLICATION"])
@pytest.mark.parametrize("key", [KEY, KEY.upper(), KEY.replace("-", ""), KEY.replace("-", "").upper()])
def test_scheme_and_key_are_read_in_any_letter_case_with_or_without_dashes(scheme: str, key: str) -> None:
    assert verify(replace(A, headers={**A.headers, "authorization": f"{scheme} {key}:{MARK}"})).key == KEY


@pytest.mark.parametrize("content_type", ["application/json; é", "application/json\udcff", "é"], ids=ascii)
def test_a_content_type_that_is_not_ascii_is_refused_even_when_signed(content_type: str) -> None:
    message = f"POST\nREWF+X220L4/Gw1spXOU7g==\n{content_type}\nx-timestamp:2026-03-02T08:15:30Z\n{PATH}"
    mark = signature(decode_secret(SECRET), message.encode(errors="surrogateescape"))
    assert refused(vector(ACE, content_type, "2026-03-02T08:15:30Z", mark))


def test_each_header_is_needed() -> None:
    for name in A.headers:
        for headers in ({k: v for k, v in A.headers.items() if k != name}, {**A.headers, name: ""}):
            assert refused(replace(A, headers=headers))


@pytest.mark.parametrize(
    "timestamp",
    [
        "yesterday",
        "2026-03-02",
        "2026-03-02 08:15:30Z",
        "2026-03-02T08:15Z",
        "2026-03-02T08:15:30z",
        "2026-03-02T08:15:30.Z",
        "2026-03-02T08:15:30.12345678Z",
        "2026-02-30T08:15:30Z",
        "2026-03-02T25:15:30Z",
        "٢٠٢٦-03-02T08:15:30Z",
        "2026-W10-1T08:15:30Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "1772439330",
        " 2026-03-02T08:15:30Z",
        "2026-03-02T08:15:30Z\n",
    ],
)
def test_a_timestamp_that_cannot_be_read_is_refused_even_when_signed(timestamp: str) -> None:
    assert refused(signed(ICE, timestamp=timestamp))


@pytest.mark.parametrize(
    ("timestamp", "microsecond"),
    [
        ("2026-03-02T08:15:30Z", 0),
        ("2026-03-02T08:15:30", 0),
        ("2026-03-02T08:15:30.1Z", 100_000),
        ("2026-03-02T08:15:30.1234567Z", 123_456),
        ("2026-03-02T09:15:30+01:00", 0),
    ],
)
def test_the_timestamp_may_have_fractions_and_lack_its_zone(timestamp: str, microsecond: int) -> None:
    assert verify(signed(ICE, timestamp=timestamp)).signed_at == AT.replace(microsecond=microsecond)


@pytest.mark.parametrize(
    ("seconds", "accepted"),
    [(-301, False), (-300, True), (0, True), (301, True), (86_400, True), (86_401, False)],
)
def test_a_callback_is_taken_up_to_a_day_late_and_five_minutes_early(seconds: int, accepted: bool) -> None:
    callback = signed(ICE, timestamp="2026-03-02T08:15:30Z")
    assert refused(callback, now=AT + timedelta(seconds=seconds)) is not accepted


def test_the_tolerances_can_be_set() -> None:
    strict = Sinch(tolerance_seconds=10, late_tolerance_seconds=60)
    callback = signed(ICE, timestamp="2026-03-02T08:15:30Z")
    with pytest.raises(CallbackRefused):
        strict.verify(callback, Keys(strict, CREDENTIALS), AT + timedelta(seconds=61))
    verified = strict.verify(callback, Keys(strict, CREDENTIALS), AT)
    with pytest.raises(CallbackRefused):
        strict.check_freshness(CallIncoming(call_id=CALL_ID), verified, AT + timedelta(seconds=11))


@pytest.mark.parametrize("event_class", [CallIncoming, CallAnswered, PromptAnswered, VerificationAsked])
def test_a_question_may_be_five_minutes_off_in_both_directions(event_class: type[Event]) -> None:
    event, verified = event_class(call_id=CALL_ID), Verified(application_id=7, key=KEY, signed_at=AT)
    for seconds in (-300, 0, 300):
        assert Sinch().check_freshness(event, verified, AT + timedelta(seconds=seconds)) is True
    for seconds in (-301, 301):
        with pytest.raises(CallbackRefused):
            Sinch().check_freshness(event, verified, AT + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "event_class", [CallEnded, Notified, UnknownEvent, VerificationEnded, VerificationTexted, TextReceived]
)
def test_news_is_in_time_for_five_minutes_and_late_afterwards(event_class: type[Event]) -> None:
    event, verified = event_class(call_id=CALL_ID), Verified(application_id=7, key=KEY, signed_at=AT)
    assert Sinch().check_freshness(event, verified, AT + timedelta(seconds=300)) is True
    assert Sinch().check_freshness(event, verified, AT + timedelta(seconds=301)) is False


def test_during_a_rotation_either_secret_is_good() -> None:
    both = replace(CREDENTIALS, secrets=(PREVIOUS_SECRET, SECRET))
    assert verify(A, both).key == KEY
    assert verify(signed(ICE, secret=PREVIOUS_SECRET), both).key == KEY
    assert refused(signed(ICE, secret=PREVIOUS_SECRET))


def test_a_broken_secret_beside_a_good_one_does_no_harm() -> None:
    assert verify(A, replace(CREDENTIALS, secrets=("not base64!", SECRET))).key == KEY


@pytest.mark.parametrize("secrets", [(), ("",), ("====",), ("not base64!",), ("é",)])
def test_without_a_usable_secret_everything_is_refused(secrets: tuple[str, ...]) -> None:
    message = string_to_sign("POST", PATH, "application/json", "2026-03-02T08:15:30Z", ICE)
    forged = vector(ICE, "application/json", "2026-03-02T08:15:30Z", signature(b"", message))
    assert refused(forged, replace(CREDENTIALS, secrets=secrets))


def test_two_applications_on_one_address_do_not_take_each_others_secret() -> None:
    other = Credentials(application_id=8, key="669E367E-6BBA-48AB-AF15-266871C28135", secrets=(PREVIOUS_SECRET,))
    assert verify(signed(ICE), CREDENTIALS, other).application_id == 7
    assert verify(signed(ICE, key=other.key, secret=PREVIOUS_SECRET), CREDENTIALS, other).application_id == 8
    assert refused(signed(ICE, key=other.key), CREDENTIALS, other)


@pytest.mark.parametrize(
    "secret", ["-_-_-_-_-_-_-_-_-_-_-w==", "+/+/+/+/+/+/+/+/+/+/+w", " +/+/+/+/+/+/+/+/+/+/+w==\n"]
)
def test_a_secret_is_read_in_every_spelling_of_base64(secret: str) -> None:
    assert decode_secret(secret) == b64decode("+/+/+/+/+/+/+/+/+/+/+w==")


@pytest.mark.parametrize("secret", ["", "=", "A", "AAAA!", "AA AA", "ÄÄÄÄ", "A=A=", "AAECAw=B"])
def test_a_secret_that_is_not_base64_is_refused_with_a_sentence(secret: str) -> None:
    with pytest.raises(ValueError, match=re.compile(r"^The application secret is")):
        decode_secret(secret)


@given(
    headers=st.dictionaries(st.sampled_from(["authorization", "content-type", "x-timestamp"]), st.text()),
    body=st.binary(max_size=100),
    path=st.text(),
)
def test_nothing_but_a_refusal_comes_of_any_headers(headers: dict[str, str], body: bytes, path: str) -> None:
    assert refused(Callback(method="POST", path=path, headers=headers, body=body))


def test_every_sample_verifies_with_its_own_signature() -> None:
    assert verify(signed(body_of("dice"))).application_id == 7
