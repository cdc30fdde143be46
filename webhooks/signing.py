"""How a customer's system can tell that it is us: Standard Webhooks signatures, and the hash of the Voximplant form."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import md5
from uuid import uuid4

from standardwebhooks import Webhook

SECRET_BYTES = 32


def new_secret() -> str:
    """A secret of the Standard Webhooks form: whsec_ and 256 random bits in base64."""
    return f"whsec_{b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def new_api_key() -> str:
    """A secret of the Voximplant form, which looks as theirs do."""
    return str(uuid4())


def standard_headers(*, id: str, body: str, keys: Sequence[str], at: datetime) -> dict[str, str]:
    """The three headers of the specification, with a signature by each key, separated by blanks.

    `at` is the time of this attempt, not of what happened: a receiver refuses what is too old.
    """
    moment = at.astimezone(UTC)  # the library takes any other zone's wall clock for UTC
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(key).sign(id, moment, body) for key in keys),
    }


def voximplant_hash(*, salt: str, account_id: int, api_key: str, callback_id: int) -> str:
    """What the receiver computes to know us: an MD5 over four values, side by side.

    >>> voximplant_hash(salt="pepper-7f3", account_id=1523447,
    ...     api_key="6b1d2c3e-0f4a-4b5c-8d6e-9a7b8c9d0e1f", callback_id=993810021)
    '257c35d3748755fc759b34b58159d002'
    """
    return md5(f"{salt}{account_id}{api_key}{callback_id}".encode(), usedforsecurity=False).hexdigest()
