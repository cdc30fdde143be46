"""What if the hang-up never comes: ask the provider, and settle what it says.

A hold is never just released when it is overdue. The provider is asked first; only when nobody could say for a day
what became of the call is the money given back, nothing charged and a person asked to look (fault C9).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Greatest

from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS
from billing import charging
from postgres.work import in_one_transaction
from telephony import calls, cdrs, endings
from telephony.models import CDR, Application, Call
from telephony.providers.base import CallReport, CallUnknown, ProviderTrouble
from telephony.registry import PROVIDERS, voice

log = structlog.get_logger(__name__)

ASK_AGAIN_AFTER = timedelta(seconds=60)
SILENT_AFTER = 3
GIVE_UP_AFTER = timedelta(hours=24)
LONGEST_REAL_CALL = timedelta(seconds=PLATFORM_LONGEST_CALL_SECONDS, minutes=10)  # the platform's own maximum
LONGEST_IN_MENU_SECONDS = 600  # nobody listens to a menu for longer; asking the provider costs little
AT_ONCE = 200
LOOKED_AT = 10_000
DOUBTED = "the provider's answer could not be believed"


@dataclass(frozen=True)
class Reconciled:
    """What one run did, in calls."""

    asked: int = 0
    settled: int = 0
    going_on: int = 0
    no_answer: int = 0
    given_up: int = 0

    def and_one(self, outcome: str) -> Reconciled:
        return Reconciled(**{**vars(self), "asked": self.asked + 1, outcome: getattr(self, outcome) + 1})


def reconcile(now: datetime, application: Application | None = None) -> Reconciled:
    """Ask the providers about calls that should have ended, at most AT_ONCE of them, oldest first.

    With an application, only about its calls. One that leaves SILENT_AFTER questions unanswered is left alone for the
    rest of the run, so that it keeps no other waiting; nor does a call that fails: the first failure is raised in the
    end. Safe to run twice at once: a call is settled under its lock, once. HTTP is spoken outside any transaction.
    """
    done = Reconciled()
    failures: list[Exception] = []
    unanswered: Counter[int] = Counter()
    due = overdue(now) if application is None else overdue(now).filter(application=application)
    for call_id, application_id in due.values_list("pk", "application_id")[:LOOKED_AT]:
        if done.asked + len(failures) >= AT_ONCE:
            break
        if unanswered[application_id] >= SILENT_AFTER:
            continue
        try:
            call = Call.objects.select_related("application").get(pk=call_id)
            report, answered = _ask(call)
            unanswered[application_id] += not answered
            outcome = in_one_transaction(partial(write_down, call_id, call.application.provider, report, now))
        except Exception as failure:
            log.exception("call_not_reconciled", call=str(call_id))
            failures.append(failure)
            continue
        done = done.and_one(outcome)
        log.info("call_reconciled", call=str(call_id), outcome=outcome)
    if failures:
        raise failures[0]
    return done


def overdue(now: datetime) -> QuerySet[Call]:
    """Calls whose end should have been heard of, oldest first.

    One that was asked about before waits a tenth of the time it is overdue, at least a minute, so that it is asked
    about ever more rarely; and it is asked about once more as soon as its day is over.
    """
    margin = timedelta(seconds=settings.DIAL_TIMEOUT_SECONDS + settings.HOLD_MARGIN_SECONDS)
    longest = Case(When(state=Call.State.MENU, then=LONGEST_IN_MENU_SECONDS), default=PLATFORM_LONGEST_CALL_SECONDS)
    seconds = Coalesce(F("limit_seconds"), longest)
    due = ExpressionWrapper(
        F("begun_at") + seconds * Value(timedelta(seconds=1)) + Value(margin), output_field=DateTimeField()
    )
    since_due = ExpressionWrapper((Value(now) - F("due")) / Value(10), output_field=DurationField())
    return (
        Call.objects.filter(ended_at__isnull=True)
        .alias(due=due)
        .filter(due__lt=now)
        .alias(wait=Greatest(since_due, Value(ASK_AGAIN_AFTER)))
        .filter(Q(asked_at__isnull=True) | Q(asked_at__lt=Value(now) - F("wait")) | Q(begun_at__lt=now - GIVE_UP_AFTER))
        .order_by("begun_at")
    )


def _ask(call: Call) -> tuple[CallReport | None, bool]:
    """What the provider says about the call, and whether it said anything at all."""
    application = call.application
    if not call.provider_call_id:
        return None, True  # nobody has told us yet by which id the provider knows it, so nothing can be asked
    try:
        report = voice(application.provider).ask_about_call(
            application.base_url, application.key, application.secret, call.provider_call_id
        )
    except ProviderTrouble as trouble:
        log.warning("provider_gave_no_answer", call=str(call.pk), why=str(trouble))
        return None, isinstance(trouble, CallUnknown)
    return report, True


def write_down(call_id: UUID, provider: str, report: CallReport | None, now: datetime) -> str:
    """What the provider said about a call, in the caller's transaction: settled, going on, no answer or given up."""
    able = PROVIDERS[provider].capabilities
    locked = calls.lock(call_id)
    reserved = charging.find_reservation(call_id)
    call = calls.read(locked)
    reservation = charging.read_reservation(reserved)
    if call is None or call.is_settled:
        return "settled"  # the hang-up came while we were asking
    ended = report.ended if report else None
    ending = endings.as_talked(call, cdrs.ending_of(ended, CDR.Source.ASKED), ended.at) if ended else None
    remark = ""
    if ending is not None:
        ending, remark = endings.as_charged(ending, call.begun_at, now, able)
    doubt = endings.doubt(ended, ending, call, able) if ended and ending else ""
    if ended is not None and ending is not None and not doubt:
        endings.end(call, reservation, ending, now, "; ".join(filter(None, (*ended.remarks, remark))), able=able)
        return "settled"
    if call.given_up:
        return "given_up"  # while we were asking, or before
    if doubt:
        log.error("provider_not_believed", call=str(call.id), why=doubt)
        calls.mark_for_review(call.id, DOUBTED)
    going_on = report is not None and report.ended is None
    calls.mark_asked(call.id, now)
    is_limited = able.limits_phone_calls  # else it may really go on, for as long as we cannot end it
    if now - call.begun_at > (LONGEST_REAL_CALL if going_on and is_limited else GIVE_UP_AFTER):
        endings.give_up(call, reservation, now)
        return "given_up"
    return "going_on" if going_on else "no_answer"
