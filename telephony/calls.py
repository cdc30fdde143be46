"""A call's life as it is kept: authorised or refused, answered, ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

from postgres.statements import Answer, ask, tell
from telephony.decisions import Refuse
from telephony.models import Call

_CALLS = UUID("6f2b1c1e-52f4-5d0a-9a55-9b1f3f1d8c11")  # our own name space; any fixed value serves

_CALLED_OUT = "ringfence-call:"

COST_ROUNDING = Decimal("0.00000001")  # the CDR keeps eight places of the provider's cost


@dataclass(frozen=True, kw_only=True)
class KnownCall:
    """A call as an event found it, locked. `settled_*` are of its latest CDR; None while it has none."""

    id: UUID
    account_id: int | None
    caller: str
    destination: str
    state: Call.State
    limit_seconds: int | None
    begun_at: datetime
    connected_at: datetime | None
    answered_at: datetime | None
    access_number_id: int | None
    callout_id: UUID | None
    settled_seconds: int | None
    settled_result: str | None
    settled_cost: Decimal | None
    settled_revision: int | None
    given_up: bool

    @property
    def is_over(self) -> bool:
        """True once a CDR was written."""
        return self.settled_revision is not None

    @property
    def is_settled(self) -> bool:
        """True once nothing more can be charged. A call given up can still be settled by a late hang-up."""
        return self.is_over and not self.given_up

    def was_settled_as(self, duration_seconds: int, result: str, cost: Decimal | None) -> bool:
        """Does this tell the same story as the CDR? A cost that only one of them names is no contradiction."""
        same_cost = cost is None or self.settled_cost is None or abs(cost - self.settled_cost) < COST_ROUNDING
        return (duration_seconds, result) == (self.settled_seconds, self.settled_result) and same_cost

    @property
    def is_running(self) -> bool:
        return self.state in (Call.State.MENU, Call.State.AUTHORISED, Call.State.ANSWERED)


def call_id(application_id: int, provider_call_id: str) -> UUID:
    """The id of a call, derived from who told us about it: the same call always has the same id.

    Knowing it before the database is asked saves a round trip, and two applications may use one provider's id.
    """
    return uuid5(_CALLS, f"{application_id}:{provider_call_id}")


def mark_of_callout(id: UUID) -> str:
    """What the provider is given with a callout and repeats in its events: the id of our call, not to be guessed."""
    return f"{_CALLED_OUT}{id}"


def called_out(custom: str) -> UUID | None:
    """The id of our call that `mark_of_callout` made; None for anything else that travels there."""
    if not custom.startswith(_CALLED_OUT):
        return None
    try:
        return UUID(custom.removeprefix(_CALLED_OUT))
    except ValueError:
        return None


def lock(id: UUID) -> Answer:
    """Lock the call, so that its events are decided one after the other. See `read`."""
    return ask(
        "SELECT c.id, c.account_id, c.caller, c.destination, c.state, c.limit_seconds, c.begun_at, "
        "       c.connected_at, c.answered_at, c.access_number_id, c.callout_id, "
        "       cdr.duration_seconds, cdr.result, cdr.provider_cost, cdr.revision, cdr.source = 'expired' "
        "FROM telephony_call c "
        "LEFT JOIN LATERAL ("
        "    SELECT * FROM telephony_cdr WHERE call_id = c.id ORDER BY revision DESC LIMIT 1) cdr ON true "
        "WHERE c.id = %s FOR NO KEY UPDATE OF c",
        [id],
    )


def exists(id: UUID) -> bool:
    """Have we heard of it?"""
    return ask("SELECT id FROM telephony_call WHERE id = %s", [id]).row() is not None


def read(answer: Answer) -> KnownCall | None:
    """The call that was locked; None when we have never heard of it."""
    row = answer.row()
    if row is None:
        return None
    (
        id,
        account_id,
        caller,
        destination,
        state,
        limit_seconds,
        begun_at,
        connected_at,
        answered_at,
        access_number_id,
        callout_id,
        seconds,
        result,
        cost,
        revision,
        given_up,
    ) = row
    return KnownCall(
        id=id,
        account_id=account_id,
        caller=caller,
        destination=destination,
        state=Call.State(state),
        limit_seconds=limit_seconds,
        begun_at=begun_at,
        connected_at=connected_at,
        answered_at=answered_at,
        access_number_id=access_number_id,
        callout_id=callout_id,
        settled_seconds=seconds,
        settled_result=result,
        settled_cost=cost,
        settled_revision=revision,
        given_up=bool(given_up),
    )


def count_open(account_id: int) -> Answer:
    """Count the account's calls that are not over, the two of a bridge as one.

    Under the wallet's lock the count cannot grow meanwhile.
    """
    return ask(
        "SELECT count(*) FILTER (WHERE bridge_id IS NULL) + count(DISTINCT bridge_id) "
        "FROM telephony_call WHERE account_id = %s AND ended_at IS NULL",
        [account_id],
    )


@dataclass(frozen=True, kw_only=True)
class NewCall:
    """A call as it is first written down."""

    id: UUID
    application_id: int
    provider_call_id: str
    account_id: int | None
    caller: str
    destination: str
    begun_at: datetime
    state: Call.State
    access_number_id: int | None = None
    call_through_id: UUID | None = None
    callout_id: UUID | None = None
    bridge_id: UUID | None = None
    shown_caller_id: str = ""
    refusal: str = ""
    detail: str = ""
    limit_seconds: int | None = None
    review: str = ""


def write(call: NewCall) -> None:
    """Write a call down. A simultaneous twin makes this fail on the call's id, and the loser tries again."""
    over = call.state in (Call.State.REFUSED, Call.State.ENDED)
    tell(
        "INSERT INTO telephony_call (id, application_id, provider_call_id, account_id, caller, destination, "
        "access_number_id, call_through_id, callout_id, bridge_id, shown_caller_id, state, refusal, detail, "
        "limit_seconds, begun_at, ended_at, review) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            call.id, call.application_id, call.provider_call_id, call.account_id, call.caller, call.destination,
            call.access_number_id, call.call_through_id, call.callout_id, call.bridge_id, call.shown_caller_id,
            call.state.value, call.refusal, call.detail, call.limit_seconds, call.begun_at,
            call.begun_at if over else None, call.review[:100],
        ],
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Where a menu connects a call to, at whose cost and for how long. `at` is the provider's time, as of the end."""

    account_id: int
    destination: str
    shown_caller_id: str
    limit_seconds: int
    at: datetime


def mark_connected(id: UUID, connection: Connection) -> None:
    """A menu connects the call: from here on it is the account's."""
    tell(
        "UPDATE telephony_call SET state = 'authorised', account_id = %s, destination = %s, shown_caller_id = %s, "
        "limit_seconds = %s, connected_at = %s WHERE id = %s",
        [
            connection.account_id, connection.destination[:255], connection.shown_caller_id,
            connection.limit_seconds, connection.at, id,
        ],
    )  # fmt: skip


def mark_refused(id: UUID, account_id: int | None, destination: str, refused: Refuse, at: datetime) -> None:
    """A menu could not do what the caller wished, and the call was ended for it. `destination` is what was wished."""
    tell(
        "UPDATE telephony_call SET state = 'refused', account_id = %s, destination = %s, refusal = %s, detail = %s, "
        "ended_at = %s WHERE id = %s",
        [account_id, destination[:255], refused.reason.value, refused.detail[:255], at, id],
    )


def mark_in_menu(id: UUID, at: datetime) -> None:
    """The called side answered a callout that plays a menu."""
    tell("UPDATE telephony_call SET state = 'menu', answered_at = %s WHERE id = %s", [at, id])


def adopt(id: UUID, provider_call_id: str) -> None:
    """A call that we began is the provider's call of this id, whoever tells us first; the first word stands."""
    tell(
        "UPDATE telephony_call SET provider_call_id = %s WHERE id = %s AND provider_call_id = ''",
        [provider_call_id[:255], id],
    )


def mark_answered(id: UUID, at: datetime) -> None:
    """The called side answered."""
    tell("UPDATE telephony_call SET state = 'answered', answered_at = %s WHERE id = %s", [at, id])


def mark_ended(id: UUID, at: datetime, review: str = "") -> None:
    """The call is over; a refused call stays refused."""
    tell(
        "UPDATE telephony_call SET state = CASE state WHEN 'refused' THEN state ELSE 'ended' END, ended_at = %s, "
        "review = left(concat_ws('; ', nullif(review, ''), nullif(%s, '')), 100) WHERE id = %s",
        [at, review, id],
    )


def mark_for_review(id: UUID, why: str) -> None:
    """Ask for a person's look. The same reason is written down once."""
    tell(
        "UPDATE telephony_call SET review = left(concat_ws('; ', nullif(review, ''), %s::text), 100) "
        "WHERE id = %s AND position(%s::text IN review) = 0",
        [why, id, why],
    )


def mark_asked(id: UUID, at: datetime) -> None:
    """The provider was asked about it and could not say that it has ended."""
    tell("UPDATE telephony_call SET asked_at = %s WHERE id = %s", [at, id])
