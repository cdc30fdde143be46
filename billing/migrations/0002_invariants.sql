-- The invariants of docs/ledger.md, kept by PostgreSQL itself. The numbers are those of that page.

-- I3, I4: balance and held move only by the triggers on entry and hold -------------------------------------------

CREATE FUNCTION billing_refuse_direct_money() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'balance and held of a wallet are moved by entries and holds alone' USING ERRCODE = '42501';
END $$;

-- pg_trigger_depth() is 0 when the statement came from outside and more when one of our triggers issued it.
CREATE TRIGGER wallet_money_is_derived BEFORE UPDATE OF balance, held ON billing_wallet FOR EACH ROW
    WHEN (pg_trigger_depth() = 0 AND (OLD.balance <> NEW.balance OR OLD.held <> NEW.held))
    EXECUTE FUNCTION billing_refuse_direct_money();
CREATE TRIGGER wallet_begins_empty BEFORE INSERT ON billing_wallet FOR EACH ROW
    WHEN (NEW.balance <> 0 OR NEW.held <> 0)
    EXECUTE FUNCTION billing_refuse_direct_money();

CREATE FUNCTION billing_apply_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE billing_wallet SET balance = balance + NEW.amount WHERE id = NEW.wallet_id;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_moves_balance AFTER INSERT ON billing_entry FOR EACH ROW
    WHEN (NEW.wallet_id IS NOT NULL)
    EXECUTE FUNCTION billing_apply_entry();

-- I13: an entry has the currency of its wallet; a wallet's deck has the currency of the wallet --------------------

ALTER TABLE billing_entry ADD CONSTRAINT entry_has_currency_of_wallet
    FOREIGN KEY (wallet_id, currency) REFERENCES billing_wallet (id, currency);
ALTER TABLE billing_ratedeck ADD CONSTRAINT deck_currency UNIQUE (id, currency);
ALTER TABLE billing_wallet ADD CONSTRAINT wallet_has_currency_of_deck
    FOREIGN KEY (deck_id, currency) REFERENCES billing_ratedeck (id, currency);

-- I1, I2: a posting has at least two entries in one currency that sum to zero -------------------------------------

CREATE FUNCTION billing_check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total numeric;
    lines integer;
    currencies integer;
BEGIN
    SELECT sum(amount), count(*), count(DISTINCT currency) INTO total, lines, currencies
    FROM billing_entry WHERE posting_id = NEW.posting_id;
    IF lines < 2 OR total <> 0 OR currencies <> 1 THEN
        RAISE EXCEPTION 'posting % does not balance: % entries, sum %, % currencies',
            NEW.posting_id, lines, total, currencies USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entries_balance AFTER INSERT ON billing_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_check_entries();

CREATE FUNCTION billing_check_posting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM billing_entry WHERE posting_id = NEW.id) THEN
        RAISE EXCEPTION 'posting % has no entries', NEW.id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER posting_has_entries AFTER INSERT ON billing_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_check_posting();

-- A posting is closed when its transaction ends: entries added later are refused even if they sum to zero.
-- created_at is the transaction's own time, so equality says "written in this transaction".
CREATE FUNCTION billing_refuse_late_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added JOIN billing_posting posting ON posting.id = added.posting_id
        WHERE posting.created_at <> transaction_timestamp()
    ) THEN
        RAISE EXCEPTION 'entries are written in the transaction of their posting, never later' USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_is_not_late AFTER INSERT ON billing_entry REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_late_entry();

-- I4, I7: a hold moves the held sum; it begins open and is resolved once -------------------------------------------

CREATE FUNCTION billing_apply_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE billing_wallet SET held = held + NEW.amount WHERE id = NEW.wallet_id;
    ELSIF NEW.state = 'open' THEN
        UPDATE billing_wallet SET held = held - OLD.amount + NEW.amount WHERE id = NEW.wallet_id;
    ELSE
        UPDATE billing_wallet SET held = held - OLD.amount WHERE id = NEW.wallet_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER hold_moves_held AFTER INSERT OR UPDATE ON billing_hold
    FOR EACH ROW EXECUTE FUNCTION billing_apply_hold();

CREATE FUNCTION billing_guard_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'a hold begins open' USING ERRCODE = '23514';
    ELSIF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'hold % was already %', OLD.id, OLD.state USING ERRCODE = '23514';
    END IF;
    RAISE EXCEPTION 'a hold keeps its wallet, subject and rate, and its amount when it is resolved'
        USING ERRCODE = '42501';
END $$;
CREATE TRIGGER hold_begins_open BEFORE INSERT ON billing_hold FOR EACH ROW
    WHEN (NEW.state <> 'open') EXECUTE FUNCTION billing_guard_hold();
CREATE TRIGGER hold_is_resolved_once BEFORE UPDATE ON billing_hold FOR EACH ROW
    WHEN (OLD.state <> 'open' OR NEW.id <> OLD.id OR NEW.wallet_id <> OLD.wallet_id OR NEW.subject <> OLD.subject
          OR NEW.rate_id <> OLD.rate_id OR NEW.opened_at <> OLD.opened_at
          OR (NEW.state <> 'open' AND NEW.amount <> OLD.amount))
    EXECUTE FUNCTION billing_guard_hold();

-- I12: entries, postings and seals are append-only; holds and wallets are never removed -----------------------------

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% refused: % is append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
CREATE TRIGGER posting_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_posting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER seal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_seal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_is_kept BEFORE DELETE OR TRUNCATE ON billing_hold
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER wallet_is_kept BEFORE DELETE OR TRUNCATE ON billing_wallet
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- I16: the rates of a sealed deck version never change -------------------------------------------------------------

CREATE FUNCTION billing_guard_rates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM touched JOIN billing_deckversion version ON version.id = touched.version_id WHERE version.sealed
    ) THEN
        RAISE EXCEPTION 'the rates of a sealed deck version never change' USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rate_insert_is_before_seal AFTER INSERT ON billing_rate REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION billing_guard_rates();
CREATE TRIGGER rate_update_is_before_seal AFTER UPDATE ON billing_rate REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION billing_guard_rates();
CREATE TRIGGER rate_delete_is_before_seal AFTER DELETE ON billing_rate REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION billing_guard_rates();
CREATE TRIGGER rate_is_kept BEFORE TRUNCATE ON billing_rate
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION billing_guard_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a sealed deck version stays sealed' USING ERRCODE = '42501';
END $$;
CREATE TRIGGER version_stays_sealed BEFORE UPDATE ON billing_deckversion FOR EACH ROW
    WHEN (OLD.sealed AND (NOT NEW.sealed OR NEW.deck_id <> OLD.deck_id OR NEW.number <> OLD.number))
    EXECUTE FUNCTION billing_guard_version();

-- Rows that every call updates: room on the page keeps the update in place and its indexes untouched ---------------
ALTER TABLE billing_wallet SET (fillfactor = 50);
ALTER TABLE billing_hold SET (fillfactor = 80);
