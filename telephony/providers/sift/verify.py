"""Is it Sift? It signs nothing, so the token in the address is the proof, with two more where there is one to see.

The account that a body names must be the application's own. Where the application was given a password, Sift must bring
it as HTTP Basic, since the addresses we gave it hold it. None of this proves what is told: whoever has once seen the
address can tell anything, so nothing is settled by a callback (`Capabilities.proves_news`).
"""

from __future__ import annotations

import hmac
from datetime import datetime
from http import HTTPStatus

from telephony.providers.base import Callback, CallbackRefused, CallbackUnreadable, Credentials, Keyring, Verified
from telephony.providers.sift.callback_urls import basic
from telephony.providers.sift.parse import read_body
from telephony.providers.sift.words import NAMES_ITS_ACCOUNT


def verify(callback: Callback, keyring: Keyring, now: datetime) -> Verified:
    """Which application the callback is for. Raises CallbackRefused; with 404 when it names another account.

    The token is looked up in a dictionary, which compares hashes: nothing that could be timed grows with the part of a
    token that was guessed right. Nobody says when it was sent, so that is now.
    """
    credentials = keyring.find_by_token(callback.token)
    if credentials is None:
        raise CallbackRefused("No application has this token.")
    if credentials.salt and not _brings_password(callback, credentials):
        raise CallbackRefused("The password that our addresses hold is missing or wrong.")
    _check_account(callback, credentials)
    return Verified(application_id=credentials.application_id, key=credentials.key, signed_at=now)


def normalise_key(key: str) -> str:
    """An account's id: hexadecimal digits, in whatever letter case somebody typed them."""
    return key.strip().lower()


def _brings_password(callback: Callback, credentials: Credentials) -> bool:
    brought = basic(callback)
    if brought is None:
        return False
    user, password = normalise_key(brought[0]), brought[1]
    expected = f"{normalise_key(credentials.key)}:{credentials.salt}"
    return hmac.compare_digest(f"{user}:{password}".encode(), expected.encode())


def _check_account(callback: Callback, credentials: Credentials) -> None:
    try:
        values = read_body(callback.body)
    except CallbackUnreadable:
        return  # it names nobody, and whoever reads it says what is wrong with it
    named = values.get("account_id")
    if named is None and callback.topic.partition("/")[0] not in NAMES_ITS_ACCOUNT:
        return
    if not isinstance(named, str) or normalise_key(named) != normalise_key(credentials.key):
        raise CallbackRefused("It is about another account than the application's.", status=HTTPStatus.NOT_FOUND)
