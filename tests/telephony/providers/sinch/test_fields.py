"""Each field is read within bounds, and says what was wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from telephony.events import (
    CallAnswered,
    CallEnded,
    Caller,
    CallerMode,
    Cost,
    Endpoint,
    EndpointKind,
)
from tests.telephony.providers.sinch.samples import (
    AT,
    CALL_ID,
    body_of,
    changed,
    ended,
    incoming,
    parsed,
)


@pytest.mark.parametrize(
    ("cli", "caller"),
    [
        ("", Caller()),
        (None, Caller()),
        ("private", Caller(text="private")),
        ("Private", Caller(text="Private")),
        ("46701740605", Caller(mode=CallerMode.NUMERIC, number="+46701740605", text="46701740605")),
        ("+46701740605", Caller(mode=CallerMode.NUMERIC, number="+46701740605", text="+46701740605")),
        (" +46 701 740605 ", Caller(mode=CallerMode.NUMERIC, number="+46701740605", text="+46 701 740605")),
        ("112", Caller(mode=CallerMode.NUMERIC, text="112")),
        ("0701740605", Caller(mode=CallerMode.NUMERIC, text="0701740605")),
        ("4" * 16, Caller(mode=CallerMode.NUMERIC, text="4" * 16)),
        ("Alice", Caller(mode=CallerMode.ALPHANUMERIC, text="Alice")),
        ("٤٦٧٠٠٧٤٠٦٠٥", Caller(mode=CallerMode.ALPHANUMERIC, text="٤٦٧٠٠٧٤٠٦٠٥")),
        (
            "Alice <+46701740605>",
            Caller(mode=CallerMode.FULL, number="+46701740605", name="Alice", text="Alice <+46701740605>"),
        ),
        (
            '"Al" <46701740605>',
            Caller(mode=CallerMode.FULL, number="+46701740605", name="Al", text='"Al" <46701740605>'),
        ),
        ("Alice <bob>", Caller(mode=CallerMode.ALPHANUMERIC, text="Alice <bob>")),
        ("<1> <+46701740605>", Caller(mode=CallerMode.ALPHANUMERIC, text="<1> <+46701740605>")),
        (46701740605, Caller(mode=CallerMode.NUMERIC, number="+46701740605", text="46701740605")),
    ],
)
def test_a_caller_is_read_in_each_way_of_being_shown(cli: Any, caller: Caller) -> None:
    assert incoming(cli=cli).caller == caller


def test_the_caller_of_an_ended_call_may_be_an_identity() -> None:
    caller = ended(**{"from": {"type": "number", "endpoint": "46701740605"}}).caller
    assert caller.number == "+46701740605"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("number", EndpointKind.NUMBER),
        ("Number", EndpointKind.NUMBER),
        ("username", EndpointKind.USER),
        ("sip", EndpointKind.SIP),
        ("Did", EndpointKind.ACCESS_NUMBER),
        ("conference", EndpointKind.CONFERENCE),
        ("email", EndpointKind.EMAIL),
        ("fax", EndpointKind.OTHER),
        ("", EndpointKind.OTHER),
    ],
)
def test_each_kind_of_destination_is_known(word: str, kind: EndpointKind) -> None:
    destination = incoming(to={"type": word, "endpoint": "x"}).destination
    assert destination == Endpoint(kind=kind, value="x", word=word)


@pytest.mark.parametrize(
    ("dialled", "value"),
    [
        ("442079460000", "+442079460000"),
        ("+442079460000", "+442079460000"),
        ("02079460000", "02079460000"),
        ("00442079460000", "00442079460000"),
        ("+44 20 7946 0000", "+442079460000"),
        ("+442079460000#9", "+442079460000#9"),
    ],
)
def test_a_destination_gets_its_plus_back_and_is_otherwise_as_given(dialled: str, value: str) -> None:
    assert incoming(to={"type": "number", "endpoint": dialled}).destination.value == value


def test_the_type_of_the_destination_counts_when_the_domain_disagrees() -> None:
    event = incoming(to={"type": "conference", "endpoint": "weekly"}, domain="PSTN")
    assert (event.destination.kind, event.domain) == (EndpointKind.CONFERENCE, "pstn")


@pytest.mark.parametrize("to", [..., None, [], "+442079460000", 5])
def test_a_destination_without_a_type_is_remarked_upon(to: Any) -> None:
    event = incoming(to=to)
    assert event.destination.kind is EndpointKind.OTHER
    assert event.remarks
    assert event.oddities == ()


@pytest.mark.parametrize("duration", [12, "12", 12.0, "012"])
def test_a_duration_is_read_as_number_text_or_whole_fraction(duration: Any) -> None:
    event = ended(duration=duration)
    assert (event.duration_seconds, event.oddities) == (12, ())


@pytest.mark.parametrize(
    "duration",
    [
        True,
        False,
        -1,
        -0.5,
        12.5,
        "12.0",
        "-1",
        "",
        "twelve",
        "१२",
        "1e3",
        10_000_001,
        1e99,
        10**25,
        [],
        {},
        [12],
    ],
)
def test_any_other_duration_is_odd(duration: Any) -> None:
    event = ended(duration=duration)
    assert event.duration_seconds is None
    assert event.oddities == ("duration is not a number of whole seconds",)


def test_the_longest_believable_duration_is_taken() -> None:
    assert ended(duration=10_000_000).duration_seconds == 10_000_000
    assert ended(duration=0).duration_seconds == 0


def test_a_doubtful_duration_of_an_incoming_call_matters_little() -> None:
    event = incoming(duration="x")
    assert (event.duration_seconds, event.oddities) == (None, ())
    assert event.remarks


@pytest.mark.parametrize(
    "debit",
    [
        {"currencyId": "USD", "amount": -0.01},
        {"currencyId": "USD", "amount": 1_000_000_001},
        {"currencyId": "USD", "amount": 1e99},
        {"currencyId": "USD", "amount": 1e-21},
        {"currencyId": "USD", "amount": "0.1"},
        {"currencyId": "USD", "amount": True},
        {"currencyId": "USD"},
        {"amount": 1},
        {"currencyId": "DOLLARS", "amount": 1},
        {"currencyId": "US", "amount": 1},
        {"currencyId": "U$D", "amount": 1},
        {"currencyId": "ÅÄÖ", "amount": 1},
        {"currencyId": 840, "amount": 1},
        {},
        [],
        "0.1 USD",
        0.1,
        True,
    ],
)
def test_a_cost_that_cannot_be_believed_is_remarked_upon_and_never_odd(debit: Any) -> None:
    event = ended(debit=debit)
    assert event.cost is None
    assert event.remarks == ("debit is not a currency and an amount that can be believed",)
    assert event.oddities == ()
    assert event.duration_seconds == 212


def test_a_cost_is_exact_and_its_currency_is_written_large() -> None:
    raw = body_of("dice").replace(b"0.1476", b"0.10000000000000000001").replace(b'"USD"', b'"usd"', 1)
    event = parsed(raw)
    assert isinstance(event, CallEnded)
    assert event.cost == Cost(currency="USD", amount=Decimal("0.10000000000000000001"))
    assert event.remarks == ("debit has its currency in lower case",)


@pytest.mark.parametrize("debit", [..., None])
def test_a_call_without_a_cost_is_quite_usual(debit: Any) -> None:
    event = ended(debit=debit)
    assert (event.cost, event.remarks) == (None, ())


def test_a_name_given_twice_is_odd() -> None:
    body = body_of("dice").rstrip().removesuffix(b"}") + b',"duration":1}'
    assert parsed(body).oddities == ("duration is given more than once",)
    nested = body_of("dice").replace(b'"amount"', b'"amount":1,"amount"', 1)
    assert parsed(nested).oddities == ("amount is given more than once",)


def test_one_call_id_in_two_spellings_is_fine_and_two_call_ids_are_odd() -> None:
    assert incoming(callId=CALL_ID).oddities == ()
    assert incoming(callId="another").oddities == ("callid is given more than once",)


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        ("2026-03-02T08:15:30", AT),
        ("2026-03-02T08:15:30.1234567Z", AT.replace(microsecond=123456)),
        ("2026-03-02T10:15:30+02:00", AT),
        (..., None),
        (None, None),
    ],
)
def test_a_time_without_a_zone_is_utc(timestamp: Any, at: datetime | None) -> None:
    event = incoming(timestamp=timestamp)
    assert (event.at, event.remarks) == (at, ())
    assert at is None or (event.at is not None and event.at.tzinfo is UTC)


@pytest.mark.parametrize("timestamp", ["soon", "2026-02-30T08:15:30Z", 1772439330, [], "0001-01-01T00:00:00+01:00"])
def test_a_time_that_cannot_be_read_is_remarked_upon(timestamp: Any) -> None:
    event = incoming(timestamp=timestamp)
    assert event.at is None
    assert event.remarks
    assert event.oddities == ()


def test_no_text_holds_what_a_database_refuses() -> None:
    event = incoming(
        custom="a\x00b",
        user="\ud800",
        cookies=[{"key": "\x00", "value": "\udfff"}],
        rdnis="\x00",
        cli="\ud83d\ude00 \x00",
    )
    assert event.custom == "a\ufffdb"
    assert event.client_user == "\ufffd"
    assert event.cookies == {"\ufffd": "\ufffd"}
    assert event.redirected_from == "\ufffd"
    assert event.caller.text == "\U0001f600 \ufffd"


def test_texts_are_cut_to_a_sane_length_with_a_remark() -> None:
    event = incoming(custom="x" * 5000)
    assert event.custom == "x" * 4096
    assert event.remarks == ("custom is longer than 4096 characters and was cut",)


@pytest.mark.parametrize("custom", [True, [], {"a": 1}])
def test_a_text_that_is_none_is_left_out_with_a_remark(custom: Any) -> None:
    event = incoming(custom=custom)
    assert (event.custom, event.remarks) == ("", ("custom is not a text",))


def test_of_two_cookies_with_one_key_the_last_counts() -> None:
    assert incoming(cookies=[{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]).cookies == {"a": "2"}


@pytest.mark.parametrize("cookies", ["a=b", {"a": "b"}, 5, [5], [["a", "b"]], [{"value": "b"}], [{"key": 1}]])
def test_cookies_that_are_no_list_of_keys_and_values_are_remarked_upon(cookies: Any) -> None:
    event = incoming(cookies=cookies)
    assert event.cookies == {}
    assert event.remarks == ("cookies is not a list of keys and values",)


def test_no_more_than_64_cookies_are_read() -> None:
    event = incoming(cookies=[{"key": str(number), "value": ""} for number in range(65)])
    assert len(event.cookies) == 64
    assert event.remarks == ("cookies has more than 64 entries and was cut",)


@pytest.mark.parametrize("amd", ["human", [], 5, True])
def test_a_machine_that_is_no_object_is_remarked_upon(amd: Any) -> None:
    event = parsed(changed("ace", amd=amd))
    assert isinstance(event, CallAnswered)
    assert (event.machine, event.remarks) == (None, ("amd is not an object",))
