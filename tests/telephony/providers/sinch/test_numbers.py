"""Numbers: those we rent, and what Sinch knows about any."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from telephony.events import Cost
from telephony.providers.base import ProviderTrouble
from telephony.providers.sinch.errors import RequestRefused
from telephony.providers.sinch.numbers import Capability, NumberFacts, NumberKind, RentedNumber
from tests.telephony.providers.sinch.samples import KEY
from tests.telephony.providers.sinch.stand_in import Api

LONDON = "+442079460000"


def test_the_numbers_we_rent_are_listed(api: Api) -> None:
    api.says(
        {
            "numbers": [
                {"number": "442079460000", "applicationkey": KEY, "capability": "voice"},
                {"number": "+46846500401", "applicationKey": None, "capability": "SMS"},
                {"number": "+12025550123", "capability": "fax"},
            ]
        }
    )
    assert api.client().numbers.rented() == (
        RentedNumber(number=LONDON, application_key=KEY, capability=Capability.VOICE, capability_word="voice"),
        RentedNumber(number="+46846500401", application_key="", capability=Capability.SMS, capability_word="SMS"),
        RentedNumber(number="+12025550123", application_key="", capability=Capability.OTHER, capability_word="fax"),
    )
    assert api.only_request()[:2] == ("GET", "/v1/configuration/numbers")


def test_numbers_are_assigned_to_the_application(api: Api) -> None:
    api.answers(b"")
    api.client().numbers.assign([LONDON, "+46846500401"])
    asked = api.only_request()
    assert (asked.method, asked.path) == ("POST", "/v1/configuration/numbers")
    assert asked.json == {"numbers": [LONDON, "+46846500401"], "applicationkey": KEY, "capability": "voice"}


def test_a_number_is_taken_away_from_the_application(api: Api) -> None:
    api.answers(b"", 204)
    api.client().numbers.unassign(LONDON, Capability.SMS)
    asked = api.only_request()
    assert (asked.method, asked.path) == ("DELETE", "/v1/configuration/numbers")
    assert asked.json == {"number": LONDON, "applicationkey": KEY, "capability": "sms"}


def test_a_capability_nobody_knows_is_never_sent(api: Api) -> None:
    for order in (api.client().numbers.assign, api.client().numbers.unassign):
        with pytest.raises(ValueError, match="voice or for text messages"):
            order(LONDON, Capability.OTHER)
    assert api.requests == []


@pytest.mark.parametrize("wrapper", ["number", "numberItem", "NumberItem"])
def test_a_number_is_known_under_both_names_of_the_wrapper(api: Api, wrapper: str) -> None:
    facts = (
        '{"countryId":"gb","numberType":"Mobile","normalizedNumber":"+447700900123","restricted":false,'
        '"rate":{"currencyId":"USD","amount":0.0369}}'
    )
    api.answers(f'{{"{wrapper}":{facts}}}'.encode())
    assert api.client().numbers.query("+447700900123") == NumberFacts(
        number="+447700900123",
        country="GB",
        kind=NumberKind.MOBILE,
        kind_word="Mobile",
        restricted=False,
        rate=Cost(currency="USD", amount=Decimal("0.0369")),
    )
    assert api.only_request()[:2] == ("GET", "/v1/calling/query/number/%2B447700900123")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Fixed", NumberKind.FIXED),
        ("mobile", NumberKind.MOBILE),
        ("UNKNOWN", NumberKind.UNKNOWN),
        ("Other", NumberKind.OTHER),
        ("Satellite", NumberKind.OTHER),
        ("", NumberKind.OTHER),
    ],
)
def test_each_kind_of_line_is_known(api: Api, word: str, kind: NumberKind) -> None:
    api.says({"number": {"numberType": word, "restricted": "perhaps", "rate": "dear"}})
    facts = api.client().numbers.query(LONDON)
    assert (facts.kind, facts.kind_word, facts.restricted, facts.rate) == (kind, word, None, None)


@pytest.mark.parametrize("answer", [{}, [], {"number": "+1"}, {"number": None}])
def test_an_answer_that_says_nothing_about_the_number_is_trouble(api: Api, answer: Any) -> None:
    api.says(answer)
    with pytest.raises(ProviderTrouble, match=r"^Sinch.*\.$"):
        api.client().numbers.query(LONDON)


@pytest.mark.parametrize("answer", [{}, [], {"numbers": {}}, {"numbers": [LONDON]}])
def test_an_answer_that_lists_nothing_is_trouble(api: Api, answer: Any) -> None:
    api.says(answer)
    with pytest.raises(ProviderTrouble, match=r"^Sinch.*\.$"):
        api.client().numbers.rented()


def test_a_refusal_is_told(api: Api) -> None:
    api.answers(json.dumps({"errorCode": 40001, "message": "Bad number"}).encode(), 400)
    with pytest.raises(RequestRefused, match="Bad number"):
        api.client().numbers.assign([LONDON])
