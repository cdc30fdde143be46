"""Which providers there are: name to adapter."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from telephony.providers.base import Provider
from telephony.providers.sinch.provider import Sinch

PROVIDERS: Mapping[str, Provider] = {
    "sinch": Sinch(
        tolerance_seconds=settings.SIGNATURE_TOLERANCE_SECONDS,
        late_tolerance_seconds=settings.LATE_EVENT_TOLERANCE_SECONDS,
    )
}
