"""In which country an address is, by a database of the operator's own; without one, nobody knows.

Databases that may be shipped freely name themselves in ways that the usual reader refuses, and write their records
flat. So the file is read as it is, and both shapes of a record are understood.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import maxminddb
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

_COUNTRY = re.compile(r"[A-Z]{2}")


class Atlas:
    """One database file, opened when it is first asked and again when another one lies in its place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reader: maxminddb.Reader | None = None
        self._opened: tuple[str, int, int] | None = None

    def country_of(self, path: str, address: str) -> str:
        """The country of the address as two capitals; empty when the file does not tell, or there is none."""
        if not path or not address:
            return ""
        reader = self._reader_of(path)
        if reader is None:
            return ""
        try:
            return _country_in(reader.get(address))
        except (ValueError, TypeError, maxminddb.InvalidDatabaseError) as error:
            log.error("geoip_unreadable", why=str(error))
            return ""

    def _reader_of(self, path: str) -> maxminddb.Reader | None:
        try:
            found = Path(path).stat()
            seen = (path, found.st_mtime_ns, found.st_size)
            with self._lock:
                if seen != self._opened:
                    # The whole file in memory: an operator may overwrite it while it is being read.
                    self._opened, self._reader = seen, None
                    self._reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
                return self._reader
        except (OSError, ValueError, TypeError, maxminddb.InvalidDatabaseError) as error:
            # The reader says TypeError of a file whose description of itself is damaged.
            log.error("geoip_unreadable", why=str(error))
            return None


_atlas = Atlas()


def country_of(address: str) -> str:
    """The country of a client's address as two capitals; empty when nobody knows, as for a private address."""
    return _atlas.country_of(settings.GEOIP_DB_PATH, address)


def _country_in(record: Any) -> str:
    """`{"country_code": "SE"}` or `{"country": {"iso_code": "SE"}}`."""
    if not isinstance(record, dict):
        return ""
    nested = record.get("country")
    code = record.get("country_code") or (nested.get("iso_code") if isinstance(nested, dict) else "")
    return code if isinstance(code, str) and _COUNTRY.fullmatch(code) else ""
