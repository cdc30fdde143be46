"""What must be true between calls, texts, verifications and the books. The numbers are those of docs/ledger.md."""

from __future__ import annotations

from django.utils import timezone

from billing import audit
from billing.audit import AuditReport, Check
from billing.models import Hold
from outbox.models import Row
from telephony.audit_pieces import OUTBOX_CHECKS, PIECE_CHECKS
from telephony.models import CDR, Call, ReceivedEvent

CHECKS: tuple[Check, ...] = (
    Check(
        name="I10 a call that is over holds no money",
        looks_at="billing_hold WHERE state = 'open'",
        finds="""
            SELECT format('Hold %s is open though call %s is %s.', h.id, c.id, c.state)
            FROM billing_hold h JOIN telephony_call c ON c.id = h.subject
            WHERE h.state = 'open' AND c.ended_at IS NOT NULL""",
    ),
    Check(
        name="I10 an open hold has its call, text or verification",
        looks_at="billing_hold WHERE state = 'open'",
        finds="""
            SELECT format('Hold %s is for %s, which is no call, text or verification.', h.id, h.subject)
            FROM billing_hold h
            WHERE h.state = 'open' AND NOT EXISTS (SELECT FROM telephony_call c WHERE c.id = h.subject)
                AND NOT EXISTS (SELECT FROM telephony_textmessage t WHERE t.id = h.subject)
                AND NOT EXISTS (SELECT FROM telephony_verification v WHERE v.id = h.subject)""",
    ),
    Check(
        name="I10 money is held in the wallet of the call's account",
        looks_at="billing_hold WHERE state = 'open'",
        finds="""
            SELECT format('Hold %s of call %s is in wallet %s of another account.', h.id, c.id, w.id)
            FROM billing_hold h
            JOIN telephony_call c ON c.id = h.subject
            JOIN billing_wallet w ON w.id = h.wallet_id
            WHERE h.state = 'open' AND w.account_id IS DISTINCT FROM c.account_id""",
    ),
    Check(
        name="I9 a CDR with a price has its posting",
        looks_at="telephony_cdr",
        history=True,
        finds="""
            SELECT format('CDR %s costs %s and its posting is %s.', d.id, d.price, coalesce(p.id::text, 'missing'))
            FROM telephony_cdr d LEFT JOIN billing_posting p ON p.id = d.posting_id AND p.kind = 'settlement'
            WHERE (d.price > 0) <> (p.id IS NOT NULL)
            UNION ALL
            SELECT format('CDR %s of call %s names the posting of %s.', d.id, d.call_id, p.subject)
            FROM telephony_cdr d JOIN billing_posting p ON p.id = d.posting_id
            WHERE p.subject IS DISTINCT FROM d.call_id""",
    ),
    Check(
        name="I9 a settlement has its CDR, text or verification",
        looks_at="billing_posting WHERE kind = 'settlement'",
        history=True,
        finds="""
            SELECT format('Posting %s settled %s, which has no CDR and is no text or verification.', p.id, p.subject)
            FROM billing_posting p
            WHERE p.kind = 'settlement' AND NOT EXISTS (SELECT FROM telephony_cdr d WHERE d.posting_id = p.id)
                AND NOT EXISTS (SELECT FROM telephony_textmessage t WHERE t.posting_id = p.id AND t.id = p.subject)
                AND NOT EXISTS (SELECT FROM telephony_verification v WHERE v.posting_id = p.id AND v.id = p.subject)""",
    ),
    Check(
        name="I9 price, charge and loss of a CDR are the entries of its posting",
        looks_at="telephony_cdr WHERE posting_id IS NOT NULL",
        history=True,
        finds="""
            SELECT format('CDR %s says price %s = charge %s + loss %s, posting %s says %s = %s + %s.', d.id, d.price,
                d.charge, d.loss, d.posting_id, e.revenue, e.charge, e.loss)
            FROM telephony_cdr d
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(amount) FILTER (WHERE house = 'revenue'), 0) AS revenue,
                    coalesce(-sum(amount) FILTER (WHERE wallet_id IS NOT NULL), 0) AS charge,
                    coalesce(-sum(amount) FILTER (WHERE house LIKE 'loss:%'), 0) AS loss,
                    min(currency) AS currency
                FROM billing_entry WHERE posting_id = d.posting_id
            ) e
            WHERE d.posting_id IS NOT NULL
                AND (d.price, d.charge, d.loss, d.currency)
                    IS DISTINCT FROM (e.revenue, e.charge, e.loss, e.currency)""",
    ),
    Check(
        name="I9 a call is charged to the wallet of its account",
        looks_at="telephony_cdr WHERE posting_id IS NOT NULL",
        history=True,
        finds="""
            SELECT format('CDR %s of account %s was charged to wallet %s.', d.id, coalesce(d.account_id, 0), w.id)
            FROM telephony_cdr d
            JOIN billing_entry e ON e.posting_id = d.posting_id
            JOIN billing_wallet w ON w.id = e.wallet_id
            WHERE w.account_id IS DISTINCT FROM d.account_id""",
    ),
    Check(
        name="I10 an ended call has its CDR",
        looks_at="telephony_call WHERE state = 'ended'",
        history=True,
        finds="""
            SELECT format('Call %s has ended without a CDR.', c.id)
            FROM telephony_call c
            WHERE c.state = 'ended' AND NOT EXISTS (SELECT FROM telephony_cdr d WHERE d.call_id = c.id)""",
    ),
    Check(
        name="I10 a call with a CDR is over",
        looks_at="telephony_cdr",
        history=True,
        finds="""
            SELECT format('CDR %s was written though call %s is %s.', d.id, c.id, c.state)
            FROM telephony_cdr d JOIN telephony_call c ON c.id = d.call_id
            WHERE c.ended_at IS NULL""",
    ),
    Check(
        name="I14 an event was decided once",
        looks_at="telephony_receivedevent WHERE outcome = 'decided' AND call_id IS NOT NULL",
        history=True,
        finds="""
            SELECT format('The event %s %s of call %s was decided %s times.', kind, step, call_id, count(*))
            FROM telephony_receivedevent WHERE outcome = 'decided' AND call_id IS NOT NULL
            GROUP BY call_id, kind, step HAVING count(*) > 1""",
    ),
    Check(
        name="I16 a CDR uses the rate that was pinned for its call",
        looks_at="telephony_cdr WHERE rate_id IS NOT NULL",
        history=True,
        finds="""
            SELECT format('CDR %s uses rate %s, the hold of call %s was pinned to another.', d.id, d.rate_id, d.call_id)
            FROM telephony_cdr d
            WHERE d.rate_id IS NOT NULL AND EXISTS (SELECT FROM billing_hold h WHERE h.subject = d.call_id)
                AND NOT EXISTS (SELECT FROM billing_hold h WHERE h.subject = d.call_id AND h.rate_id = d.rate_id)""",
    ),
)  # fmt: skip


def run_audit(*, full: bool) -> AuditReport:
    """The audit of the books and of what is charged in them; see `billing.audit`."""
    return audit.run_audit(full=full, more_checks=(*CHECKS, *PIECE_CHECKS, *OUTBOX_CHECKS))


def worth_a_look() -> dict[str, int]:
    """What is no difference but wants a person: counts by kind, zeros left out."""
    now = timezone.now()
    counts = {
        "holds past their time": Hold.objects.filter(state="open", expires_at__lt=now).count(),
        "calls to review": Call.objects.exclude(review="").count(),
        "CDRs to review": CDR.objects.exclude(review="").count(),
    }
    for state in (Row.State.UNKNOWN, Row.State.DEAD):
        counts[f"outbox rows {state}"] = Row.objects.filter(state=state).count()
    for outcome in ReceivedEvent.Outcome.values:
        if outcome != ReceivedEvent.Outcome.DECIDED:
            counts[f"events {outcome}"] = ReceivedEvent.objects.filter(outcome=outcome).count()
    return {kind: count for kind, count in counts.items() if count}
