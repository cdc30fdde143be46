"""A crowd for every race, time enough for it, and what must be true after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from telephony.models import ReceivedEvent
from tests import books
from tests.races.crowd import Crowd, deadlocks


@pytest.fixture
def crowd(db: None) -> Iterator[Crowd]:
    crowd = Crowd()
    yield crowd
    crowd.go_home()


@pytest.fixture
def orderly(db: None, crowd: Crowd) -> Iterator[None]:
    """The books are in order afterwards, every event was decided, and nobody waited for another in a circle."""
    before = deadlocks()
    yield
    assert books.differences() == {}
    assert not ReceivedEvent.objects.filter(outcome="failed").exists()
    assert deadlocks() == before


@pytest.fixture
def plenty_of_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked here is what is decided, not how fast a busy machine decides it."""
    settings.CALLBACK_DEADLINE_SECONDS = 60.0
    options = connections.settings["default"]["OPTIONS"]
    monkeypatch.setitem(options, "options", options["options"] + " -c lock_timeout=30s -c statement_timeout=60s")
