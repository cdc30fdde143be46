"""Find the account behind a caller: one statement, everything a decision needs to know about who it is."""

from __future__ import annotations

from collections.abc import Sequence

from accounts.limits import Standing, limits_of
from accounts.models import Account, DestinationRule
from postgres.statements import Answer, ask

# An app's user is looked up by the name the platform authenticated; else the application's own account, if it has one.
# The longest rule that matches the destination decides; 'deny' sorts after 'allow' and wins a tie.
_STANDING = """
SELECT a.id, a.status, a.destinations, a.verified, a.calls_at_once, a.longest_call_seconds,
       a.highest_price_per_minute, a.exposure_allowance,
       (SELECT rule.kind FROM accounts_destinationrule rule
        WHERE rule.account_id = a.id AND rule.prefix = ANY(%s)
        ORDER BY length(rule.prefix) DESC, rule.kind DESC LIMIT 1),
       (SELECT shown.number FROM accounts_callernumber shown
        WHERE shown.account_id = a.id AND shown.verified_at IS NOT NULL AND shown.is_shown
        ORDER BY shown.number = %s DESC, shown.id LIMIT 1)
FROM accounts_account a
WHERE a.id = coalesce((SELECT client.account_id FROM accounts_clientuser client WHERE client.name = %s), %s)
"""


def find_standing(
    *,
    client_user: str,
    otherwise_account_id: int | None,
    prefixes: Sequence[str],
    preferred_number: str | None,
) -> Answer:
    """Ask who an app's user is and what it may do. `prefixes` are those of the destination. See `read_standing`.

    `preferred_number` is shown as caller ID when it is a verified number of the account; else its first one.
    """
    return ask(_STANDING, [list(prefixes), preferred_number or "", client_user, otherwise_account_id])


def read_standing(answer: Answer) -> Standing | None:
    """The standing that was asked for; None when the caller belongs to no account."""
    row = answer.row()
    if row is None:
        return None
    account_id, status, destinations, verified, at_once, longest, dearest, exposure, rule, shown_number = row
    listed_only = destinations == Account.Destinations.LISTED_ONLY.value
    return Standing(
        account_id=account_id,
        is_active=status == Account.Status.ACTIVE.value,
        limits=limits_of(
            verified=verified,
            calls_at_once=at_once,
            longest_call_seconds=longest,
            highest_price_per_minute=dearest,
            exposure_allowance=exposure,
        ),
        destination_allowed=(rule or ("deny" if listed_only else "allow")) == DestinationRule.Kind.ALLOW.value,
        shown_number=shown_number,
    )


def find_own_number(account_id: int) -> Answer:
    """Ask for the number at which an account is reached: its first verified one. The answer has one column."""
    return ask(
        "SELECT number FROM accounts_callernumber WHERE account_id = %s AND verified_at IS NOT NULL AND is_shown "
        "ORDER BY id LIMIT 1",
        [account_id],
    )
