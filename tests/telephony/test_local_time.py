"""When it is day where the callee is, also on the two odd days of a year."""

from __future__ import annotations

import importlib
import sys
import zoneinfo
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from accounts.numbers import countries_of
from telephony import local_time
from telephony.local_time import TimeZoneUnknown, moment_of, next_moment, zone_named, zones_of

LONDON = zones_of(("GB",))
STOCKHOLM = (zone_named("Europe/Stockholm"),)
NEW_YORK = (zone_named("America/New_York"),)
EVERYWHERE_IN_THE_US = zones_of(("US",))


def there(*fields: int) -> datetime:
    """A time on somebody's clock."""
    return datetime(*fields)  # noqa: DTZ001


def utc(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)


def test_a_country_has_the_zones_of_the_tz_database() -> None:
    assert [zone.key for zone in LONDON] == ["Europe/London"]
    assert {"America/New_York", "Pacific/Honolulu", "America/Adak"} <= {zone.key for zone in EVERYWHERE_IN_THE_US}
    assert zones_of(("se",)) == STOCKHOLM
    assert zones_of(("001", "XX")) == zones_of(()) == ()


def test_a_number_tells_its_country_or_all_that_share_its_code() -> None:
    assert [zone.key for zone in zones_of(countries_of("+61491570156")) if "Sydney" in zone.key]
    shared = {zone.key for zone in zones_of(countries_of("+447700900123"))}
    assert shared == {"Europe/London", "Europe/Guernsey", "Europe/Isle_of_Man", "Europe/Jersey"}


@pytest.mark.parametrize(
    "name", ["", "Europe/Atlantis", "../../../etc/passwd", "/etc/passwd", "America", "a\0b", "x" * 999]
)
def test_a_name_that_is_no_zone_is_refused_without_repeating_it(name: str) -> None:
    with pytest.raises(TimeZoneUnknown, match="Europe/Stockholm"):
        zone_named(name)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (utc(2026, 12, 1, 8, 59, 59), utc(2026, 12, 1, 9)),
        (utc(2026, 12, 1, 9), utc(2026, 12, 1, 9)),
        (utc(2026, 12, 1, 15, 30), utc(2026, 12, 1, 15, 30)),
        (utc(2026, 12, 1, 20), utc(2026, 12, 1, 20)),
        (utc(2026, 12, 1, 20, 0, 0, 1), utc(2026, 12, 2, 9)),
        (utc(2026, 12, 31, 23), utc(2027, 1, 1, 9)),
        (utc(2026, 7, 1, 7), utc(2026, 7, 1, 8)),
    ],
)
def test_the_next_moment_lies_between_nine_and_eight_in_london(at: datetime, expected: datetime) -> None:
    assert next_moment(at, LONDON, earliest=time(9), latest=time(20)) == expected


def test_one_bound_is_enough_and_none_changes_nothing() -> None:
    night = utc(2026, 12, 1, 3)
    assert next_moment(night, LONDON, earliest=None, latest=None) == night
    assert next_moment(night, (), earliest=None, latest=None) == night
    assert next_moment(night, LONDON, earliest=time(9), latest=None) == utc(2026, 12, 1, 9)
    assert next_moment(night, LONDON, earliest=None, latest=time(2)) == utc(2026, 12, 2, 0)


def test_in_several_zones_it_must_be_day_in_all_of_them() -> None:
    """Nine in Hawaii is three in New York in summer."""
    moment = next_moment(utc(2026, 7, 1, 12), EVERYWHERE_IN_THE_US, earliest=time(9), latest=time(20))
    assert moment == utc(2026, 7, 1, 19)
    for zone in EVERYWHERE_IN_THE_US:
        assert time(9) <= moment.astimezone(zone).time() <= time(20)


def test_a_window_that_never_comes_everywhere_at_once_has_no_next_moment() -> None:
    assert next_moment(utc(2026, 7, 1, 12), EVERYWHERE_IN_THE_US, earliest=time(9), latest=time(11)) is None


@pytest.mark.parametrize("hour", range(0, 24 * 8, 5))
def test_a_moment_found_is_itself_the_next_one_and_no_earlier_one_was_right(hour: int) -> None:
    at = utc(2026, 10, 22) + timedelta(hours=hour, minutes=7)
    moment = next_moment(at, LONDON, earliest=time(9, 30), latest=time(17))
    assert moment is not None
    assert next_moment(moment, LONDON, earliest=time(9, 30), latest=time(17)) == moment
    if moment > at:
        assert moment.astimezone(LONDON[0]).time() == time(9, 30)
        assert moment - at < timedelta(hours=17, minutes=31)


def test_a_time_that_the_spring_leaves_out_is_an_hour_later_by_the_clock() -> None:
    """In London the clock goes from 00:59:59 to 02:00 on 29 March 2026."""
    assert moment_of(there(2026, 3, 29, 1, 30), LONDON) == utc(2026, 3, 29, 1, 30)
    assert next_moment(utc(2026, 3, 29, 0, 30), LONDON, earliest=time(1, 30), latest=time(3)) == utc(2026, 3, 29, 1, 30)


def test_a_window_that_the_spring_leaves_out_opens_a_day_later() -> None:
    found = next_moment(utc(2026, 3, 29, 0, 30), LONDON, earliest=time(1, 15), latest=time(1, 45))
    assert found == utc(2026, 3, 30, 0, 15)


def test_a_time_that_comes_twice_in_autumn_is_the_first_until_that_is_over() -> None:
    """In London the hour from one to two comes twice on 25 October 2026."""
    assert moment_of(there(2026, 10, 25, 1, 30), LONDON) == utc(2026, 10, 25, 0, 30)
    assert next_moment(utc(2026, 10, 25, 0, 10), LONDON, earliest=time(1, 30), latest=time(4)) == utc(
        2026, 10, 25, 0, 30
    )
    assert next_moment(utc(2026, 10, 25, 1, 10), LONDON, earliest=time(1, 30), latest=time(4)) == utc(
        2026, 10, 25, 1, 30
    )


def test_nine_in_the_morning_is_nine_on_both_sides_of_the_change() -> None:
    assert moment_of(there(2026, 3, 7, 9), NEW_YORK) == utc(2026, 3, 7, 14)
    assert moment_of(there(2026, 3, 8, 9), NEW_YORK) == utc(2026, 3, 8, 13)
    assert moment_of(there(2026, 10, 31, 9), NEW_YORK) == utc(2026, 10, 31, 13)
    assert moment_of(there(2026, 11, 1, 9), NEW_YORK) == utc(2026, 11, 1, 14)


def test_a_time_on_several_clocks_is_when_the_last_of_them_shows_it() -> None:
    assert moment_of(there(2026, 12, 1, 9), (*NEW_YORK, *STOCKHOLM)) == utc(2026, 12, 1, 14)
    with pytest.raises(ValueError, match="time zone"):
        moment_of(there(2026, 12, 1, 9), ())


@pytest.fixture
def _bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the tz database of an operating system."""
    monkeypatch.setattr(zoneinfo, "TZPATH", ())


@pytest.mark.usefixtures("_bare_machine")
def test_the_wheel_is_read_where_the_machine_has_no_tz_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tzdata" / "zoneinfo"
    folder.mkdir(parents=True)
    (tmp_path / "tzdata" / "__init__.py").touch()
    (folder / "zone.tab").write_text("# a comment\nSE\t+5920+01803\tEurope/Stockholm\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "tzdata", raising=False)
    importlib.invalidate_caches()
    assert local_time._read_zone_table().endswith("Europe/Stockholm\n")
    sys.modules.pop("tzdata", None)


@pytest.mark.usefixtures("_bare_machine")
def test_a_machine_without_any_tz_database_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tzdata", None)
    with pytest.raises(LookupError, match="tzdata"):
        local_time._read_zone_table()
