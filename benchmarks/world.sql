-- Accounts with their users, wallets and money, and one deck in force. Parameters: accounts, rates.
-- The triggers are off while the rows go in; the audit says afterwards whether the result is right.

CREATE SCHEMA IF NOT EXISTS bench;

CREATE OR REPLACE PROCEDURE bench.found_world(accounts bigint, rates bigint) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;

    INSERT INTO accounts_account (name, status, verified, destinations, velocity_limits, pin_hash, time_zone)
    SELECT 'account ' || n, 'active', true, 'anything_rated', false, '', 'UTC' FROM generate_series(1, accounts) n;
    INSERT INTO accounts_clientuser (account_id, name) SELECT id, 'user' || substr(name, 9) FROM accounts_account;

    INSERT INTO billing_ratedeck (name, currency, service, is_default) VALUES ('retail', 'USD', 'calls', true);
    INSERT INTO billing_deckversion (deck_id, number, source, rate_count, sealed, activated_at)
    SELECT id, 1, 'benchmark', rates, true, now() FROM billing_ratedeck;
    UPDATE billing_ratedeck SET active_version_id = (SELECT id FROM billing_deckversion);
    -- Every run of digits of one length is a prefix, so that +44 20 7946 0000 finds its own: 44, or 44207 of 100,000.
    INSERT INTO billing_rate (version_id, prefix, destination, price_per_minute, connection_fee, first_increment,
                              next_increment, minimum_charge, grace_seconds, price_each, effective_from)
    SELECT v.id, prefix::text, 'destination ' || prefix, 0.06, 0, 60, 60, 0, 0, 0, '2020-01-01T00:00:00Z'
    FROM billing_deckversion v,
         LATERAL (SELECT n + CASE WHEN rates > 9999 THEN 9999 ELSE 0 END FROM generate_series(1, rates) n) p (prefix);

    INSERT INTO billing_wallet (account_id, currency, balance, held, credit_limit)
    SELECT id, 'USD', 1000, 0, 0 FROM accounts_account;
    INSERT INTO billing_posting (kind, idempotency_key, reason, made_by)
    SELECT 'top_up', 'top_up:opening:' || id, '', 'benchmark' FROM billing_wallet;
    INSERT INTO billing_entry (posting_id, wallet_id, house, currency, amount)
    SELECT p.id, line.wallet_id, line.house, 'USD', line.amount
    FROM billing_wallet w
    JOIN billing_posting p ON p.idempotency_key = 'top_up:opening:' || w.id,
    LATERAL (VALUES (w.id, NULL, 1000.0), (NULL, 'top_ups', -1000.0)) line (wallet_id, house, amount);
END $$;

-- Calls that ended before: with events, hold, posting, entries and CDR each. Parameters: first and last number.
CREATE OR REPLACE PROCEDURE bench.add_history(first bigint, last bigint) LANGUAGE plpgsql AS $$
DECLARE
    accounts bigint := (SELECT count(*) FROM accounts_account);
    rate bigint := (SELECT id FROM billing_rate WHERE prefix IN ('44', '44207') ORDER BY length(prefix) DESC LIMIT 1);
    app bigint := (SELECT id FROM telephony_application);
BEGIN
    SET LOCAL session_replication_role = replica;

    CREATE TEMPORARY TABLE past ON COMMIT DROP AS
    SELECT n, md5('call ' || n)::uuid AS id, 'past-' || n AS provider_call_id, w.account_id, w.id AS wallet_id,
           c.name AS caller, '+4420794' || lpad((60000 + n % 1000)::text, 5, '0') AS destination,
           now() - interval '1 year' * (1 - n / 1e7) AS at, 1 + (n * 7919) % 600 AS seconds,
           0.06 * ceil((1 + (n * 7919) % 600) / 60.0) AS price
    FROM generate_series(first, last) n
    JOIN LATERAL (SELECT 1 + (n * 104729) % accounts) a (id) ON true
    JOIN billing_wallet w ON w.account_id = a.id
    JOIN accounts_clientuser c ON c.account_id = a.id;

    INSERT INTO telephony_call (id, application_id, provider_call_id, account_id, caller, destination,
                                shown_caller_id, state, refusal, detail, limit_seconds, begun_at, ended_at, review)
    SELECT id, app, provider_call_id, account_id, caller, destination, '+12025550123', 'ended', '', '', 3600, at,
           at + seconds * interval '1 second', '' FROM past;
    INSERT INTO telephony_receivedevent (application_id, call_id, provider_call_id, kind, step, outcome, decision,
                                         error, late, signed_at, received_at, content_type, body)
    SELECT app, id, provider_call_id, kind, '', 'decided', bench.decision(kind, destination), '', false, at, at,
           'application/json', bench.body(word, provider_call_id, caller, destination, seconds)
    FROM past, (VALUES ('incoming', 'ice'), ('ended', 'dice')) event (kind, word);
    INSERT INTO billing_hold (wallet_id, subject, rate_id, amount, state, opened_at, expires_at, resolved_at)
    SELECT wallet_id, id, rate, 3.6, 'settled', at, at + interval '3765 s', at + seconds * interval '1 second' FROM past;
    INSERT INTO billing_posting (kind, idempotency_key, subject, reason, made_by, created_at)
    SELECT 'settlement', 'settles:' || id, id, '', '', at + seconds * interval '1 second' FROM past;
    INSERT INTO billing_entry (posting_id, wallet_id, house, currency, amount)
    SELECT p.id, line.wallet_id, line.house, 'USD', line.amount
    FROM past JOIN billing_posting p ON p.subject = past.id AND p.kind = 'settlement',
    LATERAL (VALUES (past.wallet_id, NULL, -past.price), (NULL, 'revenue', past.price)) line (wallet_id, house, amount);
    INSERT INTO telephony_cdr (call_id, revision, account_id, caller, destination, begun_at, ended_at,
                               duration_seconds, billed_seconds, result, reason, currency, price, charge, loss,
                               rate_id, posting_id, breakdown, provider_cost, provider_currency, source, review)
    SELECT past.id, 0, account_id, caller, destination, at, at + seconds * interval '1 second', seconds,
           60 * ceil(seconds / 60.0), 'answered', 'CALLERHANGUP', 'USD', price, price, 0, rate, p.id,
           '{"price_per_minute": "0.060000", "connection_fee": "0.000000"}', 0.0135, 'USD', 'event', ''
    FROM past JOIN billing_posting p ON p.subject = past.id AND p.kind = 'settlement';
    UPDATE billing_wallet w SET balance = balance - spent.price
    FROM (SELECT wallet_id, sum(price) AS price FROM past GROUP BY wallet_id) spent WHERE spent.wallet_id = w.id;
END $$;

-- The bodies Sinch sends and the decisions we keep, as long as the real ones.
CREATE OR REPLACE FUNCTION bench.body(word text, call text, client text, destination text, seconds bigint)
RETURNS bytea LANGUAGE sql STABLE AS $$
SELECT convert_to(CASE word
    WHEN 'ice' THEN format(
        '{"event":"ice","callid":"%s","callResourceUrl":"https://calling-euc1.api.sinch.com/calling/v1/calls/id/%s",'
        '"timestamp":"2026-03-02T08:15:30Z","version":1,"user":"%s","userRate":{"currencyId":"USD","amount":0.0135},'
        '"cli":"","to":{"type":"number","endpoint":"%s"},"domain":"pstn",'
        '"applicationKey":"3f2b8c1e-7a54-4d0b-9c6e-51d2a7f0e8b4","originationType":"MXP","rdnis":""}',
        call, call, client, destination)
    ELSE format(
        '{"event":"dice","callid":"%s","timestamp":"2026-03-02T08:15:30Z","version":1,'
        '"applicationKey":"3f2b8c1e-7a54-4d0b-9c6e-51d2a7f0e8b4","reason":"CALLERHANGUP","result":"ANSWERED",'
        '"user":"%s","debit":{"currencyId":"USD","amount":0.0135},"userRate":{"currencyId":"USD","amount":0.0135},'
        '"to":{"type":"number","endpoint":"%s"},"duration":%s,"from":""}',
        call, client, destination, seconds)
    END, 'UTF8')
$$;

CREATE OR REPLACE FUNCTION bench.decision(kind text, destination text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
SELECT CASE kind
    WHEN 'incoming' THEN jsonb_build_object('decision', 'connect', 'number', destination, 'limit_seconds', 3600,
                                            'caller_id', '+12025550123', 'dial_timeout_seconds', 45)
    ELSE '{"decision": "acknowledge"}'::jsonb END
$$;
