"""The commands people and scripts rely on: JSON on standard output, one sentence on standard error, exit 0, 1 or 2."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import ManagementUtility
from django.db import connection
from django.utils import timezone

from accounts import pins
from accounts.models import Account
from billing.models import Entry, Posting, RateDeck
from telephony.models import Application, Call
from tests.billing.test_audit import reserve, settle
from tests.builders import A_SECRET, a_deck, an_account, available, balance, check_deferred_constraints, wallet_of
from tests.telephony.test_audit import a_call, a_cdr

pytestmark = pytest.mark.django_db


class Shell:
    """Runs a command as a shell does and keeps what came of it."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self.exit_code = 0
        self.out = self.err = ""

    def run(self, *words: str) -> Shell:
        try:
            ManagementUtility(["manage.py", *words]).execute()
            self.exit_code = 0
        except SystemExit as ended:
            self.exit_code = int(ended.code or 0)
        self.out, self.err = self._capture.readouterr()
        return self

    def json(self, *words: str) -> dict[str, Any]:
        """The one document a successful command prints."""
        self.run(*words, "--json")
        assert (self.exit_code, self.err) == (0, "")
        document: dict[str, Any] = json.loads(self.out)
        return document

    def refuses(self, *words: str) -> str:
        """The one sentence of a command that could not do it."""
        self.run(*words)
        assert (self.exit_code, self.out) == (1, "")
        assert self.err.count("\n") == 1
        return self.err.strip()


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    # A command line's own end closes its connections; here the test's transaction lives on one.
    monkeypatch.setattr(connection, "close", lambda: None)
    return Shell(capsys)


ALICE = ("open_account", "Alice", "--currency", "USD", "--balance", "5.00")


# open_account, top_up ------------------------------------------------------------------------------------------------


def test_an_account_is_opened_with_its_first_money(shell: Shell) -> None:
    opened = shell.json(*ALICE)
    account = Account.objects.get(name="Alice")
    assert opened == {
        "account": account.pk,
        "name": "Alice",
        "currency": "USD",
        "available": "5.000000",
        "card_number": "",
    }
    assert balance(account) == 5
    assert Posting.objects.get().idempotency_key == "top_up:opening:Alice"


def test_every_option_of_open_account_arrives(shell: Shell) -> None:
    a_deck(name="wholesale")
    shell.json(
        *ALICE, "--credit-limit", "2.5", "--calls-at-once", "30", "--longest-call", "600", "--highest-price", "1.25",
        "--verified", "--no-velocity-limits", "--number", "+46 70 174 06 05", "--number", "+12025550123",
        "--client-user", "alice", "--client-user", "alice2", "--pin", "4711", "--allow", "+44", "--allow", "46",
        "--deny", "4490", "--card", "--deck", "wholesale", "--time-zone", "Europe/Stockholm",
    )  # fmt: skip
    account = Account.objects.get(name="Alice")
    assert (account.calls_at_once, account.longest_call_seconds) == (30, 600)
    assert str(account.highest_price_per_minute) == "1.250000"
    assert account.verified
    assert not account.velocity_limits
    assert account.caller_numbers.count() == 2
    assert set(account.client_users.values_list("name", flat=True)) == {"alice", "alice2"}
    assert pins.fits("4711", account.pin_hash)
    assert len(account.card_number or "") == 10
    assert set(account.destination_rules.values_list("kind", "prefix")) == {
        ("allow", "44"), ("allow", "46"), ("deny", "4490"),
    }  # fmt: skip
    assert account.destinations == "listed_only"
    assert account.time_zone == "Europe/Stockholm"
    assert str(wallet_of(account).deck) == "wholesale (USD)"
    assert str(available(account)) == "7.500000"


def test_an_account_without_a_balance_has_no_posting(shell: Shell) -> None:
    assert shell.run("open_account", "Alice", "--currency", "USD").exit_code == 0
    assert shell.out.endswith("Alice, 0.000000 USD available\n")
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--number", "nonsense"), "A number has only digits"),
        (("--deny", "x"), "'x' is not a prefix"),
        (("--pin", "12"), "A PIN is 4 to 12 digits."),
        (("--deck", "nowhere"), "There is no rate deck called 'nowhere'"),
        (("--longest-call", "99999"), "account_longest_call"),
        (("--time-zone", "Mars/Olympus"), "is not a time zone"),
    ],
)
def test_what_cannot_be_opened_is_not_opened_at_all(shell: Shell, words: tuple[str, ...], sentence: str) -> None:
    assert sentence in shell.refuses(*ALICE, *words)
    assert not Account.objects.exists()


def test_a_currency_that_is_none_and_a_name_twice_are_refused_with_a_sentence(shell: Shell) -> None:
    assert "three capital letters" in shell.refuses("open_account", "Bob", "--currency", "dollars")
    shell.run(*ALICE)
    assert shell.refuses(*ALICE) == "There is already an account called 'Alice': choose another name."
    assert list(Account.objects.values_list("name", flat=True)) == ["Alice"]


@pytest.mark.parametrize(
    "words",
    [
        ("open_account",),
        ("open_account", "Alice"),
        (*ALICE, "--balance", "much"),
        (*ALICE, "--balance", "NaN"),
        (*ALICE, "--balance", "0.0000001"),
        (*ALICE, "--credit-limit=-1"),
        (*ALICE, "--calls-at-once", "0"),
        (*ALICE, "--unknown"),
        ("top_up", "Alice", "5"),
        ("top_up", "Alice", "five", "--reference", "r"),
        ("quote", "+442079460000"),
        ("quote", "nonsense", "--account", "Alice"),
        ("quote", "+442079460000", "--account", "Alice", "--at", "soon"),
        ("load_rates", "deck.csv", "--deck", "retail", "--currency", "USD", "--check", "--activate"),
        ("activate_rates", "retail", "--version-number", "0"),
        ("seal_ledger", "--until", "yesterday"),
        ("show_account", "Alice", "--calls", "1001"),
        ("add_application", "nobody", "--key", "k", "--secret", "s"),
    ],
)
def test_bad_arguments_exit_with_2(shell: Shell, words: tuple[str, ...]) -> None:
    shell.run(*words)
    assert (shell.exit_code, shell.out) == (2, "")
    assert "error:" in shell.err
    assert not Account.objects.exists()


def test_a_top_up_counts_once_per_reference(shell: Shell) -> None:
    account = an_account("Alice", balance="1")
    words = ("top_up", "Alice", "2.50", "--reference", "bank-7")
    assert shell.json(*words) == {
        "name": "Alice", "amount": "2.500000", "currency": "USD", "reference": "bank-7", "new": True,
        "balance": "3.500000", "available": "3.500000",
    }  # fmt: skip
    assert shell.json(*words)["new"] is False
    assert "'bank-7' was used before" in shell.refuses("top_up", "Alice", "9", "--reference", "bank-7")
    assert "more than 0" in shell.refuses("top_up", "Alice", "0", "--reference", "bank-8")
    assert "no account called 'Bob'" in shell.refuses("top_up", "Bob", "9", "--reference", "bank-8")
    assert str(balance(account)) == "3.500000"


# load_rates, activate_rates, quote -----------------------------------------------------------------------------------


@pytest.fixture
def deck_file(tmp_path: Path) -> Path:
    path = tmp_path / "deck.csv"
    path.write_text("prefix,destination,price_per_minute,connection_fee\n44,UK,0.06,0.01\n46,Sweden,0.02,0\n")
    return path


def test_a_deck_is_loaded_activated_and_taken_back(shell: Shell, deck_file: Path) -> None:
    words = ("load_rates", str(deck_file), "--deck", "retail", "--currency", "USD")
    assert shell.json(*words, "--check")["difference"]["added"] == 2
    assert not RateDeck.objects.exists()
    loaded = shell.json(*words)
    assert (loaded["read"], loaded["loaded"], loaded["refused"]) == (2, 2, [])
    assert (loaded["version"], loaded["active"]) == (1, False)
    assert shell.json("activate_rates", "retail") == {"deck": "retail", "version": 1, "rates": 2}
    deck_file.write_text(deck_file.read_text().replace("0.06", "0.07"))
    again = shell.json(*words, "--activate")
    assert (again["version"], again["active"]) == (2, True)
    assert again["difference"] == {
        "added": 0, "changed": 1, "removed": 0,
        "sample": [{"prefix": "44", "before": "0.060000", "after": "0.070000"}],
    }  # fmt: skip
    assert shell.json("activate_rates", "retail", "--take-back")["version"] == 1
    assert shell.json("activate_rates", "retail", "--version-number", "2")["version"] == 2
    assert "no version 3" in shell.refuses("activate_rates", "retail", "--version-number", "3")


def test_a_deck_of_texts_is_loaded_by_its_service(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("prefix,destination,price_each\n44,UK,0.05\n")
    words = ("load_rates", str(path), "--deck", "texts", "--currency", "USD")
    assert "price_each" in shell.refuses(*words)
    loaded = shell.json(*words, "--service", "texts", "--activate")
    assert (loaded["service"], loaded["loaded"], loaded["active"]) == ("texts", 1, True)
    assert RateDeck.objects.get().service == "texts"
    assert shell.run(*words, "--service", "faxes").exit_code == 2


def test_refused_rows_are_printed_with_line_and_reason_and_exit_with_1(shell: Shell, deck_file: Path) -> None:
    deck_file.write_text(deck_file.read_text() + "x,Nowhere,free,0\n")
    words = ("load_rates", str(deck_file), "--deck", "retail", "--currency", "USD", "--activate")
    shell.run(*words, "--json")
    assert shell.exit_code == 1
    report = json.loads(shell.out)
    assert (report["read"], report["loaded"], report["version"], report["active"]) == (3, 0, None, False)
    assert [row["line"] for row in report["refused"]] == [4]
    assert shell.err == "Nothing was loaded: correct the 1 refused rows and load the file again.\n"
    shell.run(*words)
    assert "  line 4: prefix is not 1 to 15 digits, nor app; price_per_minute is not a number\n" in shell.out
    assert not RateDeck.objects.exists()


def test_a_file_that_is_not_there_or_no_deck_is_a_sentence(shell: Shell, tmp_path: Path) -> None:
    words = ("--deck", "retail", "--currency", "USD")
    assert "cannot be read" in shell.refuses("load_rates", str(tmp_path / "missing.csv"), *words)
    assert "cannot be read" in shell.refuses("load_rates", str(tmp_path), *words)
    (tmp_path / "deck.csv").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in shell.refuses("load_rates", str(tmp_path / "deck.csv"), *words)


def test_a_quote_shows_the_rate_the_affordable_seconds_and_every_figure(shell: Shell) -> None:
    a_deck(
        [
            {"prefix": "44", "price_per_minute": "0.06", "connection_fee": "0.02"},
            {"prefix": "4", "price_per_minute": "9"},
        ]
    )
    an_account("Alice", balance="0.50", calls_at_once=1)
    quoted = shell.json("quote", "+44 20 7946 0000", "--account", "Alice")
    assert quoted == {
        "number": "+442079460000", "account": "Alice", "currency": "USD", "available": "0.500000",
        "rate": {
            "prefix": "44", "destination": "+44", "price_per_minute": "0.060000", "connection_fee": "0.020000",
            "first_increment": 60, "next_increment": 60, "minimum_charge": "0.000000", "grace_seconds": 0,
        },
        "affordable_seconds": 480, "longest_call_seconds": 1800,
        "breakdown": {
            "duration_seconds": 480, "billed_seconds": 480, "price_per_minute": "0.060000",
            "connection_fee": "0.020000", "first_increment": 60, "next_increment": 60,
            "minimum_charge": "0.000000", "grace_seconds": 0, "price": "0.500000",
        },
    }  # fmt: skip
    assert "480 s for the 0.500000 USD available" in shell.run("quote", "+442079460000", "--account", "Alice").out


def test_a_quote_is_for_the_time_asked_about(shell: Shell) -> None:
    a_deck([
        {"prefix": "44", "price_per_minute": "0.06"},
        {"prefix": "44", "price_per_minute": "0.09", "effective_from": "2026-07-01T00:00:00Z"},
    ])  # fmt: skip
    an_account("Alice")
    words = ("quote", "+442079460000", "--account", "Alice", "--at")
    assert shell.json(*words, "2026-06-30T23:59:59")["rate"]["price_per_minute"] == "0.060000"
    assert shell.json(*words, "2026-07-01T01:59:59+02:00")["rate"]["price_per_minute"] == "0.060000"
    assert shell.json(*words, "2026-07-01")["rate"]["price_per_minute"] == "0.090000"


def test_a_number_without_a_rate_is_a_sentence(shell: Shell) -> None:
    a_deck({"46": "0.01"})
    an_account("Alice")
    refused = shell.refuses("quote", "+442079460000", "--account", "Alice")
    assert refused == "There is no rate for +442079460000: load and activate a deck that has one."


# show_account, audit_ledger, seal_ledger, add_application ------------------------------------------------------------


@pytest.fixture
def alice() -> Account:
    """An account with an ended, a running and a refused call, newest last."""
    a_deck({"44": "0.06"})
    account = an_account("Alice", balance="5.00", credit_limit="1")
    charged = reserve(account)
    settle(charged)
    a_cdr(a_call(account, charged, "ended"))
    a_call(account, reserve(account, 60), "answered")
    refused = a_call(account, UUID(int=7), "refused", refusal="no_rate")
    for minutes, call in enumerate([refused, *Call.objects.filter(state__in=["answered", "ended"]).order_by("state")]):
        Call.objects.filter(pk=call.pk).update(begun_at=timezone.now() - timedelta(minutes=minutes))
    return account


def test_show_account_has_exactly_the_keys_that_were_promised(shell: Shell, alice: Account) -> None:
    shown = shell.json("show_account", "Alice")
    ids = {call.state: call.provider_call_id for call in Call.objects.all()}
    assert shown == {
        "name": "Alice", "currency": "USD", "balance": "4.940000", "held": "0.060000", "available": "5.880000",
        "credit_limit": "1.000000", "status": "active", "open_calls": 1,
        "calls": [
            {"call_id": ids["refused"], "to": "+442079460000", "state": "refused", "duration_seconds": 0,
             "price": "0.000000", "limit_seconds": 600},
            {"call_id": ids["answered"], "to": "+442079460000", "state": "answered", "duration_seconds": None,
             "price": None, "limit_seconds": 600},
            {"call_id": ids["ended"], "to": "+442079460000", "state": "ended", "duration_seconds": 60,
             "price": "0.060000", "limit_seconds": 600},
        ],
        "entries": 2,
    }  # fmt: skip


def test_show_account_shows_as_many_calls_as_asked(shell: Shell, alice: Account) -> None:
    an_account("Bob")
    assert [call["state"] for call in shell.json("show_account", "Alice", "--calls", "1")["calls"]] == ["refused"]
    assert shell.json("show_account", "Bob")["calls"] == []
    assert "Alice (active): 5.880000 USD available" in shell.run("show_account", "Alice").out
    assert "no account called 'Carol'" in shell.refuses("show_account", "Carol")


def test_audit_ledger_says_what_it_checked_and_exits_1_on_a_difference(shell: Shell, alice: Account) -> None:
    audited = shell.json("audit_ledger", "--full")
    assert (audited["differences"], audited["found"], audited["entries"]) == (0, [], 4)
    assert audited["checked"]["I3 a balance is the sum of its entries"] == 1
    assert set(shell.json("audit_ledger")["checked"]) < set(audited["checked"])
    assert shell.run("audit_ledger").out.endswith("ledger: 4 entries, 0 differences\n")
    check_deferred_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_wallet DISABLE TRIGGER USER")
        cursor.execute("UPDATE billing_wallet SET balance = balance + 1")
    shell.run("audit_ledger", "--json")
    assert shell.exit_code == 1
    assert json.loads(shell.out)["differences"] == 1
    assert shell.err == "The books have 1 differences: stop new calls and look at them.\n"
    assert "DIFFERENCE I3" in shell.run("audit_ledger").out


def test_seal_ledger_seals_finished_days(shell: Shell) -> None:
    an_account("Alice")
    assert shell.json("seal_ledger") == {"sealed": []}
    check_deferred_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_posting DISABLE TRIGGER USER")
        cursor.execute("UPDATE billing_posting SET created_at = '2026-01-30T12:00:00Z'")
    sealed = shell.json("seal_ledger", "--until", "2026-01-31")["sealed"]
    assert [(seal["day"], seal["postings"]) for seal in sealed] == [("2026-01-30", 1), ("2026-01-31", 0)]
    assert all(len(seal["digest"]) == 64 for seal in sealed)
    assert shell.run("seal_ledger", "--until", "2026-01-31").out == "0 days sealed\n"


def test_an_application_is_added_and_its_secret_is_never_printed(shell: Shell) -> None:
    an_account("Alice")
    words = (
        "add_application", "sinch", "--key", "key-1", "--secret", A_SECRET, "--default-account", "Alice",
        "--base-url", "http://127.0.0.1:9000", "--caller-id", "+12025550123", "--name", "shop",
    )  # fmt: skip
    added = shell.json(*words)
    application = Application.objects.get()
    assert added == {
        "application": application.pk, "provider": "sinch", "key": "key-1", "name": "shop",
        "base_url": "http://127.0.0.1:9000", "callback_address": "http://testserver/callbacks/sinch/",
    }  # fmt: skip
    assert (application.secret, application.caller_id) == (A_SECRET, "+12025550123")
    assert application.default_account == Account.objects.get(name="Alice")
    assert A_SECRET not in shell.run(*words, "--previous-secret", A_SECRET).out
    assert Application.objects.get().previous_secret == A_SECRET


def test_an_application_that_is_not_whole_names_the_option(shell: Shell) -> None:
    refused = shell.refuses("add_application", "sinch", "--key", "key-1", "--secret", "not base64!")
    assert refused.startswith("secret: ")
    assert not Application.objects.exists()
    assert "no account called 'Bob'" in shell.refuses(
        "add_application", "sinch", "--key", "key-1", "--secret", A_SECRET, "--default-account", "Bob"
    )
