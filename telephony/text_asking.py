"""The errand that asks what became of a text, where a provider never tells. Asking twice does no harm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from outbox.errands import Claimed, Done, Outcome, Refused
from telephony import applications, text_states
from telephony.news import TextReported, TextStatus
from telephony.providers.base import Access
from telephony.registry import texting
from telephony.sending import outcome_of

# Nobody waits longer than this for a telephone to come back.
ASKED_FOR = timedelta(days=3)
MOST_FAILURES = 30


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A text by the provider's id, and who is asked about it."""

    provider: str
    access: Access
    text_id: str


class TextStatusErrand:
    """Ask once, and promise to ask again as long as it is not final."""

    kind = text_states.ASKING
    is_repeatable = True

    def prepare(self, row: Claimed, now: datetime) -> Asking | None:
        """What to ask for; None once it is known, or when the provider never named an id."""
        if row.subject is None:
            raise ValueError("an errand for a text names the text")
        text = text_states.read(text_states.lock(row.subject))
        if text is None or text.final_at or not text.provider_id:
            return None
        reached = applications.read_access(applications.find_access(text.application_id))
        return Asking(provider=reached.provider, access=reached.access, text_id=text.provider_id)

    def act(self, prepared: Asking) -> Outcome:
        """Ask."""
        return outcome_of(lambda: texting(prepared.provider).ask_text(prepared.access, prepared.text_id))

    def look_up(self, prepared: Asking) -> Outcome:
        """Asking is looking."""
        return self.act(prepared)

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """Write down what was answered. When it is not the end, somebody asks again later."""
        if row.subject is None or not isinstance(outcome, Done | Refused):
            return
        text = text_states.read(text_states.lock(row.subject))
        if text is None or text.final_at:
            return
        if isinstance(outcome, Refused):
            text_states.mark_status(text.id, f"Nobody can say what became of it: {outcome.why}")
            return
        report: TextReported = outcome.result
        if report.status is not TextStatus.PENDING:
            text_states.mark_final(text, report.status, report.status_word, now)
            return
        text_states.mark_status(text.id, report.status_word)
        if now - text.created_at < ASKED_FOR:
            text_states.ask_later(text.id, int(row.payload["asked"]) + 1, now)

    def next_try(self, failures: int) -> timedelta | None:
        """After a minute, then ever more rarely; not after about a day."""
        return timedelta(minutes=2 ** min(failures - 1, 6)) if failures < MOST_FAILURES else None

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """Never needed: what is lost is asked again."""
        return None
