"""What the tests of Sinch's REST API share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.telephony.providers.sinch.stand_in import Api, serving


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as told:
        yield told
