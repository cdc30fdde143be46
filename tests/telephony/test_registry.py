"""Every provider in the register is one that an application can be registered at, under its own name."""

import pytest

from telephony.applications import KEYRINGS
from telephony.models import Application
from telephony.registry import PROVIDERS, CannotDoThat, crediting, texting, verifying, voice


def test_the_register_and_the_applications_know_the_same_providers() -> None:
    assert set(PROVIDERS) == set(Application.Provider.values) == set(KEYRINGS)


def test_every_provider_is_registered_under_its_own_name() -> None:
    assert {name: provider.name for name, provider in PROVIDERS.items()} == {name: name for name in PROVIDERS}


def test_who_has_an_ability_has_the_methods_for_it() -> None:
    abilities = {
        voice: ("carries_calls", ("ask_about_call", "manage", "place_callout", "check_menu")),
        texting: ("sends_texts", ("send_text", "find_text")),
        verifying: ("verifies_numbers", ("start_verification", "report_verification", "find_verification")),
        crediting: ("tells_credit", ("ask_credit",)),
    }
    for find, (capability, methods) in abilities.items():
        able = {name for name, provider in PROVIDERS.items() if getattr(provider.capabilities, capability)}
        assert able
        for name in able:
            assert all(hasattr(find(name), method) for method in methods)
        for name in PROVIDERS.keys() - able:
            with pytest.raises(CannotDoThat):
                find(name)
