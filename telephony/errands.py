"""Everything that telephony carries out of the house, in one list."""

from __future__ import annotations

from outbox.errands import Errand
from telephony.alerting import AlertErrand
from telephony.bridge_legs import CUT
from telephony.callout_dialling import CalloutErrand
from telephony.ending_in_time import WatchErrand
from telephony.hanging_up import HangUpErrand
from telephony.provider_credit import CreditErrand
from telephony.text_asking import TextStatusErrand
from telephony.text_sending import TextErrand
from telephony.verification_starting import StartVerification

ERRANDS: tuple[Errand, ...] = (
    CalloutErrand(),
    HangUpErrand(),
    HangUpErrand(CUT),
    WatchErrand(),
    AlertErrand(),
    CreditErrand(),
    TextErrand(),
    TextStatusErrand(),
    StartVerification(),
)
