"""Call-through: an app says where a call is to go before it dials an access number, so that nobody enters digits.

What it asked for is a *mapping rule*: a call to access number A from caller X, soon, is for this destination. One rule
may name several callers, because an app does not know by which of its numbers it will dial; the first call claims it
for all of them. A rule that was replaced or has run out leads nowhere.

Locks: the account's row, the rule, the wallet, in this order (docs/locking.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings

from accounts import directory
from accounts.limits import Standing
from accounts.numbers import countries_of
from postgres.statements import Answer, ask, tell
from telephony import access_number_pool, access_numbers, beginnings
from telephony.access_number_pool import Offered
from telephony.beginnings import Destination, number_of
from telephony.decisions import Reason, Refuse
from telephony.policy import may_call
from telephony.prompts import refusal

# The provider's clock and ours may differ by this much.
CLOCKS_DIFFER = timedelta(seconds=5)

# So long a call may have been under way when we are told of it. One that began earlier was told by a wrong clock.
LONGEST_UNDER_WAY = timedelta(minutes=1)

# So many destinations an account may ask for: somebody who dials needs far fewer, a program that tries numbers more.
MOST_A_MINUTE = 20
MOST_AN_HOUR = 200


class CallThroughRefused(Exception):
    """Nothing is promised: `refused` says why, with its figures."""

    def __init__(self, refused: Refuse) -> None:
        super().__init__(refused.say)
        self.refused = refused


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What an app asks for. `dialled` is as its user dialled it.

    `access_number` is one the app insists on, empty for any; `country` is where the request came from, two letters or
    empty. With `remembers` False the destination travels with the call as tones, so no rule is kept.
    """

    account_id: int
    client_user_id: int
    client_user: str
    dialled: str
    access_number: str = ""
    country: str = ""
    remembers: bool = True


@dataclass(frozen=True, kw_only=True)
class Promised:
    """What to dial. `id` is the rule's, None where none is kept; `destination` is E.164."""

    id: UUID | None
    access_number: str
    destination: str


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """A rule that a call has found: whose, and where to."""

    id: UUID
    account_id: int
    destination: str


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """A rule that may still be claimed from one of the callers."""

    id: UUID
    access_number_id: int
    client_user_id: int | None
    destination: str
    is_alive: bool


# --- an app asks -----------------------------------------------------------------------------------------------------

# The numbers that are this person's; where nobody said whose is whose, all of the account's.
_CALLERS = """
SELECT number FROM accounts_callernumber
WHERE account_id = %s AND verified_at IS NOT NULL AND client_user_id IS NOT DISTINCT FROM (
    SELECT min(client_user_id) FROM accounts_callernumber
    WHERE account_id = %s AND verified_at IS NOT NULL AND client_user_id = %s)
ORDER BY id LIMIT 10
"""


def promise(wish: Wish, now: datetime) -> Promised:
    """Choose an access number for the wish and remember where its call is to go, in the caller's transaction.

    Whether the account may have the call is asked as when it comes, though no money is held before it does. Raises
    CallThroughRefused, and then nothing may be committed.
    """
    # One after the other for each account: what is read here of its rules stays true until the commit.
    tell("SELECT 1 FROM accounts_account WHERE id = %s FOR NO KEY UPDATE", [wish.account_id])
    reached = ask(_CALLERS, [wish.account_id, wish.account_id, wish.client_user_id])
    recent = ask(_RECENT, [now - timedelta(minutes=1), wish.account_id, now - timedelta(hours=1)])
    offered = access_number_pool.find(wish.account_id)
    callers = [row[0] for row in reached.rows()]
    if _asks_too_often(recent):
        raise CallThroughRefused(refusal(Reason.TOO_OFTEN))
    if wish.remembers and not callers:
        raise CallThroughRefused(refusal(Reason.NO_CALLER_NUMBER))
    home = next((country for caller in callers for country in countries_of(caller)[:1]), "")
    destination = number_of(wish.dialled, home or wish.country or None)
    standing = _may_call_there(wish, destination)
    candidates = access_number_pool.suitable(
        access_number_pool.read(offered), wanted=wish.access_number, countries=(wish.country, home)
    )
    if not candidates:
        raise CallThroughRefused(refusal(Reason.NO_ACCESS_NUMBER))
    id, chosen = (
        _remember(wish, candidates, callers, destination.text, now) if wish.remembers else (None, candidates[0])
    )
    _, answer = beginnings.judge(standing, destination, now, chosen.deck_ids, is_limited=chosen.is_limited)
    if isinstance(answer, Refuse):
        raise CallThroughRefused(answer)
    return Promised(id=id, access_number=chosen.number, destination=destination.text)


_RECENT = """
SELECT count(*) FILTER (WHERE t.made_at > %s), count(*), bool_or(a.velocity_limits)
FROM telephony_callthrough t JOIN accounts_account a ON a.id = t.account_id
WHERE t.account_id = %s AND t.made_at > %s
"""


def _asks_too_often(recent: Answer) -> bool:
    ((within_a_minute, within_an_hour, is_limited),) = recent.rows()
    return bool(is_limited) and (within_a_minute >= MOST_A_MINUTE or within_an_hour >= MOST_AN_HOUR)


def _may_call_there(wish: Wish, destination: Destination) -> Standing:
    """The questions that need no money, as when the call comes."""
    found = directory.find_standing(
        client_user=wish.client_user, otherwise_account_id=None, prefixes=destination.prefixes, preferred_number=None
    )
    ours = access_numbers.find_ours(destination.text)
    standing = directory.read_standing(found)
    refused = refusal(destination.wrong) if destination.wrong else may_call(standing)
    if refused is None and ours.row() is not None:
        refused = refusal(Reason.DESTINATION_UNSUPPORTED, "It is one of our own access numbers.")
    if refused is not None or standing is None:
        raise CallThroughRefused(refused or refusal(Reason.UNKNOWN_CALLER))
    return standing


def _remember(
    wish: Wish, candidates: Sequence[Offered], callers: Sequence[str], destination: str, now: datetime
) -> tuple[UUID, Offered]:
    """Keep the rule at the access number that suits best; the newest of one person replaces what was there."""
    rules = _open_rules(callers, now)
    chosen = _choose(wish, candidates, destination, rules)
    if chosen is None:
        raise CallThroughRefused(refusal(Reason.ACCESS_NUMBER_BUSY))
    in_the_way = [rule.id for rule in rules if rule.access_number_id == chosen.id]
    if in_the_way:
        # Rule first, then its callers, as a call that claims it does.
        tell(
            "UPDATE telephony_callthrough SET replaced_at = %s WHERE id = ANY(%s) AND claimed_at IS NULL",
            [now, in_the_way],
        )
        _close(in_the_way, now)
    id = uuid4()
    tell(
        "INSERT INTO telephony_callthrough (id, account_id, client_user_id, access_number_id, destination, made_at, "
        "expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            id, wish.account_id, wish.client_user_id, chosen.id, destination, now,
            now + timedelta(seconds=settings.CALL_THROUGH_SECONDS),
        ],
    )  # fmt: skip
    tell(
        "INSERT INTO telephony_callthroughcaller (call_through_id, access_number_id, caller) "
        "SELECT %s, %s, unnest(%s::text[])",
        [id, chosen.id, list(callers)],
    )
    return id, chosen


def _open_rules(callers: Sequence[str], now: datetime) -> Sequence[_Rule]:
    found = ask(
        "SELECT DISTINCT t.id, t.access_number_id, t.client_user_id, t.destination, t.expires_at > %s "
        "FROM telephony_callthroughcaller c JOIN telephony_callthrough t ON t.id = c.call_through_id "
        "WHERE c.caller = ANY(%s) AND c.closed_at IS NULL ORDER BY t.id",
        [now - CLOCKS_DIFFER, list(callers)],
    )
    return [_Rule(**dict(zip(_Rule.__dataclass_fields__, row, strict=True))) for row in found.rows()]


def _choose(wish: Wish, candidates: Sequence[Offered], destination: str, rules: Sequence[_Rule]) -> Offered | None:
    """An access number at which nobody else's call can be taken for this one.

    A request that is repeated gets the number it got before; a second destination gets another number while there is
    one, else it takes the place of the first. What somebody else of the account asked for stays.
    """
    standing = {
        each.id: [rule for rule in rules if rule.access_number_id == each.id and rule.is_alive] for each in candidates
    }
    mine = [
        each for each in candidates if all(rule.client_user_id == wish.client_user_id for rule in standing[each.id])
    ]
    repeated = (each for each in mine if any(rule.destination == destination for rule in standing[each.id]))
    free = (each for each in mine if not standing[each.id])
    return next(repeated, None) or next(free, None) or next(iter(mine), None)


# --- a call comes ----------------------------------------------------------------------------------------------------


def find(application_id: int, number: str, caller: str, begun_at: datetime) -> Answer:
    """Ask what a call to an access number of the application, from this caller, was said to be for. See `read`."""
    return ask(
        "SELECT t.id, t.account_id, t.destination FROM telephony_callthroughcaller c "
        "JOIN telephony_callthrough t ON t.id = c.call_through_id "
        "JOIN telephony_accessnumber n ON n.id = c.access_number_id "
        "JOIN accounts_callernumber x ON x.number = c.caller AND x.account_id = t.account_id "
        "WHERE c.caller = %s AND c.closed_at IS NULL AND t.claimed_at IS NULL AND t.expires_at > %s "
        "AND n.number = %s AND n.application_id = %s AND n.enabled AND x.verified_at IS NOT NULL",
        [caller, begun_at - CLOCKS_DIFFER, number, application_id],
    )


def read(answer: Answer) -> Mapped | None:
    """The rule that was asked for; None when nothing was said about this call."""
    row = answer.row()
    return None if row is None else Mapped(id=row[0], account_id=row[1], destination=row[2])


def claim(mapped: Mapped, call_id: UUID, at: datetime) -> bool:
    """The call takes the rule, for all its callers. False when another one did first, or a newer rule replaced it."""
    claimed = ask(
        "UPDATE telephony_callthrough SET claimed_at = %s, claimed_by = %s "
        "WHERE id = %s AND claimed_at IS NULL AND replaced_at IS NULL RETURNING id",
        [at, call_id, mapped.id],
    )
    if claimed.row() is None:
        return False
    _close([mapped.id], at)
    return True


def _close(ids: Sequence[UUID], at: datetime) -> None:
    tell(
        "UPDATE telephony_callthroughcaller SET closed_at = %s WHERE call_through_id = ANY(%s) AND closed_at IS NULL",
        [at, list(ids)],
    )
