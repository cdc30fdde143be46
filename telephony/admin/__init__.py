"""Calls on the staff's site, and the page of an account, which shows money and calls together."""

from telephony.admin import accounts, applications, calls, events

__all__ = ["accounts", "applications", "calls", "events"]
