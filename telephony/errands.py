"""Everything that telephony carries out of the house, in one list."""

from __future__ import annotations

from outbox.errands import Errand
from telephony.alerting import AlertErrand
from telephony.callout_dialling import CalloutErrand
from telephony.provider_credit import CreditErrand
from telephony.text_asking import TextStatusErrand
from telephony.text_sending import TextErrand
from telephony.verification_starting import StartVerification

ERRANDS: tuple[Errand, ...] = (
    CalloutErrand(),
    AlertErrand(),
    CreditErrand(),
    TextErrand(),
    TextStatusErrand(),
    StartVerification(),
)
