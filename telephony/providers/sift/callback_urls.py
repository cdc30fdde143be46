"""The addresses below which Sift asks us, and the user name and password that it may have to bring along.

>>> done_url("https://calls.example.com/callbacks/sift/f3a1/", "welcome.0.2.5f0c2a91d3b7e846")
'https://calls.example.com/callbacks/sift/f3a1/done/welcome.0.2.5f0c2a91d3b7e846/'
>>> status_url("https://calls.example.com/callbacks/sift/f3a1/", "ringfence-call:7")
'https://calls.example.com/callbacks/sift/f3a1/status/ringfence-call%3A7/'
>>> with_basic("https://calls.example.com/callbacks/sift/f3a1/", "573e49212d2c62e6", "p@ss")
'https://573e49212d2c62e6:p%40ss@calls.example.com/callbacks/sift/f3a1/'
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from urllib.parse import quote

from telephony.providers.base import Callback
from telephony.providers.sift.words import DONE, EVENT, STATUS

LONGEST_AUTHORIZATION = 1_024


def answer_to(callback: Callback) -> str:
    """The address below which this callback's sender asks us; empty when nobody said at which address it came.

    It brings a user name and a password when our address holds them, so the next address has to hold them too.
    """
    brought = basic(callback)
    return with_basic(callback.base, *brought) if brought and callback.base else callback.base


def basic(callback: Callback) -> tuple[str, str] | None:
    """User name and password, when the callback brings them as HTTP Basic."""
    header = callback.headers.get("authorization", "")
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(header) > LONGEST_AUTHORIZATION:
        return None
    try:
        user, colon, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (NotBase64, ValueError):
        return None
    return (user, password) if colon else None


def with_basic(address: str, user: str, password: str) -> str:
    """The same address, which whoever asks there opens with this user name and password."""
    scheme, separator, rest = address.partition("://")
    return f"{scheme}{separator}{quote(user, safe='')}:{quote(password, safe='')}@{rest}"


def status_url(base: str, mark: str) -> str:
    """Where the statuses of a connection of ours are told; its mark comes back with each."""
    return f"{base}{STATUS}/{quote(mark, safe='')}/"


def done_url(base: str, step: str) -> str:
    """Where is told that a question was answered."""
    return f"{base}{DONE}/{quote(step, safe='')}/"


def event_url(base: str, connection_id: str) -> str:
    """Where is told what becomes of the conversation that a connection leads."""
    return f"{base}{EVENT}/{quote(connection_id, safe='')}/"
