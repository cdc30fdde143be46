"""Wrong proofs are counted, for each network and for each user name that was tried from there, known or not.

Never for a user name alone: whoever knows a name would lock its owner out. Secrets are too long to be guessed from
many networks at once, so counting keeps a flood out and nothing else.

They are counted in the memory of each web process, as those of the sign-in page are: N processes allow N times as
many. The window is the minute of the clock.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.core.cache import caches

from softphone.sentences import Refused, Sentence
from softphone.whereabouts import network_of

# In the settings' CACHES: a store of its own, so that a flood of names here forgets no wrong password of the portal.
STORE = "softphone"

# One telephone whose app has an old secret is stopped long before its neighbours behind the same address are.
MOST_WRONG_OF_A_USER = 10
MOST_WRONG_OF_A_NETWORK = 60
WINDOW_SECONDS = 60


def check(address: str, username: str, now: datetime) -> None:
    """Raise Refused (429) when there were too many wrong proofs from there, or for this user from there, just now."""
    most = _most(address, username, now)
    counted = caches[STORE].get_many(most)
    if any(count >= most[key] for key, count in counted.items()):
        left = WINDOW_SECONDS - int(now.timestamp()) % WINDOW_SECONDS
        raise Refused(Sentence.RATE_LIMITED, headers={"Retry-After": str(left)})


def count_wrong(address: str, username: str, now: datetime) -> None:
    """One more wrong proof."""
    counts = caches[STORE]
    for key in _most(address, username, now):
        if not counts.add(key, 1, WINDOW_SECONDS):
            try:
                counts.incr(key)
            except ValueError:  # it ran out, or was pushed out, in between
                counts.set(key, 1, WINDOW_SECONDS)


def _most(address: str, username: str, now: datetime) -> dict[str, int]:
    """What is counted in this minute, and how many of each are let through."""
    network = f"softphone-wrong:{int(now.timestamp()) // WINDOW_SECONDS}:{network_of(address)}"
    name = hashlib.sha256(username.encode()).hexdigest()
    return {network: MOST_WRONG_OF_A_NETWORK, f"{network}:{name}": MOST_WRONG_OF_A_USER}
