"""What a provider asks and tells about verifications: may it, and what came of it."""

from __future__ import annotations

from telephony.decisions import Decision
from telephony.inbox import Received


def asked(received: Received) -> Decision:
    """Allow or deny a verification that somebody began at the provider."""
    raise NotImplementedError


def ended(received: Received) -> Decision:
    """A verification came to its end."""
    raise NotImplementedError


def texted(received: Received) -> Decision:
    """The text with a code was delivered, or was not."""
    raise NotImplementedError
