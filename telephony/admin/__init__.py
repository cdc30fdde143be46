"""Calls on the staff's site, and the page of an account, which shows money and calls together."""

from telephony.admin import (
    access_numbers,
    accounts,
    applications,
    call_throughs,
    callouts,
    calls,
    events,
    menus,
    outbox,
    texts,
    verifications,
)

__all__ = [
    "access_numbers",
    "accounts",
    "applications",
    "call_throughs",
    "callouts",
    "calls",
    "events",
    "menus",
    "outbox",
    "texts",
    "verifications",
]
