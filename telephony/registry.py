"""Which providers there are: name to adapter, and which of them can do what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from django.conf import settings

from telephony.providers.base import Adapter, Creditor, Provider, TextProvider, Verifier
from telephony.providers.sift.provider import Sift
from telephony.providers.sinch.provider import Sinch
from telephony.providers.sinch.texts import SinchTexts
from telephony.providers.voximplant.provider import Voximplant

PROVIDERS: Mapping[str, Adapter] = {
    "sinch": Sinch(
        tolerance_seconds=settings.SIGNATURE_TOLERANCE_SECONDS,
        late_tolerance_seconds=settings.LATE_EVENT_TOLERANCE_SECONDS,
    ),
    "sinch_sms": SinchTexts(),
    "voximplant": Voximplant(),
    "sift": Sift(),
}


class CannotDoThat(LookupError):
    """The provider has no such ability."""


def voice(name: str) -> Provider:
    """The provider, to ask and tell about calls. Raises CannotDoThat."""
    return cast(Provider, _able(name, PROVIDERS[name].capabilities.carries_calls))


def texting(name: str) -> TextProvider:
    """The provider, to send texts by. Raises CannotDoThat."""
    return cast(TextProvider, _able(name, PROVIDERS[name].capabilities.sends_texts))


def verifying(name: str) -> Verifier:
    """The provider, to verify numbers by. Raises CannotDoThat."""
    return cast(Verifier, _able(name, PROVIDERS[name].capabilities.verifies_numbers))


def crediting(name: str) -> Creditor:
    """The provider, to ask what we have there. Raises CannotDoThat."""
    return cast(Creditor, _able(name, PROVIDERS[name].capabilities.tells_credit))


def _able(name: str, able: bool) -> Adapter:
    if not able:
        raise CannotDoThat(f"{name} cannot do that.")
    return PROVIDERS[name]
