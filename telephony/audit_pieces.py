"""What must be true of work that leaves the house, and between the books and what of it is paid by the piece."""

from __future__ import annotations

from billing.audit import Check

# The table of each; when one of it is over: from then on nothing is held for it; and when the provider refused it.
_PIECES = (
    (
        "text",
        "telephony_textmessage",
        "p.sent_at IS NOT NULL OR p.final_at IS NOT NULL",
        "p.final_at IS NOT NULL AND p.sent_at IS NULL",
    ),
    ("verification", "telephony_verification", "p.status <> 'pending'", "p.status = 'denied'"),
)

_HELD = "billing_hold WHERE state = 'open'"
_POSTED = "{table} WHERE posting_id IS NOT NULL"

_OVER_AND_HELD = """
    SELECT format('Hold %s is open though {piece} %s is over.', h.id, p.id)
    FROM billing_hold h JOIN {table} p ON p.id = h.subject
    WHERE h.state = 'open' AND ({is_over})"""

_HELD_ELSEWHERE = """
    SELECT format('Hold %s of {piece} %s is in wallet %s of another account.', h.id, p.id, w.id)
    FROM billing_hold h
    JOIN {table} p ON p.id = h.subject
    JOIN billing_wallet w ON w.id = h.wallet_id
    WHERE h.state = 'open' AND w.account_id IS DISTINCT FROM p.account_id"""

_WITHOUT_POSTING = """
    SELECT format('The {piece} %s costs %s and its posting is %s.', p.id, p.price, coalesce(s.id::text, 'missing'))
    FROM {table} p LEFT JOIN billing_posting s ON s.id = p.posting_id AND s.kind = 'settlement'
    WHERE (p.price > 0) <> (s.id IS NOT NULL)
    UNION ALL
    SELECT format('The {piece} %s names the posting of %s.', p.id, s.subject)
    FROM {table} p JOIN billing_posting s ON s.id = p.posting_id
    WHERE s.subject IS DISTINCT FROM p.id"""

# What we paid ourselves is a courtesy, the whole of it; what an account paid, and did not pay, never is.
_ANOTHER_STORY = """
    SELECT format('The {piece} %s says price %s = charge %s + loss %s, posting %s says %s = %s + %s.', p.id,
        p.price, p.charge, p.loss, p.posting_id, e.revenue, e.charge, e.loss)
    FROM {table} p
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount) FILTER (WHERE house = 'revenue'), 0) AS revenue,
            coalesce(-sum(amount) FILTER (WHERE wallet_id IS NOT NULL), 0) AS charge,
            coalesce(-sum(amount) FILTER (WHERE house LIKE 'loss:%' OR house = 'courtesy'), 0) AS loss,
            coalesce(-sum(amount) FILTER (WHERE house = 'courtesy'), 0) AS courtesy,
            min(currency) AS currency
        FROM billing_entry WHERE posting_id = p.posting_id
    ) e
    WHERE p.posting_id IS NOT NULL
        AND (p.price, p.charge, p.loss, p.currency, CASE p.paid_by WHEN 'house' THEN p.price ELSE 0 END)
            IS DISTINCT FROM (e.revenue, e.charge, e.loss, e.currency, e.courtesy)"""

_CHARGED_ELSEWHERE = """
    SELECT format('The {piece} %s was charged to wallet %s of another account.', p.id, w.id)
    FROM {table} p
    JOIN billing_entry e ON e.posting_id = p.posting_id
    JOIN billing_wallet w ON w.id = e.wallet_id
    WHERE w.account_id IS DISTINCT FROM p.account_id"""

# What was refused was never done, and what nobody could say anything about is not charged: its hold expired. Either may
# have a row that is done, when a person had it tried again and nothing was left to do.
_DONE_FOR_NOTHING = """
    SELECT format('The {piece} %s was done, money was held for it, and nothing was charged.', p.id)
    FROM outbox_row r JOIN {table} p ON p.id = r.subject
    WHERE r.state = 'done' AND r.kind = '{piece}' AND NOT ({was_refused})
        AND EXISTS (SELECT FROM billing_hold h WHERE h.subject = p.id AND h.state <> 'expired')
        AND NOT EXISTS (SELECT FROM billing_posting s WHERE s.subject = p.id AND s.kind = 'settlement')"""

# The name of each check, what it counts, what it finds, and whether that takes reading all of history.
_QUESTIONS = (
    ("I10 a {piece} that is over holds no money", _HELD, _OVER_AND_HELD, False),
    ("I10 money is held in the wallet of the {piece}'s account", _HELD, _HELD_ELSEWHERE, False),
    ("I9 a {piece} with a price has its posting", "{table}", _WITHOUT_POSTING, True),
    ("I9 price, charge and loss of a {piece} are the entries of its posting", _POSTED, _ANOTHER_STORY, True),
    ("I9 a {piece} is charged to the wallet of its account", _POSTED, _CHARGED_ELSEWHERE, True),
    (
        "I9 a {piece} that was done is settled when money was held for it",
        "outbox_row WHERE state = 'done' AND kind = '{piece}'",
        _DONE_FOR_NOTHING,
        True,
    ),
)

PIECE_CHECKS: tuple[Check, ...] = tuple(
    Check(
        name=name.format(piece=piece),
        looks_at=looks_at.format(piece=piece, table=table),
        finds=finds.format(piece=piece, table=table, is_over=is_over, was_refused=was_refused),
        history=history,
    )
    for piece, table, is_over, was_refused in _PIECES
    for name, looks_at, finds, history in _QUESTIONS
)

# What leaves the house comes to an end there too.
OUTBOX_CHECKS: tuple[Check, ...] = (
    Check(
        name="I15 a lease of the outbox ends",
        looks_at="outbox_row WHERE state NOT IN ('done', 'dead')",
        finds="""
            SELECT format('Outbox row %s (%s) is %s, and its lease ended at %s.', id, key, state, lease_until)
            FROM outbox_row
            WHERE state IN ('leased', 'sending') AND lease_until < now() - interval '5 minutes'""",
    ),
    Check(
        name="I15 nothing is unknown for longer than a day",
        looks_at="outbox_row WHERE state NOT IN ('done', 'dead')",
        finds="""
            SELECT format('Outbox row %s (%s) is unknown since %s.', id, key, doubtful_since)
            FROM outbox_row
            WHERE state = 'unknown' AND coalesce(doubtful_since, created_at) < now() - interval '25 hours'""",
    ),
)
