"""Calls that are running now, and what staff may do about one: hang up, park, unpark.

A provider is asked outside any transaction. What it was asked, by whom and with what outcome is written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS
from accounts.models import Account, User
from billing.models import Hold
from telephony.decisions import Connect, Decision, HangUp, Park
from telephony.menus import LOCALE, say
from telephony.models import Call, MenuRun
from telephony.providers.base import CommandRefused, ProviderTrouble
from telephony.registry import PROVIDERS, voice

log = structlog.get_logger(__name__)

MOST_SHOWN = 500
LONGEST_PARKED_SECONDS = 600
LONGEST_SPOKEN = 200
LONGEST_PLEASE_HOLD = 120  # providers take less of what they say again and again

GOODBYE = "This call is ended by our staff. Goodbye."
PLEASE_HOLD = "Please hold the line."
TIME_IS_UP = "The time for this call is used up. Goodbye."

_ONE_SECOND = timedelta(seconds=1)


class LiveCallError(Exception):
    """The call was left as it was, as far as anybody knows. The text is a sentence for people."""


class CallNotRunning(LiveCallError):
    """There is no such call, or it is over."""


class CallNotManageable(LiveCallError):
    """This cannot be done to this call as it is; the provider was not asked."""


class RefusedByProvider(LiveCallError):
    """The provider said no, with its own words and reference."""


class NothingKnown(LiveCallError):
    """The provider gave no answer: it may have done it or not."""


class Verb(StrEnum):
    """What may be done to a running call. The values stand in addresses."""

    HANG_UP = "hang-up"
    PARK = "park"
    UNPARK = "unpark"


class Stage(StrEnum):
    """How far a running call has come, in the words that people see."""

    MENU = "in a menu"
    RINGING = "ringing"
    CONNECTED = "connected"  # whether it rings or somebody talks is not told
    TALKING = "talking"
    PARKED = "parked"


@dataclass(frozen=True, kw_only=True)
class LiveCall:
    """A running call. `seconds_left` and `limit_seconds` are None where nothing limits it, `held` where nothing is.

    `question` is what its menu asked last. `verbs` are what may be done to it.
    """

    id: UUID
    caller: str
    destination: str
    account_id: int | None
    account: str
    stage: Stage
    begun_at: datetime
    seconds: int
    limit_seconds: int | None
    seconds_left: int | None
    held: Decimal | None
    currency: str
    access_number: str
    menu: str
    question: str
    provider: str
    verbs: tuple[Verb, ...]

    @property
    def percent_used(self) -> int | None:
        """How much of the limit is used up, 0 to 100."""
        if not self.limit_seconds or self.seconds_left is None:
            return None
        return 100 - 100 * self.seconds_left // self.limit_seconds


@dataclass(frozen=True, kw_only=True)
class Totals:
    """All running calls in figures; `held` is the sum per currency."""

    calls: int
    in_menus: int
    parked: int
    held: Sequence[tuple[str, Decimal]]


# --- looking ---------------------------------------------------------------------------------------------------------


def running(now: datetime, account: Account | None = None) -> list[LiveCall]:
    """The newest MOST_SHOWN running calls, newest first; with an account, only its calls. Two statements."""
    calls = list(_open(account).order_by("-begun_at", "-pk")[:MOST_SHOWN])
    holds = {hold.subject: hold for hold in _open_holds([call.pk for call in calls]).select_related("wallet")}
    return [live_call(call, holds.get(call.pk), now) for call in calls]


def look_at(call_id: UUID, now: datetime) -> LiveCall | None:
    """One call as `running` shows it; None when it is not running."""
    call = _open(None).filter(pk=call_id).first()
    if call is None:
        return None
    return live_call(call, _open_holds([call_id]).select_related("wallet").first(), now)


def totals(account: Account | None = None) -> Totals:
    """Every running call counted, also those beyond MOST_SHOWN, and what is held for them. Two statements."""
    calls = Call.objects.filter(ended_at__isnull=True, **({"account": account} if account else {}))
    counted = calls.aggregate(
        calls=Count("pk"),
        in_menus=Count("pk", filter=Q(state=Call.State.MENU)),
        parked=Count("pk", filter=Q(parked_at__isnull=False)),
    )
    held = _open_holds(calls.values("pk")).values_list("wallet__currency").annotate(sum=Sum("amount"))
    return Totals(**counted, held=list(held.order_by("wallet__currency")))


def live_call(call: Call, hold: Hold | None, now: datetime) -> LiveCall:
    """One running call as people see it."""
    run = getattr(call, "menu_run", None) if call.state == Call.State.MENU else None
    return LiveCall(
        id=call.pk,
        caller=call.caller,
        destination=call.destination,
        account_id=call.account_id,
        account=call.account.name if call.account else "",
        stage=stage_of(call),
        begun_at=call.begun_at,
        seconds=_seconds_since(call.begun_at, now),
        limit_seconds=call.limit_seconds,
        seconds_left=seconds_left(call, now),
        held=hold.amount if hold else None,
        currency=hold.wallet.currency if hold else "",
        access_number=call.access_number.number if call.access_number else "",
        menu=_menu_of(run) if run else "",
        question=run.asked if run else "",
        provider=call.application.provider,
        verbs=verbs_of(call, now),
    )


def _menu_of(run: MenuRun) -> str:
    return run.version.menu.name if run.version else "calling card"


def stage_of(call: Call) -> Stage:
    """How far a running call has come."""
    if call.parked_at is not None:
        return Stage.PARKED
    if call.state == Call.State.MENU:
        return Stage.MENU
    if call.state == Call.State.ANSWERED:
        return Stage.TALKING
    is_told = call.callout_id is not None or PROVIDERS[call.application.provider].capabilities.tells_answers
    return Stage.RINGING if is_told else Stage.CONNECTED


def seconds_left(call: Call, now: datetime) -> int | None:
    """For how long the call may still run: its limit counts from the answer, the connection or the beginning."""
    if call.limit_seconds is None:
        return None
    used = now - (call.answered_at or call.connected_at or call.begun_at)
    return max(0, (call.limit_seconds * _ONE_SECOND - used) // _ONE_SECOND)


def ends_by(call: Call) -> datetime:
    """When the call is ended, at the latest: by the provider, which was told the limit, or by us."""
    since = call.answered_at or call.connected_at or call.begun_at
    if call.limit_seconds is None:
        return since + PLATFORM_LONGEST_CALL_SECONDS * _ONE_SECOND
    ringing_seconds = 0 if call.answered_at else settings.DIAL_TIMEOUT_SECONDS
    return since + (call.limit_seconds + ringing_seconds) * _ONE_SECOND


def verbs_of(call: Call, now: datetime) -> tuple[Verb, ...]:
    """What may be done to the call as it is."""
    return tuple(verb for verb in Verb if not _why_not(call, verb, now))


def _open(account: Account | None) -> QuerySet[Call]:
    calls = Call.objects.filter(ended_at__isnull=True)
    if account is not None:
        calls = calls.filter(account=account)
    return calls.select_related(
        "account", "application", "access_number", "menu_run__version__menu"
    ).defer("menu_run__version__definition")  # fmt: skip


def _open_holds(subjects: Sequence[UUID] | QuerySet[Any]) -> QuerySet[Hold]:
    return Hold.objects.filter(state=Hold.State.OPEN, subject__in=subjects)


def _seconds_since(moment: datetime, now: datetime) -> int:
    return max(0, (now - moment) // _ONE_SECOND)


# --- doing -----------------------------------------------------------------------------------------------------------


def find(call_id: UUID, verb: Verb) -> Call:
    """The call, when this may be done to it now. Raises CallNotRunning or CallNotManageable."""
    call = Call.objects.select_related("application").filter(pk=call_id).first()
    if call is None:
        raise CallNotRunning("There is no such call.")
    if call.ended_at is not None:
        raise CallNotRunning("This call was refused." if call.refusal else "This call is over.")
    if why := _why_not(call, verb, timezone.now()):
        raise CallNotManageable(why)
    return call


def hang_up(call_id: UUID, say_last: str, locale: str, by: User) -> str:
    """End the call after a last sentence, which may be empty. Returns what was done, as a sentence.

    The money is settled when the provider tells us of the end, as always. Raises LiveCallError.
    """
    call = find(call_id, Verb.HANG_UP)
    _command(call, HangUp(say=say(say_last), locale=locale), f"Hang up, saying “{say_last}”", by)
    return "Hung up. The call leaves the list as soon as the provider tells of its end."


def park(call_id: UUID, say_meanwhile: str, locale: str, by: User) -> str:
    """Keep the caller waiting, at most ten minutes and never longer than the call may run. Raises LiveCallError."""
    call = find(call_id, Verb.PARK)
    now = timezone.now()
    seconds = min(LONGEST_PARKED_SECONDS, seconds_left(call, now) or 0)
    decision = Park(say=say(say_meanwhile), limit_seconds=seconds, locale=locale)
    _command(call, decision, f"Park for {seconds} s, saying “{say_meanwhile}”", by)
    Call.objects.filter(pk=call.pk, ended_at__isnull=True).update(parked_at=now)
    return f"Parked for {seconds} s at most; then the provider ends the call."


def unpark(call_id: UUID, by: User) -> str:
    """Connect a parked call again for the time it has left; without any, hang up and say so. Raises LiveCallError.

    Ringing is taken off that time, because a provider may count it: never more than was reserved.
    """
    call = find(call_id, Verb.UNPARK)
    left = seconds_left(call, timezone.now()) or 0
    ringing_seconds = min(settings.DIAL_TIMEOUT_SECONDS, left // 2)
    seconds = left - ringing_seconds
    if ringing_seconds < 1:
        _command(call, HangUp(say=say(TIME_IS_UP), locale=LOCALE), "Unpark with no time left: hang up", by)
        return "No time was left, so the call was hung up instead."
    decision = Connect(
        number=call.destination,
        limit_seconds=seconds,
        caller_id=call.shown_caller_id or None,
        dial_timeout_seconds=ringing_seconds,
    )
    _command(call, decision, f"Unpark, connecting to {call.destination} for {seconds} s", by)
    Call.objects.filter(pk=call.pk).update(parked_at=None)
    return f"Unparked: connected to {call.destination} again, for {seconds} s at most."


def _why_not(call: Call, verb: Verb, now: datetime) -> str:
    """Why this cannot be done to a running call, as a sentence; empty when it can."""
    if not call.destination.startswith("+") and not call.caller.startswith("+"):
        return "A call between two app users cannot be managed: no telephone takes part in it."
    if not call.provider_call_id:
        return "The provider has not told yet by which id it knows this call, so it cannot be told anything about it."
    if call.callout_id and verb is not Verb.HANG_UP:
        return "A call that we began cannot be parked, because nothing could connect it again. It can be hung up."
    if verb is Verb.UNPARK:
        return "" if call.parked_at else "This call is not parked."
    if verb is Verb.PARK:
        return _why_not_parked(call, now)
    return ""


def _why_not_parked(call: Call, now: datetime) -> str:
    if call.parked_at:
        return "This call is parked already."
    if not PROVIDERS[call.application.provider].capabilities.parks_calls:
        return "Its provider cannot park a call. It can be hung up."
    if call.state == Call.State.MENU:
        # A PATCH may connect a parked call but not run a menu.
        return "A call in a menu cannot be parked, because nothing could lead it back there. It can be hung up."
    if not seconds_left(call, now):
        return "This call has no time left to wait in."
    return ""


def _command(call: Call, decision: Decision, what: str, by: User) -> None:
    """Have the provider do it, and write down what came of it. Raises LiveCallError when it is not certainly done."""
    application = call.application
    name = type(decision).__name__
    try:
        voice(application.provider).manage(
            application.base_url, application.key, application.secret, call.provider_call_id, decision
        )
    except CommandRefused as refused:
        log.warning(
            "command_refused", call=str(call.pk), command=name, by=by.pk, code=refused.code, reference=refused.reference
        )
        proof = f" Code {refused.code}, reference {refused.reference or 'none'}." if refused.code else ""
        why = f"The provider refused: {refused}{proof}"
        _write_down(call, by, f"{what}. {why}")
        raise RefusedByProvider(f"{why} The call was left as it was.") from refused
    except ProviderTrouble as trouble:
        log.warning("command_unanswered", call=str(call.pk), command=name, by=by.pk, why=str(trouble))
        _write_down(call, by, f"{what}. No answer: {trouble}")
        end = timezone.localtime(ends_by(call))
        raise NothingKnown(
            f"The provider gave no usable answer, so nothing is known about what it did: {trouble} Whatever it did, "
            f"the call's time is up at {end:%Y-%m-%d %H:%M:%S}, and {_then(call)}."
        ) from trouble
    log.info("command_obeyed", call=str(call.pk), command=name, by=by.pk)
    _write_down(call, by, f"{what}. Done.")


def _then(call: Call) -> str:
    if PROVIDERS[call.application.provider].capabilities.limits_phone_calls:
        return "the provider ends it then"
    return "from then on the provider is told again and again to end it"


def _write_down(call: Call, by: User, message: str) -> None:
    LogEntry.objects.log_actions(by.pk, [call], CHANGE, message, single_object=True)
