"""Sinch's REST APIs for one application: placing a call, asking about one, telling a running one what to do, the rest.

>>> from telephony.providers.sinch.regions import calling_url
>>> client = SinchClient(calling_url("euc1"), "3f2b8c1e-7a54-4d0b-9c6e-51d2a7f0e8b4", "AAECAwQFBgcICQoLDA0ODw==")
>>> client.sign("GET", "/calling/v1/calls/id/c-1001", "2026-03-02T08:20:00.000Z")
'Application 3f2b8c1e-7a54-4d0b-9c6e-51d2a7f0e8b4:biYIrdsAD+uDzfVeVPp2VqdsyS5wejFkwt/yEDVkHcY='

Errors are those of `errors`: all of them are ProviderTrouble.
"""

from __future__ import annotations

from enum import StrEnum

from telephony.events import CallEnded
from telephony.providers.base import CallReport, ProviderTrouble
from telephony.providers.reading import JsonObject
from telephony.providers.sinch.callback_urls import CallbackUrls
from telephony.providers.sinch.classic_texts import ClassicTexts
from telephony.providers.sinch.conferences import Conferences
from telephony.providers.sinch.errors import CallNotFound
from telephony.providers.sinch.fields import Fields
from telephony.providers.sinch.numbers import Numbers
from telephony.providers.sinch.parse import read_ended
from telephony.providers.sinch.regions import configuration_url, messaging_url, verification_url
from telephony.providers.sinch.rest import DEADLINE_SECONDS, Authentication, Rest, segment
from telephony.providers.sinch.verifications import Verifications

CALLOUTS_PATH = "/calling/v1/callouts"


class Leg(StrEnum):
    """Whose half of a call hears a prompt."""

    CALLER = "caller"
    CALLEE = "callee"
    BOTH = "both"


class SinchClient:
    """One application at Sinch. `base_url` is a region's (see `regions`), or that of a sandbox for everything."""

    def __init__(
        self,
        base_url: str,
        key: str,
        secret: str,
        *,
        authentication: Authentication = Authentication.SIGNED,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """Raises ValueError when the address is not HTTP or the secret is not base64."""

        def at(url: str) -> Rest:
            return Rest(url, key, secret, authentication=authentication, deadline_seconds=deadline_seconds)

        self._calls = at(base_url)
        self.conferences = Conferences(self._calls)
        self.numbers = Numbers(at(configuration_url(base_url)), key)
        self.callback_urls = CallbackUrls(at(configuration_url(base_url)), key)
        self.verifications = Verifications(at(verification_url(base_url)))
        self.texts = ClassicTexts(at(messaging_url(base_url)))

    def place_callout(self, body: bytes) -> str:
        """Have a call placed, as `callouts.callout` describes it; returns its id.

        Raises NotSent or RequestRefused when it was certainly not placed; after any other ProviderTrouble it may be
        ringing.
        """
        answer = Fields(self._calls.ask("POST", CALLOUTS_PATH, body, subject="callouts at this address"))
        call_id = answer.call_id()
        if answer.oddities:
            raise ProviderTrouble("Sinch's answer does not say which call it placed.")
        return call_id

    def get_call(self, call_id: str) -> CallReport:
        """What Sinch says about a call; `ended` is read as a DiCE would be, doubts included.

        Raises CallUnknown when Sinch does not know it, ProviderTrouble when there is no answer to rely on.
        """
        values = self._calls.get(_path(call_id), subject="this call", not_found=CallNotFound)
        if values.get("callid") not in (None, call_id):
            raise ProviderTrouble("Sinch answered about another call than the one asked for.")
        return CallReport(call_id=call_id, ended=_ended(values, call_id))

    def patch_call(self, call_id: str, svaml: bytes) -> None:
        """Have a running call do what the SVAML says. Sinch takes it between ACE and DiCE, or while it is parked.

        Raises CommandRefused when Sinch will not (CallNotFound when it does not know the call), ProviderTrouble when
        nothing is known about what it did.
        """
        self._calls.send("PATCH", _path(call_id), svaml, subject="this call", not_found=CallNotFound)

    def patch_leg(self, call_id: str, leg: Leg, svaml: bytes) -> None:
        """As `patch_call`, heard by one side. It matters for prompts only, and never in conferences and callouts."""
        path = f"{_path(call_id)}/leg/{leg}"
        self._calls.send("PATCH", path, svaml, subject="this call", not_found=CallNotFound)

    def sign(self, method: str, path: str, timestamp: str, body: bytes = b"") -> str:
        """The Authorization header for a request of ours. The path is the one sent, without its query."""
        return self._calls.sign(method, path, timestamp, body)


def _path(call_id: str) -> str:
    return f"/calling/v1/calls/id/{segment(call_id)}"


def _ended(values: JsonObject, call_id: str) -> CallEnded | None:
    status = values.get("status")
    word = status.upper() if isinstance(status, str) else ""
    if word == "ONGOING":
        return None
    if word != "FINAL":
        raise ProviderTrouble("Sinch's answer does not say whether the call has ended.")
    values["callid"] = call_id  # Sinch need not repeat it
    return read_ended(Fields(values))
