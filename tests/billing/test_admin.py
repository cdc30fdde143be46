"""Money on the staff's site: looked at by many, moved by few, and only through the use cases."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from billing.models import Entry, Posting, RateDeck
from billing.money import Money
from billing.templatetags.money import money, signed
from billing.topups import credit
from tests.accounts.test_admin import staff
from tests.builders import a_deck, an_account, an_application, balance, wallet_of
from tests.telephony.scenes import a_running_call

pytestmark = pytest.mark.django_db

NO_ALERTS = {"alerts-TOTAL_FORMS": 0, "alerts-INITIAL_FORMS": 0}


@pytest.fixture
def account() -> Account:
    return an_account("Harbour Café", balance="5.00")


def page(account: Account, word: str) -> str:
    return f"/admin/billing/wallet/{wallet_of(account).pk}/{word}/"


def test_an_adjustment_is_booked_with_reason_and_name(admin_client: Client, account: Account) -> None:
    data = {"amount": "-1.25", "reason": "Charged twice", "reference": "ticket 7"}
    response = admin_client.post(page(account, "adjust"), data, follow=True)
    assert "Adjusted by −1.25" in response.content.decode()
    posting = Posting.objects.get(kind="correction")
    assert (posting.reason, posting.made_by) == ("Charged twice", response.context["user"].email)
    assert balance(account) == Decimal("3.75")
    assert "Charged twice" in LogEntry.objects.get().change_message


def test_an_adjustment_without_a_reason_is_refused(admin_client: Client, account: Account) -> None:
    for reason in ("", "   "):
        admin_client.post(page(account, "adjust"), {"amount": "1", "reason": reason, "reference": "r"})
    assert balance(account) == 5


def test_a_form_sent_twice_is_booked_once(admin_client: Client, account: Account) -> None:
    form = admin_client.get(page(account, "top-up")).context["form"]
    data = {"amount": "10", "reference": form["reference"].value()}
    admin_client.post(page(account, "top-up"), data)
    second = admin_client.post(page(account, "top-up"), data, follow=True)
    assert "booked before" in second.content.decode()
    assert balance(account) == 15


def test_money_that_is_not_there_is_not_taken(admin_client: Client, account: Account) -> None:
    data = {"amount": "-5.01", "reason": "Too much", "reference": "r"}
    response = admin_client.post(page(account, "adjust"), data)
    assert "cannot be taken" in response.content.decode()
    assert balance(account) == 5


@pytest.mark.parametrize("amount", ["0", "-1", "0.0000001", "NaN", "five", "1e30"])
def test_a_top_up_is_an_amount_of_money(admin_client: Client, account: Account, amount: str) -> None:
    response = admin_client.post(page(account, "top-up"), {"amount": amount, "reference": "r"})
    assert response.status_code == 200
    assert balance(account) == 5


def test_the_credit_limit_is_changed_and_written_down(admin_client: Client, account: Account) -> None:
    admin_client.post(page(account, "credit-limit"), {"credit_limit": "20"})
    assert wallet_of(account).credit_limit == 20
    assert LogEntry.objects.get().change_message == "Credit limit changed from 0.00\u00a0USD to 20.00\u00a0USD."


@pytest.mark.parametrize("word", ["top-up", "adjust", "credit-limit"])
def test_who_may_only_look_moves_no_money(client: Client, account: Account, word: str) -> None:
    staff(client, "view_wallet")
    data = {"amount": "1", "reason": "please", "reference": "r", "credit_limit": "9"}
    assert client.get(page(account, "change")).status_code == 200
    assert client.post(page(account, word), data).status_code == 403
    assert balance(account) == 5


def test_there_is_no_fourth_way_to_move_money(admin_client: Client, account: Account) -> None:
    assert admin_client.get(page(account, "print-money")).status_code == 404
    assert admin_client.get("/admin/billing/wallet/999999/adjust/").status_code == 404


def test_balance_and_limit_are_no_fields_of_a_wallet(admin_client: Client, account: Account) -> None:
    evil = {"balance": "1000", "held": "0", "credit_limit": "1000", "currency": "EUR", "deck": ""}
    admin_client.post(page(account, "change"), evil)
    wallet = wallet_of(account)
    assert (wallet.balance, wallet.credit_limit, wallet.currency) == (5, 0, "USD")


def test_a_deck_in_another_currency_is_refused(admin_client: Client, account: Account) -> None:
    deck = RateDeck.objects.create(name="euros", currency="EUR")
    response = admin_client.post(page(account, "change"), {"deck": deck.pk})
    assert "This wallet is in USD" in response.content.decode()


@pytest.mark.parametrize("model", ["posting", "entry", "hold", "seal", "rate"])
@pytest.mark.parametrize("verb", ["add/", "{pk}/change/", "{pk}/delete/"])
def test_the_ledger_is_read_only_even_for_superusers(
    admin_client: Client, account: Account, model: str, verb: str
) -> None:
    a_running_call_with_everything(account)
    rows = {"posting": Posting.objects.first(), "entry": Entry.objects.first()}
    pk = rows[model].pk if rows.get(model) else 1
    assert admin_client.post(f"/admin/billing/{model}/" + verb.format(pk=pk), {"amount": "9"}).status_code == 403


def a_running_call_with_everything(account: Account) -> None:
    a_deck({"44": "0.06"})
    a_running_call(account, an_application())


def queries_of(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in captured]


@pytest.mark.parametrize("model", ["posting", "entry", "hold"])
def test_large_tables_are_not_counted_and_not_skipped_through(
    admin_client: Client, account: Account, model: str
) -> None:
    a_running_call_with_everything(account)
    queries = queries_of(admin_client, f"/admin/billing/{model}/")
    assert not [sql for sql in queries if "COUNT(" in sql or "OFFSET" in sql]


@pytest.mark.parametrize("model", ["posting", "entry", "hold", "wallet", "rate"])
def test_ten_rows_take_as_many_queries_as_one(admin_client: Client, model: str) -> None:
    a_deck({"44": "0.06"})
    application = an_application()
    a_running_call(an_account(balance="5"), application)
    few = len(queries_of(admin_client, f"/admin/billing/{model}/"))
    for _ in range(4):
        a_running_call(an_account(balance="5"), application)
    a_deck({"44": "0.06", "46": "0.03", "1": "0.02"})
    assert len(queries_of(admin_client, f"/admin/billing/{model}/")) == few


def test_pages_of_entries_follow_each_other_without_gap_or_repeat(admin_client: Client) -> None:
    account = an_account(balance="0")
    for number in range(1, 61):
        credit(account, Money.of(number, "USD"), reference=f"r{number}")
    seen: list[int] = []
    query = "/admin/billing/entry/"
    while query:
        cl = admin_client.get(query).context["cl"]
        seen += [entry.pk for entry in cl.result_list]
        query = f"/admin/billing/entry/{cl.older_link}" if cl.older_link else ""
    assert seen == sorted(Entry.objects.values_list("pk", flat=True), reverse=True)
    assert len(seen) == 120


def test_an_address_nobody_gave_out_leads_back_to_the_list(admin_client: Client) -> None:
    for key in ("x", "1_2", "9" * 30 + "x"):
        assert admin_client.get("/admin/billing/entry/", {"older_than": key})["Location"] == "/admin/billing/entry/?e=1"


def test_the_house_accounts_are_summed(admin_client: Client, account: Account) -> None:
    response = admin_client.get("/admin/billing/entry/house/")
    assert [(row["house"], row["total"]) for row in response.context["sums"]] == [("top_ups", Decimal(-5))]


@pytest.mark.parametrize("term", ["top_up:opening:Harbour Café", "opening:Harbour Café"])
def test_a_posting_is_found_by_its_document(admin_client: Client, account: Account, term: str) -> None:
    an_account("Rival")
    found = admin_client.get("/admin/billing/posting/", {"q": term}).context["cl"].result_list
    assert [posting.idempotency_key for posting in found] == ["top_up:opening:Harbour Café"]


def test_a_version_is_put_in_force_and_taken_back(admin_client: Client) -> None:
    first = a_deck({"44": "0.06"})
    second = a_deck({"44": "0.05"}, activate=False)
    path = f"/admin/billing/ratedeck/{first.deck.pk}/in-force/"
    admin_client.post(path, {"version": "2"})
    assert RateDeck.objects.get().active_version == second
    admin_client.post(path, {"version": "before"})
    assert RateDeck.objects.get().active_version == first
    assert [entry.change_message for entry in LogEntry.objects.order_by("id")] == [
        "retail (USD) #2 is in force.", "retail (USD) #1 is in force again.",
    ]  # fmt: skip


@pytest.mark.parametrize("version", ["", "7", "x", "-1"])
def test_a_version_there_is_not_is_refused_politely(admin_client: Client, version: str) -> None:
    deck = a_deck({"44": "0.06"}).deck
    response = admin_client.post(f"/admin/billing/ratedeck/{deck.pk}/in-force/", {"version": version}, follow=True)
    assert "has no version" in response.content.decode()


def test_who_may_only_look_puts_nothing_in_force(client: Client) -> None:
    deck = a_deck({"44": "0.06"}).deck
    staff(client, "view_ratedeck")
    assert client.post(f"/admin/billing/ratedeck/{deck.pk}/in-force/", {"version": "1"}).status_code == 403
    assert client.get("/admin/billing/ratedeck/load/").status_code == 403


def a_file(text: str) -> Any:
    file = io.BytesIO(text.encode())
    file.name = "prices.csv"
    return file


def test_a_file_becomes_a_version_that_is_not_in_force(admin_client: Client) -> None:
    rows = "prefix,destination,price_per_minute\n44,United Kingdom,0.06\n46,Sweden,0.03\n"
    data = {"name": "retail", "currency": "USD", "file": a_file(rows)}
    page = admin_client.post("/admin/billing/ratedeck/load/", data, follow=True).content.decode()
    assert "Loaded 2 rates" in page
    deck = RateDeck.objects.get(name="retail")
    assert (deck.active_version, deck.versions.get().source) == (None, "prices.csv")


def test_a_file_of_texts_becomes_a_deck_of_texts_that_no_wallet_can_choose(admin_client: Client) -> None:
    rows = "prefix,destination,price_each\n44,United Kingdom,0.05\n"
    data = {"name": "texts", "currency": "USD", "service": "texts", "file": a_file(rows)}
    assert "Loaded 1 rates" in admin_client.post("/admin/billing/ratedeck/load/", data, follow=True).content.decode()
    deck = RateDeck.objects.get()
    assert deck.service == "texts"
    page = admin_client.get("/admin/billing/ratedeck/").content.decode()
    assert "texts, by the segment" in page
    wallet = an_account().wallet
    response = admin_client.post(f"/admin/billing/wallet/{wallet.pk}/change/", {**NO_ALERTS, "deck": deck.pk})
    assert "Choose a deck of calls" in response.content.decode()


def test_a_file_that_cannot_be_used_says_which_line_and_loads_nothing(admin_client: Client) -> None:
    rows = "prefix,destination,price_per_minute\n44,United Kingdom,cheap\n"
    data = {"name": "retail", "currency": "USD", "file": a_file(rows)}
    response = admin_client.post("/admin/billing/ratedeck/load/", data)
    assert [line for line, _ in response.context["report"].refused] == [2]
    assert not RateDeck.objects.exists()


def test_rates_are_those_in_force_until_a_version_is_chosen(admin_client: Client) -> None:
    old = a_deck({"44": "0.06"})
    a_deck({"44": "0.05", "4420": "0.04", "46": "0.03"})

    def prefixes(**query: Any) -> list[str]:
        return [rate.prefix for rate in admin_client.get("/admin/billing/rate/", query).context["cl"].result_list]

    assert sorted(prefixes()) == ["44", "4420", "46"]
    assert prefixes(version__id__exact=old.pk) == ["44"]
    assert sorted(prefixes(q="44")) == ["44", "4420"]
    assert sorted(prefixes(q="+447700900123")) == ["44"]


def test_amounts_are_exact_and_read_like_money() -> None:
    assert money(Decimal("0.000001")) == "0.000001"
    assert money(Decimal("1234567.5"), "USD") == "1,234,567.50\u00a0USD"
    assert money(None) == "–"
    assert signed(Decimal("3")) == "+3.00"
    assert signed(Decimal("-3.1")) == "−3.10"
