"""Texts in every state, written by the same code that writes them in production."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.models import Account
from billing.models import Posting
from outbox import performing, rows
from outbox.models import Row
from postgres.work import in_one_transaction
from telephony import text_states, texts
from telephony.models import TextMessage
from telephony.texts import NewText
from tests.builders import a_deck

UK = "+447700900123"
ANOTHER = "+447700900456"


def text_prices(price: str = "0.05", **more: str) -> None:
    """A text to the United Kingdom costs this much a segment."""
    a_deck({"44": price, **more}, service="texts")


def a_text(account: Account, body: str = "Your top-up was received.", recipient: str = UK, **more: Any) -> NewText:
    return NewText(account_id=account.pk, recipient=recipient, body=body, **more)


def a_promised_text(account: Account, **more: Any) -> TextMessage:
    return texts.send(a_text(account, **more))


def row_of(text: TextMessage) -> Row:
    return Row.objects.get(subject=text.pk, kind=texts.ERRAND)


def again(text: TextMessage) -> TextMessage:
    """The text as it is in the database now."""
    return TextMessage.objects.get(pk=text.pk)


def carry_out(*, everything: bool = False) -> None:
    """What the relay and a worker do with the texts that are due; with `everything` also with those that are not."""
    if everything:
        Row.objects.filter(~Q(state__in=["done", "dead"])).update(due_at=timezone.now())
    for row_id in in_one_transaction(lambda: rows.lease(timezone.now(), 100)):
        performing.perform(row_id)


def settlements(text: TextMessage) -> list[Posting]:
    return list(Posting.objects.filter(subject=text.pk, kind="settlement"))


def a_sent_text(account: Account, provider_id: str = "batch-1", **more: Any) -> TextMessage:
    """A text that the provider took, and that was charged."""
    text = a_promised_text(account, **more)

    def work() -> None:
        rows.finish_for(text.pk, texts.ERRAND, timezone.now())
        locked = text_states.read(text_states.lock(text.pk))
        assert locked is not None
        text_states.mark_sent(locked, provider_id, timezone.now())

    in_one_transaction(work)
    return again(text)


def a_given_up_text(account: Account, **more: Any) -> TextMessage:
    """A text of which nobody could say for a day whether it was sent."""
    text = a_promised_text(account, **more)
    Row.objects.filter(subject=text.pk).update(state="dead", finished_at=timezone.now())

    def work() -> None:
        locked = text_states.read(text_states.lock(text.pk))
        assert locked is not None
        text_states.mark_given_up(locked, "no answer", timezone.now())

    in_one_transaction(work)
    return again(text)
