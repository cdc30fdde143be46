"""The addresses at which Sinch calls an application back."""

from __future__ import annotations

from dataclasses import dataclass

from telephony.providers.base import ProviderTrouble
from telephony.providers.reading import JsonObject
from telephony.providers.sinch.fields import LONGEST_ADDRESS, Fields
from telephony.providers.sinch.rest import Rest, encode, segment


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where callbacks go: `fallback` when `primary` does not answer. Empty: nowhere."""

    primary: str
    fallback: str = ""


class CallbackUrls:
    """The callback addresses of one application.

    Both methods raise RequestRefused when Sinch will not, ProviderTrouble when nothing is known.
    """

    def __init__(self, rest: Rest, key: str) -> None:
        self._rest = rest
        self._path = f"/v1/configuration/callbacks/applications/{segment(key)}"

    def get(self) -> Addresses:
        """Where callbacks go now."""
        found = self._rest.get(self._path, subject="this application").get("url")
        if not isinstance(found, JsonObject):
            raise ProviderTrouble("Sinch's answer does not say where callbacks go.")
        fields = Fields(found)
        return Addresses(
            primary=fields.text("primary", LONGEST_ADDRESS), fallback=fields.text("fallback", LONGEST_ADDRESS)
        )

    def set(self, addresses: Addresses) -> None:
        """Have callbacks sent there from now on."""
        body = encode({"url": {"primary": addresses.primary, "fallback": addresses.fallback}})
        self._rest.send("POST", self._path, body, subject="this application")
