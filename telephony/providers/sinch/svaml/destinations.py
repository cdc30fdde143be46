"""Whom a call is connected to."""

from __future__ import annotations

from dataclasses import dataclass

from telephony.providers.sinch.svaml.checks import (
    require_length,
    require_number,
    require_sip_address,
    require_web_address,
)
from telephony.providers.sinch.svaml.limits import LONGEST_USER
from telephony.providers.sinch.svaml.wire import Part, Wire


class Destination(Part):
    """A type, and an endpoint of that type."""

    type: str
    endpoint: str

    def __init_subclass__(cls, type: str) -> None:
        cls.type = type

    def wire(self) -> Wire:
        return {"type": self.type, "endpoint": self.endpoint}


@dataclass(frozen=True)
class User(Destination, type="username"):
    """An app's user."""

    endpoint: str

    def __post_init__(self) -> None:
        require_length("destination.endpoint", self.endpoint, LONGEST_USER)


@dataclass(frozen=True)
class PhoneNumber(Destination, type="number"):
    """The user of an app who registered with this number."""

    endpoint: str

    def __post_init__(self) -> None:
        require_number("destination.endpoint", self.endpoint)


@dataclass(frozen=True)
class Email(Destination, type="email"):
    """The user of an app who registered with this address."""

    endpoint: str

    def __post_init__(self) -> None:
        require_length("destination.endpoint", self.endpoint, LONGEST_USER)


Identity = User | PhoneNumber | Email


@dataclass(frozen=True)
class SipAddress(Destination, type="sip"):
    """user@host:port, with or without `sip:`, which is not sent."""

    endpoint: str

    def __post_init__(self) -> None:
        require_sip_address("destination.endpoint", self.endpoint)

    def wire(self) -> Wire:
        return {"type": self.type, "endpoint": self.endpoint.removeprefix("sip:")}


@dataclass(frozen=True)
class Websocket(Destination, type="Websocket"):
    """A server that takes the sound of a call: wss://…"""

    endpoint: str

    def __post_init__(self) -> None:
        require_web_address("destination.endpoint", self.endpoint, "wss")
