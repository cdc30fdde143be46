"""Where Sinch calls us back can be asked and said."""

from __future__ import annotations

from typing import Any

import pytest

from telephony.providers.base import ProviderTrouble
from telephony.providers.sinch.callback_urls import Addresses
from tests.telephony.providers.sinch.samples import KEY
from tests.telephony.providers.sinch.stand_in import Api

PATH = f"/v1/configuration/callbacks/applications/{KEY}"
BOTH = Addresses(primary="https://calls.example.com/callbacks/sinch/", fallback="https://second.example.org/")


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ({"primary": BOTH.primary, "fallback": BOTH.fallback}, BOTH),
        ({"Primary": BOTH.primary, "fallback": None}, Addresses(primary=BOTH.primary)),
        ({}, Addresses(primary="")),
    ],
)
def test_the_addresses_are_read(api: Api, url: Any, addresses: Addresses) -> None:
    api.says({"url": url})
    assert api.client().callback_urls.get() == addresses
    assert api.only_request()[:2] == ("GET", PATH)


def test_the_addresses_are_set(api: Api) -> None:
    api.answers(b"")
    api.client().callback_urls.set(BOTH)
    asked = api.only_request()
    assert (asked.method, asked.path) == ("POST", PATH)
    assert asked.json == {"url": {"primary": BOTH.primary, "fallback": BOTH.fallback}}


@pytest.mark.parametrize("answer", [{}, [], {"url": "https://calls.example.com/"}, {"url": None}])
def test_an_answer_without_addresses_is_trouble(api: Api, answer: Any) -> None:
    api.says(answer)
    with pytest.raises(ProviderTrouble, match=r"^Sinch.*\.$"):
        api.client().callback_urls.get()
