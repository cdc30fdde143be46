"""What Sift knows things by: accounts, applications, connections.

>>> is_id("3bb34721cbe2e221"), is_id("../connections"), is_id("")
(True, False, False)
"""

from __future__ import annotations

import re
from typing import TypeGuard

# The documentation shows 16 hex digits and promises nothing. An id becomes a segment of a path, a user name and a name
# in our books, so it may be anything that is plainly one word in all of them.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_id(value: object) -> TypeGuard[str]:
    """Whether this can be an id: one word of up to 64 letters, digits, `_` and `-`."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None
