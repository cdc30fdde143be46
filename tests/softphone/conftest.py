"""Every test begins as if nobody had tried anything in this minute."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import caches

from softphone import attempts


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet() -> Iterator[None]:
    caches[attempts.STORE].clear()
    yield
    caches[attempts.STORE].clear()
