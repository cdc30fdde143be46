"""What a provider asks and tells about verifications: may it, and what came of it."""

from __future__ import annotations

from uuid import UUID

import structlog

from accounts.numbers import NumberUnreadable, mask, parse_number, prefixes
from postgres.statements import Answer, ask
from telephony import inbox, verification_facts
from telephony import verification_records as records
from telephony.decisions import Acknowledge, AllowVerification, Decision, DenyVerification
from telephony.inbox import Outcome, Received
from telephony.models import Verification
from telephony.news import (
    VerificationAsked,
    VerificationEnded,
    VerificationMethod,
    VerificationNews,
    VerificationStatus,
    VerificationTexted,
)
from telephony.verification_policy import denial
from telephony.verification_records import KnownVerification, NewRow, Told

log = structlog.get_logger(__name__)

Status = Verification.Status

LONGEST_REFERENCE = 100
LONGEST_CUSTOM = 1000
LONGEST_PROVIDER_ID = 100


def asked(received: Received) -> Decision:
    """Allow or deny a verification that somebody began at the provider.

    One of ours was allowed when it was started. One that an app began is decided by the same policy, of which the
    provider does not say from which network. Whatever cannot be decided is denied.
    """
    event = received.event
    assert isinstance(event, VerificationAsked)  # noqa: S101 - chosen by the event's kind
    recalled = inbox.recall(received)
    ours = _find_ours(received.application.id, event.reference)
    before = inbox.read_recalled(recalled)
    if before is not None:
        return before
    row = ours.row()
    decision = _by_policy(received, event) if row is None else _of_ours(event, *row)
    if isinstance(decision, DenyVerification):
        log.warning("verification_denied", number=mask(event.number), why=decision.why)
    inbox.record(received, decision)
    return decision


def ended(received: Received) -> Decision:
    """A verification came to its end: its status goes forward once, and the number is the account's when it was proved.

    News that comes again changes nothing; another story is kept for a person.
    """
    event = received.event
    assert isinstance(event, VerificationEnded)  # noqa: S101 - chosen by the event's kind
    known = _lock_heard_of(received, event)
    before = inbox.read_recalled(inbox.recall(received))
    if known is None:
        log.warning("unknown_verification_ended", provider=received.application.provider)
    elif event.status is VerificationStatus.SUCCESSFUL and records.contradicts(known, event.number):
        return _kept_for_a_person(received, Outcome.QUARANTINED, "successful for another number than was to be proved")
    elif known.is_over and _tells_otherwise(event, known):
        return _kept_for_a_person(received, Outcome.CONFLICT, f"It ended before, {known.status.value}.")
    elif before is None:
        records.carry_on(known, _told(event), received.received_at)
    if before is None:
        inbox.record(received, Acknowledge())
    return Acknowledge()


def texted(received: Received) -> Decision:
    """The text with the code was delivered, or was not."""
    event = received.event
    assert isinstance(event, VerificationTexted)  # noqa: S101 - chosen by the event's kind
    known = _lock_heard_of(received, event)
    if inbox.read_recalled(inbox.recall(received)) is not None:
        return Acknowledge()
    if known is not None:
        records.note(known.id, "The text was delivered." if event.successful else "The text was not delivered.")
    inbox.record(received, Acknowledge())
    return Acknowledge()


# --- asked -----------------------------------------------------------------------------------------------------------


def _find_ours(application_id: int, reference: str) -> Answer:
    return ask(
        "SELECT id, number, method, status, provider_id FROM telephony_verification "
        "WHERE application_id = %s AND id = %s AND NOT by_app FOR NO KEY UPDATE",
        [application_id, records.own_id(reference)],
    )


def _of_ours(event: VerificationAsked, id: UUID, number: str, method: str, status: str, provider_id: str) -> Decision:
    """Our reference is seen by whoever has the verification, so it allows what was started and nothing else."""
    if (event.number, event.method.value) != (number, method):
        return DenyVerification("our reference, but another number or method than was started")
    if status != Status.PENDING.value or provider_id not in ("", event.verification_id):
        return DenyVerification("our reference, which was used before")
    if not provider_id:
        records.name_provider_id(id, event.verification_id[:LONGEST_PROVIDER_ID])
    return AllowVerification()


def _by_policy(received: Received, event: VerificationAsked) -> Decision:
    """Somebody's app began it: nobody pays for it but us, so only where verifications have a price."""
    if event.method is VerificationMethod.OTHER:
        return DenyVerification("a method that we do not offer")
    if not 1 <= len(event.verification_id) <= LONGEST_PROVIDER_ID:
        return DenyVerification("the provider's id of it cannot be kept")
    try:
        number = parse_number(event.number)
    except NumberUnreadable as unreadable:
        return DenyVerification(str(unreadable))
    now, application_id = received.received_at, received.application.id
    country = verification_facts.country_of(number)
    priced = verification_facts.find_price(prefixes(number), now)
    counted = verification_facts.count(application_id, number, country, None, now)
    denied = denial(verification_facts.facts_of(counted, country_allowed=priced.row() is not None))
    if denied is not None:
        verification_facts.tell_staff(denied, application_id, country, now)
    records.write(
        NewRow(
            id=received.call_id,
            account_id=None,
            application_id=application_id,
            number=number,
            country=country,
            method=Verification.Method(event.method.value),
            created_at=now,
            status=Status.PENDING if denied is None else Status.DENIED,
            reason="" if denied is None else denied.detail,
            provider_id=event.verification_id,
            reference=event.reference[:LONGEST_REFERENCE],
            custom=event.custom[:LONGEST_CUSTOM],
            cost=event.price,
        )
    )
    return AllowVerification() if denied is None else DenyVerification(denied.detail)


# --- told ------------------------------------------------------------------------------------------------------------


def _lock_heard_of(received: Received, event: VerificationNews) -> KnownVerification | None:
    found = records.find_heard_of(received.application.id, event.verification_id, event.reference).row()
    return None if found is None else records.read(records.lock(found[0]))


def _told(event: VerificationEnded) -> Told:
    if event.status in (VerificationStatus.OTHER, VerificationStatus.PENDING):
        log.warning("verification_ended_in_an_unknown_way", word=event.status_word)
    return Told(
        status=event.status,
        reason=event.reason,
        provider_id=event.verification_id[:LONGEST_PROVIDER_ID],
        begun=event.status is not VerificationStatus.DENIED,
    )


def _tells_otherwise(event: VerificationEnded, known: KnownVerification) -> bool:
    """Did it end well for one of us and badly for the other? That we gave it up, or lost the number, is no quarrel."""
    if event.status in (VerificationStatus.OTHER, VerificationStatus.PENDING):
        return False
    if known.status is Status.EXPIRED or known.reason == records.TAKEN:
        return False
    return (event.status is VerificationStatus.SUCCESSFUL) != (known.status is Status.SUCCESSFUL)


def _kept_for_a_person(received: Received, outcome: Outcome, why: str) -> Decision:
    log.error("verification_news_not_believed", outcome=outcome.value, why=why)
    inbox.record(received, Acknowledge(), outcome, why)
    return Acknowledge()
