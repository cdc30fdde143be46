"""Every provider in the register is one that an application can be registered at, under its own name."""

from telephony.applications import KEYRINGS
from telephony.models import Application
from telephony.registry import PROVIDERS


def test_the_register_and_the_applications_know_the_same_providers() -> None:
    assert set(PROVIDERS) == set(Application.Provider.values) == set(KEYRINGS)


def test_every_provider_is_registered_under_its_own_name() -> None:
    assert {name: provider.name for name, provider in PROVIDERS.items()} == {name: name for name in PROVIDERS}


def test_every_provider_can_limit_a_call_to_a_telephone() -> None:
    assert all(provider.capabilities.limits_phone_calls for provider in PROVIDERS.values())
