"""A moment after which nobody waits any more."""

from __future__ import annotations

import pytest

from postgres.deadline import deadline, remaining_seconds


def test_without_a_deadline_there_is_no_end() -> None:
    assert remaining_seconds() is None


def test_inside_a_deadline_the_time_left_is_known_and_gone_afterwards() -> None:
    with deadline(60):
        left = remaining_seconds()
        assert left is not None
        assert 0 < left <= 60
    assert remaining_seconds() is None


@pytest.mark.parametrize(("outer", "inner"), [(5, 500), (500, 5)])
def test_of_two_nested_deadlines_the_tighter_one_holds(outer: int, inner: int) -> None:
    with deadline(outer), deadline(inner):
        left = remaining_seconds()
        assert left is not None
        assert left <= 5


def test_a_wider_deadline_inside_does_not_outlive_itself() -> None:
    with deadline(500):
        with deadline(5):
            pass
        left = remaining_seconds()
        assert left is not None
        assert left > 5


def test_a_passed_deadline_leaves_nothing_and_never_less() -> None:
    with deadline(-1):
        assert remaining_seconds() == 0.0


def test_a_deadline_ends_with_an_exception_too() -> None:
    with pytest.raises(KeyError), deadline(60):
        raise KeyError
    assert remaining_seconds() is None
