"""What the database itself refuses, each beside the nearest thing it allows: see docs/ledger.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.registration import open_account
from billing.models import Entry, Posting, Rate, RateDeck
from telephony.models import CDR, Call, ReceivedEvent
from tests.builders import EPOCH, a_deck, an_account, an_application, check_deferred_constraints, wallet_of

OPEN = UUID(int=1)
SETTLED = UUID(int=2)
NEW = UUID(int=3)


@dataclass(frozen=True)
class Case:
    """Statements that pass, and their neighbours that break one rule, named in the error."""

    name: str
    allowed: Sequence[str]
    refused: Sequence[str]
    rule: str


def posting(
    *entries: str, kind: str = "correction", key: str = "new", subject: UUID | None = None, reverses: str = "NULL"
) -> str:
    """One statement for a whole posting; entries are `wallet, house, currency, amount` as SQL."""
    paid_for = "NULL" if subject is None else f"'{subject}'"
    head = (
        "WITH posting AS (INSERT INTO billing_posting (kind, idempotency_key, subject, reverses_id, reason, made_by) "
        f"VALUES ('{kind}', '{key}', {paid_for}, {reverses}, '', '') RETURNING id) "
    )
    if not entries:
        return head + "SELECT id FROM posting"
    rows = ", ".join(f"({entry})" for entry in entries)
    return head + (
        "INSERT INTO billing_entry (posting_id, wallet_id, house, currency, amount) "
        "SELECT posting.id, line.wallet_id::bigint, line.house, line.currency, line.amount "
        f"FROM posting, (VALUES {rows}) AS line (wallet_id, house, currency, amount)"
    )


def hold(amount: str, *, subject: UUID = NEW, state: str = "open", resolved_at: str = "NULL") -> str:
    return (
        "INSERT INTO billing_hold (wallet_id, subject, rate_id, amount, state, opened_at, expires_at, resolved_at) "
        f"VALUES ({{wallet}}, '{subject}', {{rate}}, {amount}, '{state}', now(), now(), {resolved_at})"
    )


def resolve(state: str, *, also: str = "", at: str = "now()") -> str:
    return f"UPDATE billing_hold SET state = '{state}', resolved_at = {at}{also} WHERE subject = '{OPEN}'"


def wallet(set_to: str) -> str:
    return f"UPDATE billing_wallet SET {set_to} WHERE id = {{wallet}}"


def new_wallet(columns: str = "", values: str = "", *, account: str = "{penniless}", currency: str = "USD") -> str:
    return (
        f"INSERT INTO billing_wallet (account_id, currency, balance, held, credit_limit{columns}) "
        f"VALUES ({account}, '{currency}', {values or '0, 0, 0'})"
    )


def rate(version: str, *, prefix: str = "49", price: str = "0.01") -> str:
    return (
        "INSERT INTO billing_rate (version_id, prefix, destination, price_per_minute, connection_fee, first_increment,"
        " next_increment, minimum_charge, grace_seconds, price_each, effective_from)"
        f" VALUES ({version}, '{prefix}', '', {price}, 0, 60, 60, 0, 0, 0, '1970-01-01+00')"
    )


def cdr(*, price: str = "0", charge: str = "0", loss: str = "0", posting: str = "NULL") -> str:
    return (
        "INSERT INTO telephony_cdr (call_id, revision, caller, destination, begun_at, ended_at, duration_seconds,"
        " billed_seconds, result, reason, currency, price, charge, loss, posting_id, breakdown, provider_currency,"
        f" source, review) VALUES ('{SETTLED}', 1, '', '', now(), now(), 0, 0, '', '', '', {price}, {charge}, {loss},"
        f" {posting}, '{{{{}}}}', '', 'event', '')"
    )


def event(outcome: str = "decided", *, step: str = "other") -> str:
    return (
        "INSERT INTO telephony_receivedevent (application_id, call_id, provider_call_id, kind, step, outcome, error,"
        f" late, signed_at, received_at, content_type, body) VALUES ({{application}}, '{SETTLED}', '', 'ended',"
        f" '{step}', '{outcome}', '', false, now(), now(), '', '')"
    )


def new_seal(day: str) -> str:
    return (
        "INSERT INTO billing_seal (day, last_posting, posting_count, digest, sealed_at)"
        f" VALUES ('{day}', 1, 1, '', now())"
    )


BALANCED = posting("{wallet}, NULL, 'USD', 1", "NULL, 'corrections', 'USD', -1")
REVERSAL = posting("{wallet}, NULL, 'USD', -1", "NULL, 'corrections', 'USD', 1", kind="reversal", reverses="{posting}")
SETTLEMENT = ("{wallet}, NULL, 'USD', -1", "NULL, 'revenue', 'USD', 1")

CASES = [
    Case("I3 balance set by hand", [wallet("credit_limit = 1")], [wallet("balance = 6")], "entries and holds alone"),
    Case("I4 held set by hand", [wallet("held = held")], [wallet("held = 0")], "entries and holds alone"),
    Case("I3 wallet born rich", [new_wallet()], [new_wallet(values="1, 0, 0")], "entries and holds alone"),
    Case("I4 wallet born held", [new_wallet()], [new_wallet(values="0, 1, 1")], "entries and holds alone"),
    Case("I5 holding more than there is", [hold("4")], [hold("4.000001")], "wallet_covers_holds"),
    Case(
        "I5 spending what is held",
        [posting("{wallet}, NULL, 'USD', -4", "NULL, 'corrections', 'USD', 4")],
        [posting("{wallet}, NULL, 'USD', -4.000001", "NULL, 'corrections', 'USD', 4.000001")],
        "wallet_covers_holds",
    ),
    Case(
        "I5 credit limit below what is used",
        ["UPDATE billing_wallet SET credit_limit = 1.00 WHERE id = {owing}"],
        ["UPDATE billing_wallet SET credit_limit = 0.99 WHERE id = {owing}"],
        "wallet_covers_holds",
    ),
    Case(
        "I6 negative credit limit",
        [wallet("credit_limit = 0")],
        [wallet("credit_limit = -1")],
        "wallet_credit_limit_not_negative",
    ),
    Case("I6 hold of nothing", [hold("0.000001")], [hold("0")], "hold_amount_positive"),
    Case("I6 negative hold", [hold("0.000001")], [hold("-1")], "hold_amount_positive"),
    Case("I7 hold born settled", [hold("1")], [hold("1", state="settled", resolved_at="now()")], "a hold begins open"),
    Case("I7 unknown state", [resolve("expired")], [resolve("lost")], "hold_state_known"),
    Case("I7 resolved at no time", [resolve("settled")], [resolve("settled", at="NULL")], "hold_resolved_once"),
    Case("I7 two open holds", [hold("1")], [hold("1", subject=OPEN)], "one_open_hold_per_subject"),
    Case(
        "I7 resolved twice",
        [resolve("settled")],
        [resolve("settled"), resolve("released")],
        "was already settled",
    ),
    Case("I7 opened again", [resolve("settled")], [resolve("settled"), resolve("open", at="NULL")], "already settled"),
    Case(
        "I7 amount changed when resolved",
        [f"UPDATE billing_hold SET amount = 2 WHERE subject = '{OPEN}'"],
        [resolve("settled", also=", amount = 2")],
        "a hold keeps its wallet, subject and rate, and its amount",
    ),
    Case(
        "I7 hold moved",
        [resolve("released")],
        [resolve("released", also=", wallet_id = {owing}")],
        "a hold keeps its wallet",
    ),
    Case(
        "I1 unbalanced",
        [BALANCED],
        [posting("{wallet}, NULL, 'USD', 1", "NULL, 'corrections', 'USD', -0.999999")],
        "does not balance: 2 entries, sum 0.000001",
    ),
    Case("I1 one entry", [BALANCED], [posting("{wallet}, NULL, 'USD', 1")], "does not balance: 1 entries"),
    Case("I2 no entries", [BALANCED], [posting()], "has no entries"),
    Case(
        "I1 two currencies",
        [posting("NULL, 'top_ups', 'EUR', 1", "NULL, 'corrections', 'EUR', -1")],
        [posting("NULL, 'top_ups', 'USD', 1", "NULL, 'corrections', 'EUR', -1")],
        "does not balance: .* 2 currencies",
    ),
    Case(
        "I13 wallet in another currency",
        [BALANCED],
        [posting("{wallet}, NULL, 'EUR', 1", "NULL, 'corrections', 'EUR', -1")],
        "entry_has_currency_of_wallet",
    ),
    Case(
        "entry of nothing",
        [BALANCED],
        [posting("{wallet}, NULL, 'USD', 0", "NULL, 'corrections', 'USD', 0")],
        "entry_not_zero",
    ),
    Case(
        "entry in two places",
        [BALANCED],
        [posting("{wallet}, 'corrections', 'USD', 1", "NULL, 'corrections', 'USD', -1")],
        "entry_has_one_place",
    ),
    Case(
        "entry nowhere",
        [BALANCED],
        [posting("NULL, NULL, 'USD', 1", "NULL, 'corrections', 'USD', -1")],
        "entry_has_one_place",
    ),
    Case(
        "unknown house account",
        [BALANCED],
        [posting("{wallet}, NULL, 'USD', 1", "NULL, 'pocket', 'USD', -1")],
        "entry_house_known",
    ),
    Case(
        "I11 unknown kind",
        [BALANCED],
        [posting("{wallet}, NULL, 'USD', 1", "NULL, 'corrections', 'USD', -1", kind="gift")],
        "posting_kind_known",
    ),
    Case(
        "I11 no document",
        [BALANCED],
        [posting("{wallet}, NULL, 'USD', 1", "NULL, 'corrections', 'USD', -1", key="")],
        "posting_has_document",
    ),
    Case(
        "I11 document used twice",
        [BALANCED],
        [posting("{wallet}, NULL, 'USD', 1", "NULL, 'corrections', 'USD', -1", key="used")],
        "billing_posting_idempotency_key_[0-9a-f]+_uniq|billing_posting_idempotency_key_key",
    ),
    Case(
        "I8 settled twice",
        [posting(*SETTLEMENT, kind="settlement", subject=NEW)],
        [posting(*SETTLEMENT, kind="settlement", subject=SETTLED)],
        "one_settlement_per_subject",
    ),
    Case(
        "I8 settlement of nothing",
        [posting(*SETTLEMENT, kind="settlement", subject=NEW)],
        [posting(*SETTLEMENT, kind="settlement")],
        "settlement_has_subject",
    ),
    Case("I12 reversed twice", [REVERSAL], [REVERSAL, REVERSAL.replace("'new'", "'newer'")], "reverses_id"),
    Case("I12 reversal of nothing", [REVERSAL], [REVERSAL.replace("{posting}", "NULL")], "reversal_reverses"),
    Case(
        "I12 top-up that reverses",
        [REVERSAL],
        [REVERSAL.replace("'reversal'", "'top_up'")],
        "reversal_reverses",
    ),
    Case("I16 sealed version grows", [rate("{draft}")], [rate("{version}")], "sealed deck version never change"),
    Case(
        "I16 sealed price changes",
        ["UPDATE billing_rate SET price_per_minute = 1 WHERE version_id = {draft}"],
        ["UPDATE billing_rate SET price_per_minute = 1 WHERE id = {rate}"],
        "sealed deck version never change",
    ),
    Case(
        "I16 sealed rate removed",
        ["DELETE FROM billing_rate WHERE version_id = {draft}"],
        ["DELETE FROM billing_rate WHERE id = {unused_rate}"],
        "sealed deck version never change",
    ),
    Case(
        "I16 rate moved out of a sealed version",
        ["UPDATE billing_rate SET destination = 'x' WHERE version_id = {draft}"],
        ["UPDATE billing_rate SET version_id = {draft}, prefix = '7' WHERE id = {unused_rate}"],
        "sealed deck version never change",
    ),
    Case(
        "I16 unsealed",
        ["UPDATE billing_deckversion SET activated_at = now() WHERE id = {version}"],
        ["UPDATE billing_deckversion SET sealed = false WHERE id = {version}"],
        "stays sealed",
    ),
    Case("I16 overlapping rates", [rate("{draft}")], [rate("{draft}", prefix="44")], "one_rate_at_a_time"),
    Case("negative price", [rate("{draft}", price="0")], [rate("{draft}", price="-0.01")], "rate_not_negative"),
    Case("two wallets", [new_wallet()], [new_wallet(account="{rich}")], "billing_wallet_account_id"),
    Case(
        "I13 deck in another currency",
        [new_wallet(", deck_id", "0, 0, 0, {deck}")],
        [new_wallet(", deck_id", "0, 0, 0, {deck}", currency="EUR")],
        "wallet_has_currency_of_deck",
    ),
    Case(
        "two default decks",
        ["UPDATE billing_ratedeck SET is_default = true WHERE id = {euro_deck}"],
        ["UPDATE billing_ratedeck SET is_default = true, currency = 'USD' WHERE id = {euro_deck}"],
        "one_default_deck_per_currency",
    ),
    Case(
        "I9 CDR that does not add up",
        [cdr(price="2", charge="1", loss="1", posting="{posting}")],
        [cdr(price="2", charge="1", loss="0", posting="{posting}")],
        "cdr_adds_up",
    ),
    Case("I9 priced CDR without posting", [cdr()], [cdr(price="1", charge="1")], "cdr_priced_has_posting"),
    Case("I9 free CDR with posting", [cdr()], [cdr(posting="{posting}")], "cdr_priced_has_posting"),
    Case("I9 negative charge", [cdr()], [cdr(charge="-1", loss="1")], "cdr_not_negative"),
    Case(
        "I9 one posting for two CDRs",
        [cdr(price="1", charge="1", posting="{posting}")],
        [cdr(price="1", charge="1", posting="{settlement}")],
        "posting_id",
    ),
    Case("event decided twice", [event()], [event(step="")], "event_decided_once"),
    Case("event with unknown outcome", [event("failed")], [event("lost")], "event_outcome_known"),
]


@pytest.fixture
def books() -> dict[str, object]:
    """The names that the statements use: a wallet of 5.00 with 1.00 held, one that owes 1.00, and what they need."""
    version = a_deck({"44": "0.06", "46": "0.05"})
    draft = version.deck.versions.create(number=2, source="test")
    Rate.objects.create(version=draft, prefix="44", destination="", price_per_minute=1, effective_from=EPOCH)
    account, debtor = an_account(), an_account(balance="0", credit_limit="2")
    names = {
        "wallet": wallet_of(account).pk,
        "owing": wallet_of(debtor).pk,
        "rich": account.pk,
        "penniless": open_account("penniless").pk,
        "deck": version.deck.pk,
        "euro_deck": RateDeck.objects.create(name="euro", currency="EUR").pk,
        "version": version.pk,
        "draft": draft.pk,
        "rate": version.rates.get(prefix="44").pk,
        "unused_rate": version.rates.get(prefix="46").pk,
        "application": an_application().pk,
    }
    run(names, hold("1", subject=OPEN), new_seal("2026-01-01"))
    run(names, posting("{owing}, NULL, 'USD', -1", "NULL, 'corrections', 'USD', 1", key="used"))
    run(names, posting("{owing}, NULL, 'USD', 1", "NULL, 'corrections', 'USD', -1", key="undone"))
    run(names, posting("{owing}, NULL, 'USD', -1", "NULL, 'revenue', 'USD', 1", kind="settlement", subject=SETTLED,
                       key="settled"))  # fmt: skip
    names["posting"] = Posting.objects.get(idempotency_key="undone").pk
    names["settlement"] = Posting.objects.get(idempotency_key="settled").pk
    record_a_call(names)
    check_deferred_constraints()
    return names


def record_a_call(names: dict[str, object]) -> None:
    now = timezone.now()
    call = Call.objects.create(
        id=SETTLED, application_id=names["application"], provider_call_id="x", destination="+442079460000",
        state="ended", begun_at=now, ended_at=now,
    )  # fmt: skip
    CDR.objects.create(
        call=call, destination="+442079460000", begun_at=now, ended_at=now, duration_seconds=60, result="answered",
        price=1, charge=1, posting_id=names["settlement"],
    )  # fmt: skip
    ReceivedEvent.objects.create(
        application_id=names["application"], call_id=SETTLED, kind="ended", outcome="decided", signed_at=now,
        received_at=now, body=b"",
    )  # fmt: skip


def run(names: dict[str, object], *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.format(**names))


def refusal_of(names: dict[str, object], statements: Sequence[str]) -> str:
    """What the database says against the statements, committed together; "" when it lets them pass."""
    try:
        with transaction.atomic():
            run(names, *statements)
            check_deferred_constraints()
            transaction.set_rollback(True)
    except DatabaseError as error:
        return str(error)
    return ""


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_database_refuses_what_breaks_a_rule_and_allows_its_neighbour(case: Case, books: dict[str, object]) -> None:
    assert refusal_of(books, case.allowed) == ""
    assert re.search(case.rule, refusal_of(books, case.refused))


APPEND_ONLY = {
    "billing_posting": BALANCED,
    "billing_entry": BALANCED,
    "billing_seal": new_seal("2026-01-02"),
    "telephony_cdr": cdr(),
    "telephony_receivedevent": event(),
}


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["UPDATE {table} SET id = id", "DELETE FROM {table}", "TRUNCATE {table} CASCADE"])
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_history_may_grow_and_never_change(table: str, statement: str, books: dict[str, object]) -> None:
    assert refusal_of(books, [APPEND_ONLY[table]]) == ""
    assert "append-only" in refusal_of({**books, "table": table}, [statement])


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["DELETE FROM {table}", "TRUNCATE {table} CASCADE"])
@pytest.mark.parametrize("table", ["billing_hold", "billing_wallet"])
def test_holds_and_wallets_are_never_removed(table: str, statement: str, books: dict[str, object]) -> None:
    assert refusal_of(books, [resolve("released")]) == ""
    assert "append-only" in refusal_of({**books, "table": table}, [statement])


@pytest.mark.django_db
def test_rates_are_never_emptied(books: dict[str, object]) -> None:
    assert "append-only" in refusal_of(books, ["TRUNCATE billing_rate CASCADE"])


@pytest.mark.django_db(transaction=True)
def test_entries_are_written_with_their_posting_and_never_later() -> None:
    wallet_id = wallet_of(an_account()).pk
    pair = (
        f"INSERT INTO billing_entry (posting_id, wallet_id, house, currency, amount) VALUES ({{posting}}, {wallet_id},"
        " NULL, 'USD', 1), ({posting}, NULL, 'corrections', 'USD', -1)"
    )
    with transaction.atomic():
        young = Posting.objects.create(kind="correction", idempotency_key="young")
        run({"posting": young.pk}, pair)
    assert "never later" in refusal_of({"posting": young.pk}, [pair])
    assert Entry.objects.filter(posting=young).count() == 2


@pytest.mark.django_db(transaction=True)
def test_an_unbalanced_posting_is_refused_at_the_commit_itself() -> None:
    wallet_id = wallet_of(an_account()).pk
    before = Entry.objects.count()
    lines = [f"{wallet_id}, NULL, 'USD', 1", "NULL, 'corrections', 'USD', -2"]
    with pytest.raises(DatabaseError, match="does not balance"), transaction.atomic():
        run({}, posting(*lines))
    assert Entry.objects.count() == before
