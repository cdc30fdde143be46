"""The hash of an account callback: MD5 over salt, account id, API key and callback id, with nothing between them.

It covers neither the type nor the balance nor the time. So it says that Voximplant once used this id, and no more.

>>> proof_of("pepper-7f3", "1523447", "6b1d2c3e-0f4a-4b5c-8d6e-9a7b8c9d0e1f", "993810021")
'257c35d3748755fc759b34b58159d002'
"""

from __future__ import annotations

import hmac
from hashlib import md5

from telephony.providers.base import Credentials


def proof_of(salt: str, account_id: str, api_key: str, callback_id: str) -> str:
    """The hash that Voximplant computes, in lower-case hexadecimal digits."""
    return md5(f"{salt}{account_id}{api_key}{callback_id}".encode(), usedforsecurity=False).hexdigest()


def is_proved(given: str, credentials: Credentials, callback_id: str) -> bool:
    """Is this the hash for that id, by the present or the previous API key? In constant time."""
    fits = [
        hmac.compare_digest(
            given.lower().encode(), proof_of(credentials.salt, credentials.key, key, callback_id).encode()
        )
        for key in credentials.secrets
    ]
    return any(fits)
