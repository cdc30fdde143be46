-- One call's two transactions as two functions: everything our use cases read, lock and write, without our code.

CREATE OR REPLACE FUNCTION bench.ice(client_name text, destination text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    call uuid := gen_random_uuid();
    app bigint;
    digits text := substr(destination, 2);
    prefixes text[] := ARRAY(SELECT left(digits, n) FROM generate_series(1, length(digits)) n);
    known record;
    standing record;
    quote record;
    open_calls bigint;
    seconds integer;
    amount numeric;
BEGIN
    SELECT id INTO app FROM telephony_application;
    SELECT c.id, c.state, cdr.revision INTO known
    FROM telephony_call c
    LEFT JOIN LATERAL (
        SELECT * FROM telephony_cdr WHERE call_id = c.id ORDER BY revision DESC LIMIT 1) cdr ON true
    WHERE c.id = call FOR NO KEY UPDATE OF c;
    PERFORM decision, body FROM telephony_receivedevent
    WHERE call_id = call AND kind = 'incoming' AND step = '' AND outcome = 'decided';
    SELECT a.id, a.status, a.destinations, a.verified, a.calls_at_once, a.longest_call_seconds,
           (SELECT rule.kind FROM accounts_destinationrule rule
            WHERE rule.account_id = a.id AND rule.prefix = ANY(prefixes)
            ORDER BY length(rule.prefix) DESC, rule.kind DESC LIMIT 1) AS rule,
           (SELECT shown.number FROM accounts_callernumber shown
            WHERE shown.account_id = a.id AND shown.verified_at IS NOT NULL AND shown.is_shown
            ORDER BY shown.number = '' DESC, shown.id LIMIT 1) AS shown
    INTO standing
    FROM accounts_account a
    WHERE a.id = (SELECT client.account_id FROM accounts_clientuser client WHERE client.name = client_name);
    SELECT w.id AS wallet_id, w.balance - w.held + w.credit_limit AS available, r.id AS rate_id, r.price_per_minute,
           r.connection_fee
    INTO quote
    FROM billing_wallet w
    LEFT JOIN LATERAL (
        SELECT rate.* FROM billing_rate rate
        WHERE rate.version_id = (
                SELECT deck.active_version_id FROM billing_ratedeck deck
                WHERE deck.id = coalesce(w.deck_id, (
                    SELECT d.id FROM billing_ratedeck d WHERE d.currency = w.currency AND d.service = 'calls' AND d.is_default)))
            AND rate.prefix = ANY(prefixes) AND rate.effective_from <= now()
        ORDER BY length(rate.prefix) DESC, rate.effective_from DESC LIMIT 1) r ON true
    WHERE w.account_id = standing.id
    FOR NO KEY UPDATE OF w;
    SELECT count(*) INTO open_calls FROM telephony_call WHERE account_id = standing.id AND ended_at IS NULL;
    IF open_calls >= coalesce(standing.calls_at_once, 10) OR standing.status <> 'active' THEN
        RAISE EXCEPTION 'refused: % calls open', open_calls;
    END IF;
    seconds := least(3600, 60 * floor(quote.available / (10 - open_calls) / quote.price_per_minute));
    amount := round(quote.connection_fee + seconds * quote.price_per_minute / 60, 6);
    INSERT INTO billing_hold (wallet_id, subject, rate_id, amount, state, opened_at, expires_at)
    VALUES (quote.wallet_id, call, quote.rate_id, amount, 'open', now(), now() + (seconds + 165) * interval '1 s');
    INSERT INTO telephony_call (id, application_id, provider_call_id, account_id, caller, destination,
                                shown_caller_id, state, refusal, detail, limit_seconds, begun_at, ended_at, review)
    VALUES (call, app, call::text, standing.id, client_name, destination, '+12025550123', 'authorised', '', '',
            seconds, now(), NULL, '');
    INSERT INTO telephony_receivedevent (application_id, call_id, provider_call_id, kind, step, outcome, decision,
                                         error, late, signed_at, received_at, content_type, body)
    VALUES (app, call, call::text, 'incoming', '', 'decided', bench.decision('incoming', destination), '', false,
            now(), now(), 'application/json', bench.body('ice', call::text, client_name, destination, 0));
    RETURN call;
END $$;

CREATE OR REPLACE FUNCTION bench.dice(call uuid, seconds integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known record;
    reserved record;
    billed integer := 60 * ceil(seconds / 60.0);
    price numeric;
    charge numeric;
    new_posting bigint;
BEGIN
    SELECT c.id, c.application_id, c.account_id, c.caller, c.destination, c.state, c.begun_at, cdr.revision INTO known
    FROM telephony_call c
    LEFT JOIN LATERAL (
        SELECT * FROM telephony_cdr WHERE call_id = c.id ORDER BY revision DESC LIMIT 1) cdr ON true
    WHERE c.id = call FOR NO KEY UPDATE OF c;
    PERFORM decision, body FROM telephony_receivedevent
    WHERE call_id = call AND kind = 'ended' AND step = '' AND outcome = 'decided';
    SELECT h.id AS hold_id, h.amount, h.state, w.id AS wallet_id, w.currency,
           w.balance - w.held + w.credit_limit AS available, r.id AS rate_id, r.price_per_minute, r.connection_fee
    INTO reserved
    FROM billing_hold h
    JOIN billing_wallet w ON w.id = h.wallet_id
    JOIN billing_rate r ON r.id = h.rate_id
    WHERE h.subject = call ORDER BY h.id DESC LIMIT 1 FOR NO KEY UPDATE OF w;
    price := round(reserved.connection_fee + billed * reserved.price_per_minute / 60, 6);
    charge := least(price, reserved.amount + reserved.available);
    UPDATE billing_hold SET state = 'settled', resolved_at = now() WHERE id = reserved.hold_id;
    WITH posting AS (
        INSERT INTO billing_posting (kind, idempotency_key, subject, reverses_id, reason, made_by)
        VALUES ('settlement', 'settles:' || call, call, NULL, '', '') RETURNING id
    ), entries AS (
        INSERT INTO billing_entry (posting_id, wallet_id, house, currency, amount)
        SELECT posting.id, line.wallet_id, line.house, reserved.currency, line.amount
        FROM posting, (VALUES (reserved.wallet_id, NULL, -charge), (NULL, 'revenue', price)) line (wallet_id, house, amount)
        RETURNING posting_id
    )
    SELECT posting_id INTO new_posting FROM entries LIMIT 1;
    UPDATE telephony_call SET state = 'ended', ended_at = now() WHERE id = call;
    INSERT INTO telephony_cdr (call_id, revision, account_id, caller, destination, begun_at, ended_at,
                               duration_seconds, billed_seconds, result, reason, currency, price, charge, loss,
                               rate_id, posting_id, breakdown, provider_cost, provider_currency, source, review)
    VALUES (call, 0, known.account_id, known.caller, known.destination, known.begun_at, now(), seconds, billed,
            'answered', 'CALLERHANGUP', reserved.currency, price, charge, price - charge, reserved.rate_id, new_posting,
            jsonb_build_object('price_per_minute', reserved.price_per_minute::text, 'billed_seconds', billed),
            0.0135, 'USD', 'event', '');
    INSERT INTO telephony_receivedevent (application_id, call_id, provider_call_id, kind, step, outcome, decision,
                                         error, late, signed_at, received_at, content_type, body)
    VALUES (known.application_id, call, call::text, 'ended', '', 'decided', bench.decision('ended', ''), '', false,
            now(), now(), 'application/json',
            bench.body('dice', call::text, known.caller, known.destination, seconds));
END $$;
