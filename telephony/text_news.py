"""What a provider tells about texts: what came in, and what became of what went out."""

from __future__ import annotations

from telephony.decisions import Decision
from telephony.inbox import Received


def received(received: Received) -> Decision:
    """A text came in."""
    raise NotImplementedError


def reported(received: Received) -> Decision:
    """What became of a text of ours."""
    raise NotImplementedError
