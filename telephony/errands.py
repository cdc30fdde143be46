"""Everything that telephony carries out of the house, in one list."""

from __future__ import annotations

from outbox.errands import Errand

ERRANDS: tuple[Errand, ...] = ()
