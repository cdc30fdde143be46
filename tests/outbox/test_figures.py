"""How the outbox is doing, in a few figures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from outbox import figures as module
from outbox.figures import Figures, figures
from outbox.models import Pause, Row
from tests.outbox.errand import promise

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def a_row(key: str, state: str, kind: str = "parcel", **more: Any) -> None:
    promise(kind, key)
    Row.objects.filter(key=key).update(state=state, **more)


def test_an_empty_outbox_says_so() -> None:
    nothing = Figures(due=0, on_their_way=0, unknown=0, dead=0, oldest_waits_seconds=None, paused=())
    assert figures(timezone.now()) == nothing
    assert not nothing.is_late


def test_every_row_is_counted_by_what_it_waits_for() -> None:
    now = timezone.now()
    a_row("due", "ready", due_at=now - 2 * MINUTE)
    a_row("again", "retry", due_at=now - MINUTE)
    a_row("later", "retry", due_at=now + MINUTE)
    a_row("leased", "leased", lease_until=now + MINUTE)
    a_row("sending", "sending", lease_until=now + MINUTE)
    a_row("doubtful", "unknown", doubtful_since=now)
    a_row("looked up", "unknown", doubtful_since=now, lease_until=now + MINUTE)
    a_row("done", "done", finished_at=now)
    a_row("dead", "dead", finished_at=now)
    a_row("long dead", "dead", finished_at=now - timedelta(days=2))
    found = figures(now)
    assert found == Figures(due=2, on_their_way=2, unknown=2, dead=1, oldest_waits_seconds=120, paused=())
    assert found.is_late


def test_what_was_told_to_wait_is_not_late() -> None:
    now = timezone.now()
    a_row("paused", "retry", due_at=now - 5 * MINUTE)
    Pause.objects.create(kind="parcel", until=now + MINUTE)
    Pause.objects.create(kind="letter", until=now)
    found = figures(now)
    assert (found.due, found.oldest_waits_seconds, found.paused, found.is_late) == (1, None, ("parcel",), False)
    a_row("other", "ready", kind="letter", due_at=now - MINUTE / 2)
    assert figures(now).oldest_waits_seconds == 30


def test_counting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_COUNTED", 2)
    for number in range(3):
        a_row(f"{number}", "unknown", doubtful_since=timezone.now())
    assert figures(timezone.now()).unknown == 2
