"""Sinch Voice: callbacks in, SVAML out, and the calls we ask their API about."""

from telephony.providers.sinch.client import SinchClient
from telephony.providers.sinch.provider import Sinch
from telephony.providers.sinch.signing import decode_secret, normalise_key

__all__ = ["Sinch", "SinchClient", "decode_secret", "normalise_key"]
