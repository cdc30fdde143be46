"""Only the errands of a test are known while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outbox import errands
from tests.outbox.errand import AnErrand


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AnErrand]:
    """Makes an errand and registers it."""
    monkeypatch.setattr(errands, "_errands", {})

    def known(**given: Any) -> AnErrand:
        errand = AnErrand(**given)
        errands.register(errand)
        return errand

    return known
