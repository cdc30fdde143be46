"""Our own credit at a provider, and what else it tells about our account there."""

from __future__ import annotations

from telephony.decisions import Decision
from telephony.inbox import Received


def low(received: Received) -> Decision:
    """The provider says that our credit is low: ask it, then tell the operator."""
    raise NotImplementedError


def news(received: Received) -> Decision:
    """Anything else about our account there."""
    raise NotImplementedError
