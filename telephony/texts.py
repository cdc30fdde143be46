"""Texts that go out: what may be sent is decided, its price held and its sending promised, in one transaction.

Nothing is sent here. What was promised is carried out by `text_sending`, and what became of it comes in by
`text_news`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.utils import timezone

from accounts import directory
from accounts.limits import Standing
from accounts.numbers import NumberUnreadable, parse_number, prefixes
from billing import piecework
from billing.money import ZERO
from billing.piecework import PieceQuote
from outbox import rows
from postgres.statements import Answer, ask, tell
from postgres.work import in_one_transaction
from telephony import segments
from telephony.models import Payer, TextMessage
from telephony.registry import PROVIDERS, texting
from telephony.segments import Segmented

ERRAND = "text"

MOST_SEGMENTS = 10
MOST_CHARACTERS = 1600  # the provider's own limit for a text
LONGEST_REFERENCE = 100

# The wallet is locked while a list is promised, and a call of the account that begins meanwhile waits for it.
MOST_AT_ONCE = 100

# A text whose answer was lost is looked for during a day; its money is held for as long, and a little more.
HELD_FOR = timedelta(hours=25)

Purpose = TextMessage.Purpose


@dataclass(frozen=True, kw_only=True)
class NewText:
    """A text that somebody wants sent. `recipient` as people write numbers; `sender` empty for the usual one.

    The same `reference` of an account counts once. One that is paid by the house needs no account. With
    `application_id` it goes out there or not at all; else through the application that texts usually go out by.
    """

    account_id: int | None
    recipient: str
    body: str
    sender: str = ""
    reference: str = ""
    purpose: Purpose = Purpose.CUSTOMER
    paid_by: Payer = Payer.ACCOUNT
    application_id: int | None = None

    def __post_init__(self) -> None:
        if self.account_id is None and self.paid_by is not Payer.HOUSE:
            raise ValueError("a text of no account is paid by the house")


class TextRefused(Exception):
    """The text will not be sent; nothing was written. Its sentence says what to do, `field` where it was wrong."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class TextsRefused(Exception):
    """Some texts of a list will not be sent, so none is. `refusals` are their positions, from 0, and why."""

    def __init__(self, refusals: Sequence[tuple[int, TextRefused]]) -> None:
        super().__init__(" ".join(f"Text {position + 1}: {refused}" for position, refused in refusals))
        self.refusals = refusals


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What sending would take, text by text: recipients in E.164, segments, and the price in `currency`."""

    recipients: tuple[str, ...]
    segmented: tuple[Segmented, ...]
    price: Decimal
    currency: str

    @property
    def segments(self) -> int:
        """All of them together."""
        return sum(each.segments for each in self.segmented)


def promise(new: NewText, now: datetime) -> UUID:
    """Promise one text, in the caller's transaction: its money is held and it is sent after the commit. Its id.

    A reference that was used before for the same text gives that text's id and promises nothing more. Raises
    TextRefused before anything is written.
    """
    return _write(_Question(new, now).check(ZERO), now)


def send(new: NewText) -> TextMessage:
    """Promise one text in a transaction of its own. Raises TextRefused."""
    id = in_one_transaction(lambda: promise(new, timezone.now()))
    return TextMessage.objects.get(pk=id)


def send_many(texts: Sequence[NewText]) -> list[TextMessage]:
    """Promise all of one account's texts, or none. Raises TextsRefused, which names each that is wrong and why.

    The credit must be enough for all of them together. More than MOST_AT_ONCE, or of several accounts, is a
    ValueError.
    """

    def work() -> list[UUID]:
        now = timezone.now()
        return [_write(checked, now) for checked in _check_all(texts, now)]

    ids = in_one_transaction(work)
    found = TextMessage.objects.in_bulk(ids)
    return [found[id] for id in ids]


def estimate(texts: Sequence[NewText]) -> Estimate:
    """What `send_many` would do with the same texts, without doing it. Raises as it does."""
    checked = in_one_transaction(lambda: _check_all(texts, timezone.now()))
    return Estimate(
        recipients=tuple(each.recipient for each in checked),
        segmented=tuple(each.segmented for each in checked),
        price=sum((each.price for each in checked), ZERO),
        currency=next((each.quote.currency for each in checked if each.quote), ""),
    )


@dataclass(frozen=True, kw_only=True)
class _Checked:
    """A text that may be sent. `known_id` is that of the same text, promised before under its reference."""

    new: NewText
    recipient: str
    segmented: Segmented
    sender: str = ""
    application_id: int = 0
    quote: PieceQuote | None = None
    known_id: UUID | None = None

    @property
    def price(self) -> Decimal:
        if self.known_id or self.quote is None or self.quote.rate is None:
            return ZERO
        return self.quote.rate.price_of(self.segmented.segments)

    @property
    def holds(self) -> Decimal:
        return self.price if self.new.paid_by is Payer.ACCOUNT else ZERO


# The application that texts usually go out by: one whose provider can say what became of a lost answer comes first.
_APPLICATION = """
SELECT a.id, a.sender,
    EXISTS (SELECT FROM telephony_optout o WHERE o.application_id = a.id AND o.number = %s)
FROM telephony_application a
WHERE a.enabled AND a.sends_texts AND a.provider = ANY(%s) AND (%s::bigint IS NULL OR a.id = %s)
ORDER BY array_position(%s::text[], a.provider::text), a.id
LIMIT 1
"""

# A number of ours belongs to the account it was given to; an answer may come from any that was texted.
_OWNS = """
SELECT EXISTS (
    SELECT FROM accounts_callernumber WHERE account_id = %s AND number = %s AND verified_at IS NOT NULL
    UNION ALL
    SELECT FROM accounts_sendername WHERE account_id = %s AND name = %s
    UNION ALL
    SELECT FROM telephony_accessnumber WHERE number = %s AND enabled AND (account_id = %s OR %s)
)
"""


class _Question:
    """Whether one text may be sent. Everything is asked when it is made, so that many travel together."""

    def __init__(self, new: NewText, now: datetime) -> None:
        """Raises TextRefused for what can be seen without asking anybody."""
        self.new = new
        self.segmented = _measured(new)
        self.recipient = _number(new.recipient)
        self.sender = _sender(new.sender)
        places = prefixes(self.recipient)
        account_id = 0 if new.account_id is None else new.account_id
        # The wallet's lock comes first: under it the same reference cannot be promised a second time meanwhile.
        self._quote = piecework.quote(account_id, piecework.Service.TEXTS, places, now)
        self._known = ask(
            "SELECT id, recipient, body FROM telephony_textmessage "
            "WHERE account_id = %s AND reference = %s AND reference <> ''",
            [account_id, new.reference],
        )
        self._standing = directory.find_standing(
            client_user="", otherwise_account_id=account_id, prefixes=places, preferred_number=None
        )
        self._application = _find_application(self.recipient, new.application_id)
        is_reply = new.purpose is Purpose.REPLY
        self._owns = ask(_OWNS, [account_id, self.sender, account_id, self.sender, self.sender, account_id, is_reply])

    def check(self, held_already: Decimal) -> _Checked:
        """The text as it may be sent, when so much more is held before it. Raises TextRefused."""
        known_id = self._promised_before()
        if known_id is not None:
            return _Checked(new=self.new, recipient=self.recipient, segmented=self.segmented, known_id=known_id)
        self._check_account(directory.read_standing(self._standing))
        application = self._application.row()
        if application is not None and application[2]:
            raise TextRefused("recipient", "This number answered STOP: nothing is sent to it until it answers START.")
        if self.sender and not self._owns.rows()[0][0]:
            raise TextRefused(
                "sender",
                "The account does not own this sender: use one of its verified numbers or sender names, or none.",
            )
        if application is None:
            raise TextRefused("application", "No application sends texts: have one switched on that does.")
        checked = _Checked(
            new=self.new,
            recipient=self.recipient,
            segmented=self.segmented,
            sender=self.sender or application[1],
            application_id=application[0],
            quote=piecework.read_quote(self._quote),
        )
        if self.new.paid_by is Payer.ACCOUNT:
            _check_money(checked, held_already)
        return checked

    def _promised_before(self) -> UUID | None:
        row = self._known.row()
        if row is None:
            return None
        id, recipient, body = row
        if (recipient, body) != (self.recipient, self.new.body):
            raise TextRefused("reference", "This reference belongs to another text: use one of its own.")
        return UUID(str(id))

    def _check_account(self, standing: Standing | None) -> None:
        if self.new.account_id is None:
            return
        if standing is None:
            raise TextRefused("account", "There is no such account.")
        if not standing.is_active:
            raise TextRefused("account", "The account is not active: nothing is sent for it.")
        # Whoever has just texted us may be answered wherever that is.
        if not standing.destination_allowed and self.new.purpose is not Purpose.REPLY:
            raise TextRefused("recipient", "The account's destination rules do not allow texts to this number.")


def _measured(new: NewText) -> Segmented:
    if not new.body.strip():
        raise TextRefused("body", "The text is empty: write something.")
    if len(new.body) > MOST_CHARACTERS:
        raise TextRefused("body", f"A text has at most {MOST_CHARACTERS:,} characters; this one has {len(new.body):,}.")
    if not all(map(_can_be_sent, new.body)):
        raise TextRefused("body", "The text has a control character, which cannot be sent: remove it.")
    segmented = segments.count(new.body)
    if segmented.segments > MOST_SEGMENTS:
        raise TextRefused("body", f"A text has at most {MOST_SEGMENTS} segments; this one has {segmented.segments}.")
    if len(new.reference) > LONGEST_REFERENCE or not new.reference.isprintable():
        raise TextRefused("reference", f"A reference has at most {LONGEST_REFERENCE} printable characters.")
    return segmented


def _can_be_sent(character: str) -> bool:
    return character in "\n\r\t\f" or unicodedata.category(character) not in ("Cc", "Cs")


def _number(text: str) -> str:
    try:
        return parse_number(text)
    except NumberUnreadable as unreadable:
        raise TextRefused("recipient", str(unreadable)) from unreadable


def _sender(text: str) -> str:
    """A number in E.164; what cannot be read as one is a name."""
    try:
        return parse_number(text) if text else ""
    except NumberUnreadable:
        return text[:MOST_CHARACTERS] if text.isprintable() else "?"


def _find_application(recipient: str, application_id: int | None) -> Answer:
    able = [name for name, provider in PROVIDERS.items() if provider.capabilities.sends_texts]
    able.sort(key=lambda name: not texting(name).finds_texts)
    return ask(_APPLICATION, [recipient, able, application_id, application_id, able])


def _check_money(checked: _Checked, held_already: Decimal) -> None:
    quote = checked.quote
    if quote is None:
        raise TextRefused("account", "The account has no wallet: open one for it.")
    if quote.rate is None:
        raise TextRefused("recipient", "There is no price for texts to this number.")
    available = quote.available - held_already
    if checked.price > available:
        raise TextRefused(
            "account",
            f"The credit is not enough: {checked.price:f} {quote.currency} needed, "
            f"{max(available, ZERO):f} {quote.currency} available.",
        )


def _check_all(texts: Sequence[NewText], now: datetime) -> list[_Checked]:
    if len(texts) > MOST_AT_ONCE or len({new.account_id for new in texts}) > 1:
        raise ValueError(f"a list has at most {MOST_AT_ONCE} texts, all of one account")
    refusals: list[tuple[int, TextRefused]] = []
    questions: list[tuple[int, _Question]] = []
    for position, new in enumerate(texts):
        try:
            questions.append((position, _Question(new, now)))
        except TextRefused as refused:
            refusals.append((position, refused))
    checked: list[_Checked] = []
    held = ZERO
    references: set[str] = set()
    for position, question in questions:
        try:
            may_go = question.check(held)
            _check_new(may_go, references)
        except TextRefused as refused:
            refusals.append((position, refused))
        else:
            checked.append(may_go)
            held += may_go.holds
    if refusals:
        raise TextsRefused(sorted(refusals, key=lambda refusal: refusal[0]))
    return checked


def _check_new(checked: _Checked, references: set[str]) -> None:
    reference = checked.new.reference
    if reference in references:
        raise TextRefused("reference", "This reference stands in the list twice: each text needs its own.")
    if reference:
        references.add(reference)


def _write(checked: _Checked, now: datetime) -> UUID:
    if checked.known_id is not None:
        return checked.known_id
    id, new, quote = uuid4(), checked.new, checked.quote
    if quote is not None and new.paid_by is Payer.ACCOUNT:
        piecework.reserve(quote, id, checked.segmented.segments, opened_at=now, expires_at=now + HELD_FOR)
    tell(
        "INSERT INTO telephony_textmessage (id, direction, account_id, application_id, purpose, paid_by, currency, "
        "price, charge, loss, reference, sender, recipient, body, encoding, segments, status, detail, provider_id, "
        "created_at) VALUES (%s, 'out', %s, %s, %s, %s, %s, 0, 0, 0, %s, %s, %s, %s, %s, %s, 'pending', '', '', %s)",
        [
            id, new.account_id, checked.application_id, new.purpose.value, new.paid_by.value,
            quote.currency if quote else "", new.reference, checked.sender, checked.recipient, new.body,
            checked.segmented.encoding, checked.segmented.segments, now,
        ],
    )  # fmt: skip
    rows.put(ERRAND, f"{ERRAND}:{id}", subject=id)
    return id
