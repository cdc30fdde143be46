"""A crowd for every race."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.races.crowd import Crowd


@pytest.fixture
def crowd(db: None) -> Iterator[Crowd]:
    crowd = Crowd()
    yield crowd
    crowd.go_home()
