"""`manage.py verify_number`: start, then hand in the proof."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from telephony import registry
from telephony.models import Verification
from tests.builders import a_deck, an_account, an_application
from tests.telephony.verification_scenes import CODE, NUMBER, Desk, begun, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setitem(registry.PROVIDERS, "sinch", Desk())
    an_application()
    a_deck({"46": "0.05"}, service="verifications")
    return an_account("Harbour Café", balance="5.00")


def run(*arguments: str) -> dict[str, str]:
    out = StringIO()
    call_command("verify_number", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_number_is_verified_by_two_commands(account: Account) -> None:
    said = run("Harbour Café", "+46 70 174 06 05", "--method", "callout", "--reference", "signup 77")
    assert said == {
        "id": str(Verification.objects.get().pk),
        "number": NUMBER,
        "method": "callout",
        "status": "pending",
        "reason": "",
        "reference": "signup 77",
        "currency": "",
        "price": "0.000000",
    }
    work()
    said = run("Harbour Café", NUMBER, "--code", CODE)
    assert (said["status"], said["currency"], said["price"]) == ("successful", "USD", "0.050000")
    assert account.caller_numbers.get().number == NUMBER


def test_the_id_says_which_one_is_meant(account: Account) -> None:
    first = begun(account)
    Verification.objects.update(created_at="2026-01-01T00:00:00Z")
    begun(account)
    with pytest.raises(CommandError, match="has expired"):
        run("Harbour Café", NUMBER, "--code", CODE, "--id", str(first.pk))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["Nobody", NUMBER], "There is no account called 'Nobody'"),
        (["Harbour Café", "12"], "Begin the number with"),
        (["Harbour Café", "+12025550123"], "There is no price for verifying this number"),
        (["Harbour Café", NUMBER, "--code", CODE], "No verification of this number was started"),
        (["Harbour Café", NUMBER, "--code", CODE, "--id", "7"], "'7' is not the id of a verification"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(account: Account, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)


def test_people_get_a_line(account: Account) -> None:
    out = StringIO()
    call_command("verify_number", "Harbour Café", NUMBER, stdout=out)
    assert out.getvalue() == f"{Verification.objects.get().pk}: {NUMBER} by sms, pending\n"
