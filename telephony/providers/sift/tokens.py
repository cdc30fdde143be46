"""The capability token with which a browser uses Sift: what it may do there, and for how long.

>>> capability = GridspaceCapability("573e49212d2c62e6", "an-auth-token-that-nobody-can-guess")
>>> capability.allow_client_outgoing("3bb34721cbe2e221")
>>> capability.payload()
{'iss': '573e49212d2c62e6', 'scope': 'scope:client:outgoing?app_id=3bb34721cbe2e221'}
>>> capability.allow_client_incoming("alice")
>>> token = capability.generate(expires=600)

Names, parameters and defaults are those that the reference of Sift's helper library documents. How the token looks
inside is not, see `capability_codec`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from telephony.providers.sift.capability_codec import (
    LONGEST_CLIENT_NAME,
    CapabilityCodec,
    Permissions,
    is_client_name,
    query,
)
from telephony.providers.sift.ids import is_id

LIFETIME_SECONDS = 3_600
LONGEST_LIFETIME_SECONDS = 86_400
LONGEST_PARAMS = 2_048


class GridspaceCapability:
    """A token in the making. It permits nothing at first; a permission given twice counts as it was given last."""

    def __init__(self, account_id: str, auth_token: str) -> None:
        """Raises ValueError for what can never be an account of Sift's or its auth token."""
        self._codec = CapabilityCodec(account_id, auth_token)
        self._outgoing = Permissions()
        self._client_name = ""

    def allow_client_outgoing(self, /, application_id: str, **params: str) -> None:
        """Let the client connect to an application, which is handed the params.

        Raises ValueError when this is no id, or the params are not texts of LONGEST_PARAMS characters in all.
        """
        if not is_id(application_id):
            raise ValueError("The application's id is not one: up to 64 letters, digits, _ and -.")
        if not all(isinstance(value, str) for value in params.values()):
            raise ValueError("The params for an application are texts.")
        try:
            size = len(query(params))
        except UnicodeEncodeError as half:
            raise ValueError("The params for an application have half a character in them.") from half
        if size > LONGEST_PARAMS:
            raise ValueError(f"The params for an application are longer than {LONGEST_PARAMS} characters in a query.")
        self._outgoing = Permissions(application_id=application_id, params=MappingProxyType(dict(params)))

    def allow_client_incoming(self, client_name: str) -> None:
        """Let the client be called by this name, which no other client of the account should have.

        Raises ValueError unless the name has 1 to LONGEST_CLIENT_NAME visible characters, no blanks and none of those
        with which permissions are written: & = ? # % +.
        """
        if not is_client_name(client_name):
            raise ValueError(
                f"A client's name has 1 to {LONGEST_CLIENT_NAME} visible characters, no blanks and none of & = ? # % +."
            )
        self._client_name = client_name

    def payload(self) -> dict[str, str]:
        """What the token says, but for its times."""
        return self._codec.claims(self._permissions())

    def generate(self, expires: int = LIFETIME_SECONDS, *, now: datetime | None = None) -> str:
        """The token, good for `expires` seconds from `now` on, which is this moment unless it is given.

        Raises ValueError unless that is 1 to LONGEST_LIFETIME_SECONDS, a day.
        """
        if not isinstance(expires, int) or isinstance(expires, bool) or not 1 <= expires <= LONGEST_LIFETIME_SECONDS:
            raise ValueError(f"A token lives 1 to {LONGEST_LIFETIME_SECONDS} whole seconds.")
        return self._codec.write(self._permissions(), now or datetime.now(UTC), expires)

    def _permissions(self) -> Permissions:
        return replace(self._outgoing, client_name=self._client_name)
