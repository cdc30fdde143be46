"""Callouts: somebody is to be called. They are promised, placed and called off here; `callout_dialling` calls."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from django.utils import timezone

from postgres.statements import ask, tell
from postgres.work import in_one_transaction
from telephony import aftermath, callout_dialling
from telephony.callout_checks import Allowed, CalloutRefused, NewCallout, check, judge, look
from telephony.models import Callout

__all__ = ["CalloutRefused", "NewCallout", "cancel", "place", "promise", "write"]


def place(new: NewCallout) -> Callout:
    """Promise a callout and, when it is due, have it called: one transaction. Raises CalloutRefused.

    A call that cannot begin for lack of credit or of a free slot leaves a callout that has failed and says why.
    """
    now = timezone.now()

    def work() -> UUID:
        id, is_new = _promise(new, now)
        # An earlier one with the same reference is begun in its own time, one of a list by its list.
        if is_new and new.call_list_id is None:
            callout_dialling.begin_single(id, now)
        return id

    return Callout.objects.get(pk=in_one_transaction(work))


def promise(new: NewCallout, now: datetime) -> UUID:
    """Write a callout down, to be called when it is due, in the caller's transaction. Nothing is held yet.

    Returns the id of the one with the same reference where the account has one. Raises CalloutRefused before anything
    is written.
    """
    return _promise(new, now)[0]


def _promise(new: NewCallout, now: datetime) -> tuple[UUID, bool]:
    """The callout's id, and whether it was written now."""
    checked = check(new, now)
    allowed = judge(checked, look(checked))
    if allowed.earlier_id is not None:
        return allowed.earlier_id, False
    return write(allowed), True


def cancel(id: UUID, now: datetime) -> None:
    """Call off a callout that waits, in the caller's transaction. Raises CalloutRefused when it does not wait."""
    waiting = aftermath.lock(id, Callout.State.WAITING)
    if waiting is not None:
        aftermath.finish(waiting, Callout.State.CANCELLED, "", "It was called off.", now)
        return
    row = ask("SELECT state FROM telephony_callout WHERE id = %s", [id]).row()
    if row is None:
        raise CalloutRefused("id", "There is no such callout.")
    if row[0] == Callout.State.CALLING:
        raise CalloutRefused("state", "It is being called now: hang up its call instead.")
    raise CalloutRefused("state", "It is over already.")


def write(allowed: Allowed) -> UUID:
    """Write it down, waiting. A simultaneous twin with its reference makes this fail, and the loser tries again."""
    checked, new, id = allowed.checked, allowed.checked.new, uuid4()
    tell(
        "INSERT INTO telephony_callout (id, account_id, application_id, call_list_id, purpose, paid_by, reference, "
        "kind, destination, caller_id, text, locale, menu_version_id, conference_id, on_machine, state, due_at, "
        "earliest, latest, time_zone, attempts, most_attempts, retry_seconds, result, machine, detail, heard, made_by) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'waiting', %s, %s, %s, %s, 0, %s, %s, "
        "'', '', '', '[]', %s)",
        [
            id, new.account_id, allowed.application_id, new.call_list_id, new.purpose.value, new.paid_by.value,
            new.reference, new.kind.value, checked.destination, allowed.caller_id, checked.text, new.locale,
            new.menu_version_id, new.conference_id, new.on_machine.value, checked.due_at, new.earliest, new.latest,
            new.time_zone, new.most_attempts, new.retry_seconds, new.made_by[:254],
        ],
    )  # fmt: skip
    return id
