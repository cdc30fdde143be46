"""When is it day where the callee is? Pure: the time zones come from the tz database of the machine or its wheel.

A country may have several time zones, and a number does not always tell the country. Then a time of day has to be
right in all of them, so that nobody is called at night because of a guess.

>>> london = zones_of(("GB",))
>>> next_moment(datetime(2026, 12, 1, 3, 30, tzinfo=UTC), london, earliest=time(9), latest=time(20))
datetime.datetime(2026, 12, 1, 9, 0, tzinfo=datetime.timezone.utc)
>>> moment_of(datetime(2026, 7, 1, 9, 0), london)
datetime.datetime(2026, 7, 1, 8, 0, tzinfo=datetime.timezone.utc)
"""

from __future__ import annotations

import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

# The tz database's own list of which country uses which zones: lines of country, coordinates, zone, comment.
ZONE_TABLE = "zone.tab"

# If the window does not come in all zones at once within some days, it never does.
LOOKED_AHEAD = timedelta(days=4)

Zones = tuple[ZoneInfo, ...]


class TimeZoneUnknown(ValueError):
    """There is no time zone of this name. Its sentence never repeats the name."""


def zone_named(name: str) -> ZoneInfo:
    """The time zone of this name, such as Europe/Stockholm. Raises TimeZoneUnknown."""
    try:
        return ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeZoneUnknown("There is no such time zone: write it like Europe/Stockholm.") from None


def zones_of(countries: Iterable[str]) -> Zones:
    """Every time zone used in these countries, two letters each; nothing for countries that are not known."""
    table = _zone_table()
    names = {name for country in countries for name in table.get(country.upper(), ())}
    return tuple(ZoneInfo(name) for name in sorted(names))


def moment_of(local: datetime, zones: Zones) -> datetime:
    """The time on the clock there as a moment: with several zones the last of them, when all have reached it.

    A time that a clock set forward leaves out is that much later on it; one that comes twice is the first.
    """
    if not zones:
        raise ValueError("without a time zone there is no time of day")
    return max(local.replace(tzinfo=zone).astimezone(UTC) for zone in zones)


@lru_cache(maxsize=1024)
def next_moment(at: datetime, zones: Zones, *, earliest: time | None, latest: time | None) -> datetime | None:
    """The first moment from `at` on at which no clock there is before `earliest` or after `latest`, in UTC.

    None when there is none: the zones are too far apart for the window. Without a bound it is `at` itself.
    """
    moment = start = at.astimezone(UTC)
    while moment - start <= LOOKED_AHEAD:
        later = max((_inside(moment, zone, earliest, latest) for zone in zones), default=moment)
        if later == moment:
            return moment
        moment = later
    return None


def _inside(moment: datetime, zone: ZoneInfo, earliest: time | None, latest: time | None) -> datetime:
    """The moment itself when it is inside the window of this zone, else when the window next begins there."""
    local = moment.astimezone(zone)
    clock = local.time()
    too_late = latest is not None and clock > latest
    if not too_late and (earliest is None or clock >= earliest):
        return moment
    day = local.date() + timedelta(days=1) if too_late else local.date()
    begins = datetime.combine(day, earliest or time.min, tzinfo=zone)
    # In the night in which clocks are set back a time comes twice, and its first may be over.
    first, second = (begins.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return first if first > moment else second


@cache
def _zone_table() -> Mapping[str, tuple[str, ...]]:
    """Country to the names of its zones. Raises LookupError on a machine without the tz database."""
    zones: dict[str, list[str]] = defaultdict(list)
    for line in _read_zone_table().splitlines():
        columns = line.split("\t")
        if len(columns) >= 3 and not line.startswith("#"):
            zones[columns[0]].append(columns[2])
    return {country: tuple(names) for country, names in zones.items()}


def _read_zone_table() -> str:
    """As zoneinfo itself looks for zones: what the machine has, else what the wheel `tzdata` brings."""
    for folder in zoneinfo.TZPATH:
        table = Path(folder) / ZONE_TABLE
        if table.is_file():
            return table.read_text(encoding="utf-8")
    try:
        return resources.files("tzdata").joinpath("zoneinfo", ZONE_TABLE).read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError):
        raise LookupError("This machine has no tz database: install the package tzdata.") from None
