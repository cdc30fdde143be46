"""The two commands by which staff set up an app and give lines in it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account, ClientUser
from softphone import lines
from softphone.models import Line, Softphone
from tests.builders import an_access_number, an_account, an_application
from tests.softphone.scenes import a_softphone

pytestmark = pytest.mark.django_db

UK = "+447700900123"


@pytest.fixture
def account() -> Account:
    return an_account("Harbour", client_user="ana", numbers=[UK])


def run(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def said(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_line_is_given_shown_renewed_and_revoked(account: Account) -> None:
    a_softphone("lusitel")
    an_access_number(an_application(), "+442079460101", is_offered=True, leads="nowhere")
    given = run("give_line", "ana", "--callback-number", "+44 7700 900123", "--access-number", "+442079460101")
    line = Line.objects.get()
    assert given == {
        "client_user": "ana", "account": "Harbour", "app": "lusitel", "secret": line.secret, "token": line.token,
        "pin": line.pin, "callback_number": UK, "access_number": "+442079460101", "revoked": False,
    }  # fmt: skip
    assert run("give_line", "ana", "--show") == given
    renewed = run("give_line", "ana", "--rotate")
    assert all(renewed[name] != given[name] for name in ("secret", "token", "pin"))
    assert renewed["callback_number"] == UK
    revoked = run("give_line", "ana", "--revoke")
    assert (revoked["revoked"], revoked["secret"], revoked["token"], revoked["pin"]) == (True, "", "", "")
    assert run("give_line", "ana", "--show") == revoked
    restored = run("give_line", "ana", "--rotate")
    assert (restored["revoked"], restored["secret"]) == (False, Line.objects.get().secret)


def test_a_person_reads_the_secrets_of_a_line_and_that_a_revoked_one_has_none(account: Account) -> None:
    a_softphone("lusitel")
    text = said("give_line", "ana")
    line = Line.objects.get()
    assert text.startswith("ana of Harbour, app lusitel: ")
    assert all(secret in text for secret in (line.secret, line.token, line.pin))
    assert said("give_line", "ana", "--revoke") == "ana of Harbour, app lusitel: revoked\n"


def test_a_line_is_in_the_app_that_is_named(account: Account) -> None:
    a_softphone("lusitel")
    a_softphone("other")
    assert run("give_line", "ana", "--app", "other")["app"] == "other"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["bea"], "There is no app user 'bea': add one to an account first."),
        (["ana", "--app", "none"], "There is no app called 'none': add it with add_softphone."),
        (["ana", "--rotate"], "The app user 'ana' has no line: give it one."),
        (["ana", "--show", "--app", "lusitel"], "A line stays in its app: --app is for a new one."),
        (["ana", "--callback-number", "+447700900124"],
         lines.NOT_THEIRS),
        (["ana", "--access-number", "+447700900124"], "This is not an access number of ours: add it first."),
        (["ana", "--callback-number", "mum"],
         "A number has only digits, blanks, dots, brackets and hyphens after its plus."),
    ],
)  # fmt: skip
def test_what_cannot_be_given_is_said_in_one_sentence(account: Account, words: list[str], sentence: str) -> None:
    a_softphone("lusitel")
    with pytest.raises(CommandError) as refused:
        call_command("give_line", *words)
    assert str(refused.value) == sentence
    assert not Line.objects.exists()


def test_without_an_app_there_is_no_line(account: Account) -> None:
    with pytest.raises(CommandError, match="There is no default app: add it"):
        call_command("give_line", "ana")
    a_softphone()
    call_command("give_line", "ana", stdout=StringIO())
    with pytest.raises(CommandError, match="ana has a line already"):
        call_command("give_line", "ana")
    assert ClientUser.objects.get().line


def test_an_app_is_added_and_changed_by_what_is_given() -> None:
    added = run(
        "add_softphone", "lusitel", "--title", "Lusitel", "--default", "--proofs", "token,digest", "--language", "es",
        "--reply-format", "json", "--dial-form", "template", "--dial-template", "{access_number},,{destination}#",
        "--parameter", "target=callee,to", "--parameter", "username=login", "--sip-host", "sip.example.com",
        "--sip-transport", "tls", "--least-rate-digits", "4", "--balance-interval", "60", "--legacy-messages",
    )  # fmt: skip
    app = Softphone.objects.get()
    assert added == {
        "name": "lusitel", "new": True, "title": "Lusitel", "is_default": True, "proofs": ["token", "digest"],
        "salted_order": "{nonce}{secret}", "parameter_names": {"target": ["callee", "to"], "username": ["login"]},
        "reply_format": "json", "language": "es", "dial_form": "template",
        "dial_template": "{access_number},,{destination}#", "callback_order": "caller_first",
        "balance_interval_seconds": 60, "least_rate_digits": 4, "has_legacy_messages": True,
        "sip_host": "sip.example.com", "sip_transport": "tls",
    }  # fmt: skip
    changed = run("add_softphone", "lusitel", "--reply-format", "as-asked")
    assert changed == {**added, "new": False, "reply_format": ""}
    assert Softphone.objects.get() == app
    assert said("add_softphone", "lusitel") == "app lusitel (Lusitel), the default: proved by token, digest\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "title: This field cannot be blank."),
        (["--title", "L", "--proofs", "trust"], "proofs: Proofs are token, password, sha1, salted, digest, each once."),
        (["--title", "L", "--dial-form", "template"], "dial_template: A dial template dials {access_number}"),
        (["--title", "L", "--parameter", "x=y"], "parameter_names: Only these may have names of your own"),
        (["--title", "L", "--sip-host", "no host"], "sip_host: A SIP host is a name or an address"),
    ],
)
def test_an_app_that_cannot_work_is_refused_in_one_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("add_softphone", "lusitel", *words)
    assert str(refused.value).startswith(sentence)
    assert not Softphone.objects.exists()


def test_a_name_of_ones_own_is_written_behind_ours() -> None:
    with pytest.raises(CommandError, match="is not our name, an equals sign and yours: target=callee"):
        call_command("add_softphone", "lusitel", "--title", "L", "--parameter", "callee")
