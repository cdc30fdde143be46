"""What can be wrong with an account. Each is a fact, with the sentence a person needs."""

from __future__ import annotations


class AccountError(Exception):
    """Something about an account that cannot be done as asked."""


class UnknownAccount(AccountError, LookupError):
    """There is no account of this name."""


class NameTaken(AccountError, ValueError):
    """Another account has this name."""


class NumberTaken(AccountError, ValueError):
    """The caller number belongs to another account."""


class NumberNotVerified(AccountError, ValueError):
    """The caller number was never proved."""


class ClientUserTaken(AccountError, ValueError):
    """The app user belongs to another account."""


class PinUnusable(AccountError, ValueError):
    """A PIN is 4 to 12 digits."""


class PrefixUnusable(AccountError, ValueError):
    """A prefix is 1 to 15 digits, country code first."""


class TimeZoneUnknown(AccountError, ValueError):
    """The time zone is not one of the IANA database."""


class AccountClosed(AccountError):
    """A closed account stays closed."""
