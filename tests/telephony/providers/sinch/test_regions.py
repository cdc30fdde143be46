"""Calls have an address for each region, numbers and settings one for all, and a sandbox one for everything."""

from __future__ import annotations

import pytest

from telephony.providers.sinch.regions import (
    CALLING,
    CONFIGURATION,
    MESSAGING,
    VERIFICATION,
    calling_url,
    configuration_url,
    messaging_url,
    verification_url,
)


@pytest.mark.parametrize("region", CALLING)
def test_every_region_has_its_address_and_shares_the_settings(region: str) -> None:
    address = calling_url(f" {region.upper()} ")
    assert address.startswith("https://calling")
    for beside, usual in (
        (configuration_url, CONFIGURATION),
        (verification_url, VERIFICATION),
        (messaging_url, MESSAGING),
    ):
        assert beside(address) == beside(address + "/") == usual


def test_a_region_nobody_knows_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'mars'; there are global, use1, euc1"):
        calling_url("mars")


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8001", "https://sandbox.example.com/sinch"])
def test_a_sandbox_is_asked_for_everything(base_url: str) -> None:
    assert configuration_url(base_url) == verification_url(base_url) == messaging_url(base_url) == base_url
