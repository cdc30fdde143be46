"""SHA-1 of a line's secret, plain or salted with a nonce that the app chose, in the operator's order.

SHA-1 is what the app has; the secret is a long random text of ours, so its weakness costs nothing here.
"""

from __future__ import annotations

import hashlib
import hmac
import re

SHORTEST_NONCE = 8
LONGEST_NONCE = 128

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_NONCE = re.compile(rf"[\x21-\x7e]{{{SHORTEST_NONCE},{LONGEST_NONCE}}}")
_HEX = re.compile("[0-9a-f]{40}")


class OrderUnusable(ValueError):
    """The operator's order cannot be used; the message says why in one sentence."""


def check_order(order: str) -> None:
    """Raise OrderUnusable unless the order has the nonce and the secret in it, and nothing that is unknown."""
    names = _PLACEHOLDER.findall(order)
    if not {"nonce", "secret"} <= set(names):
        raise OrderUnusable("The order needs both {nonce} and {secret}.")
    if not set(names) <= {"username", "nonce", "secret"} or re.search("[{}]", _PLACEHOLDER.sub("", order)):
        raise OrderUnusable("The order knows {username}, {nonce} and {secret} only.")


def is_usable_nonce(nonce: str) -> bool:
    """8 to 128 visible ASCII characters?"""
    return _NONCE.fullmatch(nonce) is not None


def sha1(secret: str) -> str:
    """The app's `%sha1(%account[password]%)%`, as 40 hexadecimal digits."""
    return hashlib.sha1(secret.encode(), usedforsecurity=False).hexdigest()


def salted_sha1(order: str, *, username: str, nonce: str, secret: str) -> str:
    """SHA-1 of the three in the order. Raises OrderUnusable.

    >>> salted_sha1("{nonce}{secret}", username="ana", nonce="d41f9b7a2c", secret="s3cret-Pa55")
    'fec4cf177701d2701396e636f27950c2a775e96b'
    """
    check_order(order)
    values = {"username": username, "nonce": nonce, "secret": secret}
    # In one pass, so that a brace in a value is only a brace.
    return sha1(_PLACEHOLDER.sub(lambda match: values[match[1]], order))


def same_hash(given: str, computed: str) -> bool:
    """Are they the same, upper or lower case? Takes as long whichever character differs."""
    folded = given.lower()
    return hmac.compare_digest((folded if _HEX.fullmatch(folded) else "").encode(), computed.encode())
