"""What came of asking a provider for something: the one place where its exceptions become outcomes of an errand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outbox.errands import Done, Lost, Outcome, Refused, TryAgain
from telephony.providers.base import CommandRefused, NoCreditThere, NotSent, ProviderTrouble, TooMuchAtOnce


@dataclass(frozen=True)
class NoCredit(Refused):
    """Refused because our own account at the provider is empty: the operator's to hear of."""


def outcome_of(question: Callable[[], Any]) -> Outcome:
    """Done with what was answered; Refused, TryAgain when it certainly was not done; Lost when nobody knows.

    A failure that names neither is Lost: paid work is never sent again on a guess (fault V1, V6).
    """
    try:
        return Done(question())
    except NotSent as unsent:
        return TryAgain(str(unsent))
    except TooMuchAtOnce as pressure:
        return TryAgain(str(pressure), after_seconds=pressure.retry_after_seconds, is_pressure=True)
    except NoCreditThere as empty:
        return NoCredit(str(empty))
    except CommandRefused as refused:
        return Refused(str(refused))
    except ProviderTrouble as trouble:
        return Lost(str(trouble))
