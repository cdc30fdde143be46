"""The errand that sends a text: paid work, so it is done once, and asked about when its answer was lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse

from outbox.errands import Absent, Claimed, Done, GivenUp, Lost, Outcome, Refused, ever_more_rarely, patient
from telephony import applications, opt_outs, provider_credit, text_states
from telephony.models import Application
from telephony.providers.base import Access, ProviderTrouble, TextOrder
from telephony.registry import texting
from telephony.sending import outcome_of
from telephony.texts import ERRAND

# What could not be sent for so long is no news any more, and nobody expects to pay for it.
SENT_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Sending:
    """A text, and by whom it is sent."""

    provider: str
    access: Access
    order: TextOrder


class TextErrand:
    """Send one text. The text's id is the reference by which the provider can be asked about it."""

    kind = ERRAND
    is_repeatable = False

    def prepare(self, row: Claimed, now: datetime) -> Sending | Refused | None:
        """The text as it is now. Refused when it must not go out any more, though it may have gone out before."""
        if row.subject is None:
            raise ValueError("an errand for a text names the text")
        text = text_states.read(text_states.lock(row.subject))
        if text is None or text.sent_at or text.final_at:
            return None
        found = applications.find_access(text.application_id)
        stopped = opt_outs.find(text.application_id, text.recipient)
        reached = applications.read_access(found)
        if row.doubtful_since is None:
            if now - text.created_at > SENT_WITHIN:
                return Refused("It could not be sent within a day, so it was not sent at all.")
            if stopped.row():
                return Refused("The number answered STOP before this was sent.")
            if not reached.enabled:
                return Refused("The application was switched off before this was sent.")
        order = TextOrder(
            reference=str(text.id),
            sender=text.sender,
            recipient=text.recipient,
            body=text.body,
            report_url=_report_url(reached),
        )
        return Sending(provider=reached.provider, access=reached.access, order=order)

    def act(self, prepared: Sending) -> Outcome:
        """Send it."""
        return outcome_of(lambda: texting(prepared.provider).send_text(prepared.access, prepared.order))

    def look_up(self, prepared: Sending) -> Outcome:
        """Look for our reference at the provider."""
        provider = texting(prepared.provider)
        if not provider.finds_texts:
            return Lost("the provider cannot be asked about a text")
        try:
            provider_id = provider.find_text(prepared.access, prepared.order)
        except ProviderTrouble as trouble:
            return Lost(str(trouble))
        return Absent("the provider does not know it") if provider_id is None else Done(provider_id)

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """Charge what was sent, give back what was not. A report that came first has done that already."""
        if row.subject is None or not isinstance(outcome, Done | Refused | GivenUp):
            return
        text = text_states.read(text_states.lock(row.subject))
        if text is None or text.sent_at or text.final_at:
            return
        match outcome:
            case Done(result=provider_id):
                text_states.mark_sent(text, str(provider_id), now)
            case Refused(why=why):
                text_states.mark_refused(text, why, now)
                provider_credit.heed_refusal(outcome, text.application_id)
            case GivenUp(why=why):
                text_states.mark_given_up(text, why, now)

    def next_try(self, failures: int) -> timedelta | None:
        """As usual."""
        return patient(failures)

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """As usual: for a day."""
        return ever_more_rarely(looks, doubtful_for)


def _report_url(reached: applications.Reached) -> str:
    """Where reports come in that nobody signs; empty where the provider has an address of ours for everything."""
    if reached.provider != Application.Provider.SINCH_SMS:
        return ""
    return settings.PUBLIC_URL.rstrip("/") + reverse("sinch_texts_callback", args=[reached.callback_token])
