"""Verifications: somebody proves that a number is theirs, by a code or a missed call, and may then be shown with it.

`start` decides, holds the price and promises the work; `verification_starting` has the provider begin it. The person
hands in the proof with `report`. What comes of it without them comes in by `verification_news`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import structlog
from django.db.models import QuerySet

from accounts import directory, registration
from accounts.models import Account
from accounts.numbers import NumberUnreadable, parse_number, prefixes
from billing import piecework
from billing.money import ZERO
from billing.piecework import PieceQuote
from outbox import rows
from postgres.statements import ask
from postgres.work import in_one_transaction
from telephony import access_numbers, verification_facts
from telephony import verification_records as records
from telephony.applications import access_to
from telephony.models import Application, Verification
from telephony.news import VerificationMethod, VerificationStatus
from telephony.providers.base import CommandRefused, ProviderTrouble, TooMuchAtOnce, VerificationReport
from telephony.registry import PROVIDERS, verifying
from telephony.verification_policy import Denial, denial, plain_address
from telephony.verification_records import KnownVerification, NewRow, Told
from telephony.verification_starting import told_by

log = structlog.get_logger(__name__)

MOST_REPORTS = 5
LONGEST_REFERENCE = 100
LONGEST_CUSTOM = 1000

OPEN_FOR = records.OPEN_FOR

# An answer that was lost is looked up for a day; the money is held for as long, and a little more.
HELD_FOR = timedelta(hours=25)

_CODE = re.compile(r"[0-9A-Za-z]{3,16}")

Method = Verification.Method
Status = Verification.Status

TOO_MANY_WRONG = f"{MOST_REPORTS} wrong tries"
TRY_AGAIN = "It could not be checked just now: try again in a moment."
START_AGAIN = "Start a new one."


@dataclass(frozen=True, kw_only=True)
class NewVerification:
    """A proof that somebody of an account wants to bring. `number` as people write numbers.

    `reference` and `custom` are the customer's own. `from_address` is the internet address that asked, where known.
    """

    account_id: int
    number: str
    method: Verification.Method
    reference: str = ""
    custom: str = ""
    from_address: str | None = None


class VerificationRefused(Exception):
    """It cannot be done. Its sentence says what to do, `field` where it was wrong."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def start(new: NewVerification, now: datetime) -> Verification:
    """Begin one, in a transaction of its own: the policy allows it, its price is held, its beginning is promised.

    Raises VerificationRefused; nothing was written then, but for a notice to staff about a stopped country.
    """
    number = _checked(new)
    try:
        begun = in_one_transaction(lambda: _begin(new, number, now))
    except psycopg.errors.LockNotAvailable:
        raise VerificationRefused("number", "Too many are asking just now: try again in a minute.") from None
    if isinstance(begun, Denial):
        log.info("verification_denied", limit=begun.limit.value, why=begun.detail)
        raise VerificationRefused("number", begun.say)
    return Verification.objects.get(pk=begun)


def report(verification_id: UUID, account: Account, proof: str, now: datetime) -> Verification:
    """Hand in the code, or for a missed call the number that called. The provider is asked while the person waits.

    Returns the verification once it is successful: the number is then a verified one of the account. Raises
    VerificationRefused for a wrong proof and whenever there is nothing more to prove. The proof is kept nowhere.
    """
    asked = find(account, verification_id)
    if asked is None:
        raise VerificationRefused("id", "There is no such verification.")
    tidy = _proof(asked.method, proof)
    known = in_one_transaction(lambda: _count_try(asked.pk, now))
    try:
        told = _ask_provider(asked.application, known, tidy)
    except ProviderTrouble as trouble:
        log.warning("proof_not_checked", verification=str(known.id), why=str(trouble))
        in_one_transaction(lambda: records.count_report(known.id, -1))
        raise VerificationRefused("code", TRY_AGAIN) from None
    status, tries_left = in_one_transaction(lambda: _conclude(known.id, told, now))
    concluded = Verification.objects.get(pk=known.id)
    if status is Status.SUCCESSFUL:
        return concluded
    raise VerificationRefused(
        "code", _wrong(known.method, tries_left) if status is Status.PENDING else _over(concluded)
    )


def find(account: Account, id: UUID) -> Verification | None:
    """The account's verification with this id; one of somebody else's is none."""
    return _of(account).filter(pk=id).first()


def find_by_reference(account: Account, reference: str) -> Verification | None:
    """The account's latest verification with this reference of its own."""
    return _of(account).exclude(reference="").filter(reference=reference).order_by("-created_at").first()


def find_by_number(account: Account, number: str) -> Verification | None:
    """The account's latest verification of this number. Raises NumberUnreadable."""
    return _of(account).filter(number=parse_number(number)).order_by("-created_at").first()


def _of(account: Account) -> QuerySet[Verification]:
    return Verification.objects.filter(account=account).select_related("application")


# --- beginning -------------------------------------------------------------------------------------------------------

_APPLICATION = "SELECT id FROM telephony_application WHERE enabled AND provider = ANY(%s) ORDER BY id LIMIT 1"


def _checked(new: NewVerification) -> str:
    """The number in E.164, after everything that can be seen without asking anybody."""
    if len(new.reference) > LONGEST_REFERENCE or not new.reference.isprintable():
        raise VerificationRefused("reference", f"A reference has at most {LONGEST_REFERENCE} printable characters.")
    if len(new.custom) > LONGEST_CUSTOM or not new.custom.isprintable():
        raise VerificationRefused("custom", f"Custom data has at most {LONGEST_CUSTOM} printable characters.")
    try:
        return parse_number(new.number)
    except NumberUnreadable as unreadable:
        raise VerificationRefused("number", str(unreadable)) from unreadable


def _begin(new: NewVerification, number: str, now: datetime) -> UUID | Denial:
    application_id = _check_who_and_where(new.account_id, number)
    country = verification_facts.country_of(number)
    address = plain_address(new.from_address) if new.from_address else None
    counted = verification_facts.count(application_id, number, country, address, now)
    quoted = piecework.quote(new.account_id, piecework.Service.VERIFICATIONS, prefixes(number), now)
    denied = denial(verification_facts.facts_of(counted, country_allowed=True))
    if denied is not None:
        verification_facts.tell_staff(denied, application_id, country, now)
        return denied
    quote = _check_money(piecework.read_quote(quoted))
    id = uuid4()
    piecework.reserve(quote, id, 1, opened_at=now, expires_at=now + HELD_FOR)
    records.write(
        NewRow(
            id=id,
            account_id=new.account_id,
            application_id=application_id,
            number=number,
            country=country,
            method=new.method,
            created_at=now,
            reference=new.reference,
            custom=new.custom,
            from_address=address,
        )
    )
    rows.put(records.KIND, f"{records.KIND}:{id}", subject=id)
    return id


def _check_who_and_where(account_id: int, number: str) -> int:
    """May this account have this number verified, and through which application?"""
    able = [name for name, provider in PROVIDERS.items() if provider.capabilities.verifies_numbers]
    found = directory.find_standing(
        client_user="", otherwise_account_id=account_id, prefixes=prefixes(number), preferred_number=None
    )
    ours = access_numbers.find_ours(number)
    taken = registration.find_other_owner(number, account_id)
    application = ask(_APPLICATION, [able])
    standing = directory.read_standing(found)
    if standing is None:
        raise VerificationRefused("account", "There is no such account.")
    if not standing.is_active:
        raise VerificationRefused("account", "The account is not active: no number is verified for it.")
    if not standing.destination_allowed:
        raise VerificationRefused("number", "The account's destination rules do not allow this number.")
    if ours.row():
        raise VerificationRefused("number", "This is a number of ours: verify one on which you are called.")
    if taken.row():
        raise VerificationRefused("number", "This number cannot be verified: it belongs to another account.")
    row = application.row()
    if row is None:
        raise VerificationRefused("application", "No application verifies numbers: have one added that does.")
    return int(row[0])


def _check_money(quote: PieceQuote | None) -> PieceQuote:
    if quote is None:
        raise VerificationRefused("account", "The account has no wallet: open one for it.")
    if quote.rate is None:
        raise VerificationRefused("number", "There is no price for verifying this number: use another one.")
    price = quote.rate.price_of(1)
    if price > quote.available:
        available = max(quote.available, ZERO)
        raise VerificationRefused(
            "account",
            f"The credit is not enough: {price:f} {quote.currency} needed, {available:f} {quote.currency} available.",
        )
    return quote


# --- the proof -------------------------------------------------------------------------------------------------------


def _proof(method: str, text: str) -> str:
    """What the person handed in, as the provider takes it. The text itself stands in no sentence."""
    if method == Method.FLASHCALL:
        try:
            return parse_number(text)
        except NumberUnreadable as unreadable:
            raise VerificationRefused("code", str(unreadable)) from None
    code = re.sub(r"[\s-]", "", text)
    if not _CODE.fullmatch(code):
        raise VerificationRefused("code", "A code is 3 to 16 digits or letters.")
    return code


def _count_try(id: UUID, now: datetime) -> KnownVerification:
    """Take one of the tries, so that nobody has more of them by trying at once."""
    known = records.read(records.lock(id))
    if known is None:
        raise VerificationRefused("id", "There is no such verification.")
    if known.is_over:
        raise VerificationRefused("code", _over(known))
    if now - known.created_at > OPEN_FOR:
        raise VerificationRefused("code", f"This verification has expired. {START_AGAIN}")
    if known.reports >= MOST_REPORTS:
        raise VerificationRefused("code", f"All {MOST_REPORTS} tries are being used. {START_AGAIN}")
    if not known.provider_id:
        raise VerificationRefused("code", "The verification has not begun yet: try again in a moment.")
    records.count_report(id, 1)
    return known


def _ask_provider(application: Application, known: KnownVerification, proof: str) -> Told | None:
    """What the provider says is the end of it; None when only the proof was wrong. Raises ProviderTrouble."""
    verifier, access = verifying(application.provider), access_to(application)
    answer: VerificationReport | None
    try:
        answer = verifier.report_verification(access, known.provider_id, VerificationMethod(known.method.value), proof)
    except TooMuchAtOnce:
        raise
    except CommandRefused:
        answer = None
    if answer is None or answer.status is VerificationStatus.FAILED:
        # Was it this proof that failed, or the whole? What it says of itself decides.
        answer = verifier.find_verification(access, str(known.id))
    if answer is None or records.contradicts(known, answer.number):
        raise ProviderTrouble("the provider does not speak of this verification")
    return None if answer.status in (VerificationStatus.PENDING, VerificationStatus.OTHER) else told_by(answer)


def _conclude(id: UUID, told: Told | None, now: datetime) -> tuple[Verification.Status, int]:
    """Write down what came of the proof. Returns the status now, and how many tries are left."""
    known = records.read(records.lock(id))
    if known is None:
        raise VerificationRefused("id", "There is no such verification.")
    tries_left = MOST_REPORTS - known.reports
    if told is None and tries_left <= 0:
        told = Told(status=VerificationStatus.FAILED, reason=TOO_MANY_WRONG)
    return (known.status if told is None else records.carry_on(known, told, now)), tries_left


def _wrong(method: Verification.Method, tries_left: int) -> str:
    what = "That is not the number that called" if method is Method.FLASHCALL else "This code is wrong"
    return f"{what}: {tries_left} {'try is' if tries_left == 1 else 'tries are'} left."


def _over(verification: KnownVerification | Verification) -> str:
    match Status(verification.status):
        case Status.SUCCESSFUL:
            return "This number is verified already."
        case Status.EXPIRED:
            return f"This verification has expired. {START_AGAIN}"
        case Status.DENIED:
            what = "was refused"
        case _:
            what = "has failed"
    because = f" ({verification.reason.rstrip('.')})" if verification.reason else ""
    return f"This verification {what}{because}. {START_AGAIN}"
