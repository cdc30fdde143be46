"""Where Sinch's REST APIs are: calls and conferences in one region, everything else at one address for all.

An application is known by its address for calls. Where that is none of Sinch's, as with a sandbox, it serves for all.
"""

from __future__ import annotations

from collections.abc import Mapping

# "global" lets Sinch choose the region.
CALLING: Mapping[str, str] = {
    "global": "https://calling.api.sinch.com",
    "use1": "https://calling-use1.api.sinch.com",
    "euc1": "https://calling-euc1.api.sinch.com",
    "sae1": "https://calling-sae1.api.sinch.com",
    "apse1": "https://calling-apse1.api.sinch.com",
    "apse2": "https://calling-apse2.api.sinch.com",
}
CONFIGURATION = "https://callingapi.sinch.com"
VERIFICATION = "https://verification.api.sinch.com"
MESSAGING = "https://messagingapi.sinch.com"


def calling_url(region: str) -> str:
    """The address for calls of a region. Raises ValueError with the regions there are."""
    try:
        return CALLING[region.strip().lower()]
    except KeyError:
        raise ValueError(f"Sinch has no region called {region!r}; there are {', '.join(CALLING)}.") from None


def configuration_url(base_url: str) -> str:
    """The address for numbers and settings that belongs to one for calls."""
    return _beside(base_url, CONFIGURATION)


def verification_url(base_url: str) -> str:
    """The address for verifications that belongs to one for calls."""
    return _beside(base_url, VERIFICATION)


def messaging_url(base_url: str) -> str:
    """The address for texts of the classic API that belongs to one for calls."""
    return _beside(base_url, MESSAGING)


def _beside(base_url: str, usual: str) -> str:
    return usual if base_url.rstrip("/") in CALLING.values() else base_url
