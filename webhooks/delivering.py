"""The errand that tells one endpoint one thing, and what follows from how it answered.

It may be done twice: the receiver knows a delivery by its id. A failure is tried again as Standard Webhooks says;
an endpoint that answers nothing for five days is switched off, and so is one that says 410 Gone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts import emails, notices
from outbox.errands import Absent, Claimed, Done, Outcome, Refused, TryAgain
from postgres.encrypted import decrypted
from postgres.statements import ask, tell
from webhooks.addresses import AddressRefused, read_target
from webhooks.bodies import Told, body_and_headers
from webhooks.posting import INTERNET, Answer, Network, NotAnswered, post
from webhooks.telling import KIND

# After the first attempt, which is immediate: the schedule of Standard Webhooks, 75 hours in all.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
SWITCHED_OFF_AFTER = timedelta(days=5)
# One failure says little of an endpoint that is told something once a week.
FEWEST_FAILURES = 3
# An endpoint that hangs takes a worker for as long as we wait for it. So what fails is told to one customer one at a
# time; the others wait their turn, each time twice as long, at most an hour.
TURN_SECONDS = 5
LONGEST_TURN_SECONDS = 3600
ANSWER_KEPT = 1000
GONE = 410

_READ = """
SELECT d.number, d.event, d.data::text, d.happened_at, d.replays_id IS NOT NULL,
    e.url, e.form, e.secret, CASE WHEN e.previous_until > %s THEN e.previous_secret ELSE '' END, e.salt,
    e.failing_since IS NOT NULL AND EXISTS (
        SELECT FROM outbox_row r
        JOIN webhooks_delivery other ON other.id = r.subject
        JOIN webhooks_endpoint failing ON failing.id = other.endpoint_id AND failing.failing_since IS NOT NULL
        WHERE r.lease_until IS NOT NULL AND r.state = 'sending' AND r.kind = %s AND r.id <> %s
            AND failing.account_id IS NOT DISTINCT FROM e.account_id
    ),
    a.id, a.name, (SELECT u.email FROM accounts_user u WHERE u.account_id = a.id AND u.is_active ORDER BY u.id LIMIT 1)
FROM webhooks_delivery d
JOIN webhooks_endpoint e ON e.id = d.endpoint_id
LEFT JOIN accounts_account a ON a.id = e.account_id
WHERE d.id = %s AND e.enabled
"""
# The delivery may be gone with its endpoint: then there is nothing to write it to.
_WRITE_ATTEMPT = """
INSERT INTO webhooks_attempt (delivery_id, at, status, milliseconds, error, answer)
SELECT id, %s, %s, %s, %s, %s FROM webhooks_delivery WHERE id = %s FOR KEY SHARE
"""
_WELL_AGAIN = """
UPDATE webhooks_endpoint SET failing_since = NULL
WHERE id = (SELECT endpoint_id FROM webhooks_delivery WHERE id = %s) AND failing_since IS NOT NULL
"""
_FAILING = """
UPDATE webhooks_endpoint SET failing_since = coalesce(failing_since, %s)
WHERE id = (SELECT endpoint_id FROM webhooks_delivery WHERE id = %s) AND enabled
RETURNING id, account_id, url, failing_since
"""
_PEOPLE = "SELECT email FROM accounts_user WHERE account_id = %s AND is_active ORDER BY id"
_FAILURES_SINCE = """
SELECT count(*) FROM (
    SELECT FROM webhooks_attempt a JOIN webhooks_delivery d ON d.id = a.delivery_id
    WHERE d.endpoint_id = %s AND a.at >= %s LIMIT %s
) failures
"""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What came of one attempt, as it is kept."""

    at: datetime
    status: int | None
    milliseconds: int
    error: str
    answer: str


@dataclass(frozen=True)
class FailedForNow(TryAgain):
    """The endpoint did not take it, and will be told again."""

    heard: Heard | None = None


@dataclass(frozen=True)
class FailedForGood(Refused):
    """The endpoint did not take it, and that was the last attempt."""

    heard: Heard | None = None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A delivery and where it goes. `is_last`: the schedule knows no attempt after this one."""

    told: Told
    url: str
    is_last: bool


@dataclass(frozen=True)
class TellEndpoint:
    """Tell one endpoint one thing."""

    network: Network = INTERNET
    kind = KIND
    is_repeatable = True

    def prepare(self, row: Claimed, now: datetime) -> Prepared | TryAgain | None:
        """The delivery; None when its endpoint was removed or switched off meanwhile, TryAgain when others go first."""
        found = ask(_READ, [now, KIND, row.id, row.subject]).row()
        if found is None or row.subject is None:
            return None
        number, event, data, happened_at, is_replay, url, form, secret, previous, salt, waits, *account = found
        if waits:
            return TryAgain("another delivery to this customer is under way", _turn_seconds(row))
        told = Told(
            id=row.subject,
            number=number,
            event=event,
            data=json.loads(data),
            happened_at=happened_at,
            is_replay=is_replay,
            form=form,
            keys=tuple(decrypted(key) for key in (secret, previous) if key),
            salt=salt,
            account_id=account[0],
            account_name=account[1] or "",
            account_email=account[2] or "",
        )
        return Prepared(told=told, url=url, is_last=row.failures >= len(WAITS))

    def act(self, prepared: Prepared) -> Outcome:
        """Post it. Every answer but 2xx is a failure, redirects among them."""
        at, began = timezone.now(), time.monotonic()
        answer, error = self._posted(prepared, at)
        heard = Heard(
            at=at,
            status=answer.status if answer else None,
            milliseconds=int((time.monotonic() - began) * 1000),
            error=error,
            answer=_printable(answer.body) if answer else "",
        )
        if answer is not None and 200 <= answer.status < 300:
            return Done(heard)
        if prepared.is_last or heard.status == GONE:
            return FailedForGood(error, heard)
        return FailedForNow(error, _wish(answer, at), heard=heard)

    def look_up(self, prepared: Prepared) -> Outcome:
        """Nobody can say, and nobody need: the receiver knows a second one."""
        return Absent("it is told again")

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """Keep the attempt, and notice whether the endpoint is well, failing or to be switched off."""
        heard = outcome.result if isinstance(outcome, Done) else getattr(outcome, "heard", None)
        if not isinstance(heard, Heard):  # our own mistake: nothing was said and nothing heard
            why = getattr(outcome, "why", "")
            heard = Heard(at=now, status=None, milliseconds=0, error=why[:300], answer="")
        # The endpoint before its deliveries, as whoever removes it: then nobody waits for the other in a circle.
        failing = None
        if isinstance(outcome, Done):
            tell(_WELL_AGAIN, [row.subject])
        else:
            failing = ask(_FAILING, [heard.at, row.subject])
        tell(
            _WRITE_ATTEMPT,
            [heard.at, heard.status, heard.milliseconds, heard.error, heard.answer, row.subject],
        )
        if failing is not None:
            _notice_failure(failing.row(), heard, now)

    def next_try(self, failures: int) -> timedelta | None:
        """The specification's waits, then no more."""
        return WAITS[max(failures, 1) - 1] if failures <= len(WAITS) else None

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """At once: see `look_up`."""
        return timedelta(0)

    def _posted(self, prepared: Prepared, at: datetime) -> tuple[Answer | None, str]:
        try:
            target = read_target(prepared.url, settings.WEBHOOK_PRIVATE_TARGETS)
            answer = post(target, *body_and_headers(prepared.told, at), network=self.network)
        except (AddressRefused, NotAnswered) as error:
            return None, str(error)[:300]
        return answer, "" if 200 <= answer.status < 300 else f"It answered {answer.status}."


def _turn_seconds(row: Claimed) -> float:
    """How long to wait for its turn: twice as long as the last time."""
    waited = row.attempt - 1 - row.failures
    return min(TURN_SECONDS * 2.0 ** min(max(waited, 0), 10), LONGEST_TURN_SECONDS)


def _notice_failure(failing: Sequence[Any] | None, heard: Heard, now: datetime) -> None:
    if failing is None:
        return  # it was removed or switched off meanwhile
    endpoint_id, account_id, url, failing_since = failing
    if heard.status == GONE:
        why = "it answered 410 Gone"
    elif now - failing_since >= SWITCHED_OFF_AFTER and _has_failed_enough(endpoint_id, failing_since):
        why = f"it has taken nothing for {SWITCHED_OFF_AFTER.days} days"
    else:
        return
    tell("UPDATE webhooks_endpoint SET enabled = false, switched_off_at = %s WHERE id = %s", [now, endpoint_id])
    _tell_people(account_id, endpoint_id, url, why, now)


def _tell_people(account_id: int | None, endpoint_id: int, url: str, why: str, now: datetime) -> None:
    """A notice, and an e-mail to everybody who signs in for the account; for the operator's own, to the operator."""
    host = urlsplit(url).netloc  # the rest of an address may hold a token of theirs
    key = f"webhook-off:{endpoint_id}:{now.astimezone(UTC):%Y%m%dT%H%M%S}"
    text = f"The webhook to {host} was switched off: {why}. Put it right, then switch it on again under Webhooks."
    notices.tell(account_id, key, text, notices.Level.WARNING)
    people = [settings.OPERATOR_EMAIL] if account_id is None else [row[0] for row in ask(_PEOPLE, [account_id]).rows()]
    for address in filter(None, people):
        with suppress(ValidationError):  # what is no address has the notice all the same
            emails.promise(key, address, f"The webhook to {host} was switched off", text)


def _has_failed_enough(endpoint_id: int, since: datetime) -> bool:
    row = ask(_FAILURES_SINCE, [endpoint_id, since, FEWEST_FAILURES]).row()
    return row is not None and int(row[0]) >= FEWEST_FAILURES


def _wish(answer: Answer | None, now: datetime) -> float | None:
    """How long the endpoint wants to be left alone, however long that is; None when it does not say."""
    said = answer.headers.get("retry-after", "").strip() if answer else ""
    if said.isascii() and said.isdecimal():
        return float(said[:9])
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)


def _printable(body: bytes) -> str:
    """The beginning of an answer, as people may look at it."""
    text = body[: ANSWER_KEPT * 4].decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text)[:ANSWER_KEPT]
