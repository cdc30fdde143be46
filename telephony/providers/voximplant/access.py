"""Proving to Voximplant's management API who we are: by the account's API key, or as a service account.

>>> key_file = '{"account_id": 1523447, "key_id": "k-1", "private_key": "-----BEGIN PRIVATE KEY-----"}'
>>> ServiceAccount.read(key_file).account_id
'1523447'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt

from telephony.providers.base import ProviderTrouble
from telephony.providers.reading import JsonObject, JsonUnreadable, read_json

LARGEST_KEY_FILE_BYTES = 16_384

# The vendor's own library signs a few seconds back and for less than half a minute: clocks differ, and a token that
# leaks is soon worthless.
BACK_SECONDS = 5
GOOD_FOR_SECONDS = 24


@dataclass(frozen=True)
class ServiceAccount:
    """What is in a service account's key file."""

    account_id: str
    key_id: str
    private_key: str = field(repr=False)

    @classmethod
    def read(cls, key_file: str) -> ServiceAccount:
        """From the JSON that Voximplant gives for download. Raises ProviderTrouble when it is something else."""
        try:
            values = read_json(key_file.encode(), LARGEST_KEY_FILE_BYTES)
        except JsonUnreadable as unreadable:
            raise ProviderTrouble(f"The service account's key file cannot be read: {unreadable}") from unreadable
        values = values if isinstance(values, JsonObject) else JsonObject()
        found: Mapping[str, Any] = {name: values.get(name) for name in ("account_id", "key_id", "private_key")}
        missing = [name for name, value in found.items() if not isinstance(value, str | int) or not value]
        if missing:
            raise ProviderTrouble(f"The service account's key file has no {' and no '.join(missing)}.")
        return cls(**{name: str(value) for name, value in found.items()})

    def token(self, now: datetime) -> str:
        """A JWT, RS256, for the next seconds. Raises ProviderTrouble when the private key is none."""
        seconds = int(now.timestamp())
        claims = {"iss": self.account_id, "iat": seconds - BACK_SECONDS, "exp": seconds + GOOD_FOR_SECONDS}
        try:
            return jwt.encode(claims, self.private_key, algorithm="RS256", headers={"kid": self.key_id})
        except (jwt.PyJWTError, ValueError, TypeError) as unusable:
            raise ProviderTrouble("The service account's private key cannot be used.") from unusable
