"""A line's secrets: given once, replaced whole, and worth nothing once the line is revoked."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import pins
from accounts.models import CallerNumber, ClientUser
from accounts.registration import set_pin
from softphone import lines
from softphone.lines import Dialling, LineRefused
from softphone.models import Line, PushToken, Softphone
from tests.builders import an_access_number, an_account, an_application
from tests.softphone.scenes import a_line, a_softphone

pytestmark = pytest.mark.django_db

UK = "+447700900123"


def digest(line: Line) -> str:
    return ClientUser.objects.get(pk=line.client_user_id).pin_digest


def again(line: Line) -> Line:
    return lines.lines().get(pk=line.pk)


def a_push_token(line: Line) -> PushToken:
    return PushToken.objects.create(line=line, selector="A:1", other_token="dG9rZW4=", reported_at=timezone.now())


def test_a_new_line_has_secrets_of_its_own_that_need_no_escaping() -> None:
    account = an_account()
    first, second = a_line(account), a_line(account)
    for secret in (first.secret, first.token):
        assert re.fullmatch(r"[A-Za-z0-9_-]{32,}", secret)
    assert re.fullmatch("[0-9]{8}", first.pin)
    assert not {first.secret, first.token, first.pin} & {second.secret, second.token, second.pin}
    assert digest(first) == pins.digest_of_line_pin(account.pk, first.pin)
    assert (again(first).secret, again(first).revoked_at) == (first.secret, None)


def test_what_is_kept_of_the_secrets_is_ciphertext() -> None:
    line = a_line()
    with connection.cursor() as cursor:
        cursor.execute("SELECT l::text || u::text FROM softphone_line l JOIN accounts_clientuser u ON true")
        ((stored,),) = cursor.fetchall()
    for secret in (line.secret, line.token, line.pin):
        assert secret not in stored


def test_a_user_has_one_line() -> None:
    line = a_line()
    with pytest.raises(LineRefused, match="has a line already"):
        lines.give(line.client_user, line.softphone)
    assert again(line).secret == line.secret


def test_new_secrets_replace_all_of_the_old_ones_and_what_reported_with_them() -> None:
    line, other = a_line(), a_line()
    a_push_token(line)
    kept = a_push_token(other)
    old_digest = digest(line)
    new = lines.rotate(line, seen=lines.mark(line))
    assert not {new.secret, new.token, new.pin} & {line.secret, line.token, line.pin}
    assert digest(line) == pins.digest_of_line_pin(line.client_user.account_id, new.pin) != old_digest
    assert list(PushToken.objects.all()) == [kept]
    assert again(other).secret == other.secret


def test_a_page_that_is_out_of_date_replaces_nothing() -> None:
    line = a_line()
    seen = lines.mark(line)
    new = lines.rotate(line, seen=seen)
    with pytest.raises(LineRefused, match="changed meanwhile"):
        lines.rotate(line, seen=seen)
    assert again(line).secret == new.secret
    assert digest(line) == pins.digest_of_line_pin(line.client_user.account_id, new.pin)


def test_a_revoked_line_keeps_nothing_that_was_handed_out() -> None:
    line = a_line()
    a_push_token(line)
    revoked = lines.revoke(line)
    assert revoked.revoked_at is not None
    assert not {again(line).secret, again(line).token} & {line.secret, line.token}
    assert (again(line).pin, digest(line), PushToken.objects.count()) == ("", "", 0)
    assert lines.revoke(line).revoked_at == revoked.revoked_at


def test_a_revoked_line_is_restored_with_new_secrets() -> None:
    line = a_line()
    revoked = lines.revoke(line)
    restored = lines.rotate(revoked, seen=lines.mark(revoked))
    assert again(line).revoked_at is None
    assert not {restored.secret, restored.token, restored.pin} & {line.secret, line.token, line.pin}
    assert digest(line) == pins.digest_of_line_pin(line.client_user.account_id, restored.pin)


def test_a_page_from_before_the_revocation_restores_nothing() -> None:
    line = a_line()
    seen = lines.mark(line)
    lines.revoke(line)
    with pytest.raises(LineRefused, match="changed meanwhile"):
        lines.rotate(line, seen=seen)
    assert again(line).revoked_at is not None


def test_a_pin_is_that_of_no_other_line_of_the_account_and_not_the_accounts_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = an_account()
    other = a_line(account)
    set_pin(account, "00000007")
    drawn = iter([int(other.pin), 7, 12345678])
    monkeypatch.setattr("softphone.lines.secrets.randbelow", lambda _: next(drawn))
    assert a_line(account).pin == "12345678"


def test_a_change_that_fails_half_way_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    line = a_line()
    before = digest(line)

    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(Line, "save", full)
    for change in (lambda: lines.rotate(line, seen=lines.mark(line)), lambda: lines.revoke(line)):
        with pytest.raises(RuntimeError):
            change()
    assert (digest(line), again(line).secret) == (before, line.secret)


def test_the_callback_number_is_a_verified_one_of_the_same_account() -> None:
    account = an_account(numbers=[UK])
    number = account.caller_numbers.get()
    line = a_line(account, callback_number=number)
    assert line.callback_number == number == lines.find_callback_number(line.client_user, "+44 7700 900123")
    claimed = CallerNumber.objects.create(account=account, number="+447700900124")
    for wrong in (an_account(numbers=["+447700900125"]).caller_numbers.get(), claimed):
        with pytest.raises(LineRefused, match="not a verified number") as refused:
            a_line(account, callback_number=wrong)
        assert refused.value.field == "callback_number"
    for text in ("+447700900124", "+447700900125", "+447700900126"):
        with pytest.raises(LineRefused, match="not a verified number"):
            lines.find_callback_number(line.client_user, text)
    with pytest.raises(LineRefused, match="Begin the number with"):
        lines.find_callback_number(line.client_user, "07700 900123")


def test_a_number_that_is_one_users_telephone_rings_nobody_else_of_the_account() -> None:
    account = an_account(numbers=[UK])
    mine, theirs = a_line(account), a_line(account)
    account.caller_numbers.update(client_user=mine.client_user)
    lines.point(mine, callback_number=account.caller_numbers.get(), access_number=None)
    with pytest.raises(LineRefused, match="another user's"):
        lines.point(theirs, callback_number=account.caller_numbers.get(), access_number=None)


def test_an_access_number_has_to_be_offered_to_apps() -> None:
    application = an_application()
    offered = an_access_number(application, "+442079460101", is_offered=True, leads="nowhere")
    hidden = an_access_number(application, "+442079460102", leads="nowhere")
    line = a_line(access_number=lines.find_access_number("+442079460101"))
    assert line.access_number == offered
    with pytest.raises(LineRefused, match="not offered to apps"):
        lines.point(line, callback_number=None, access_number=hidden)
    with pytest.raises(LineRefused, match="not an access number of ours"):
        lines.find_access_number("+442079460103")


def test_a_line_is_pointed_elsewhere_without_new_secrets() -> None:
    account = an_account(numbers=[UK])
    offered = an_access_number(an_application(), is_offered=True, leads="nowhere")
    line = a_line(account, access_number=offered)
    offered.is_offered = False
    offered.save()
    lines.point(line, callback_number=account.caller_numbers.get(), access_number=again(line).access_number)
    assert (again(line).callback_number, again(line).secret) == (account.caller_numbers.get(), line.secret)
    lines.point(line, callback_number=None, access_number=None)
    assert (again(line).callback_number, again(line).access_number) == (None, None)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, Dialling(form="template", template="{access_number},1")),
        ({"dial_form": "access_number"}, Dialling(form="access_number", template="{access_number},1")),
        ({"dial_form": "template"}, Dialling(form="template", template="{access_number},1")),
        (
            {"dial_form": "template", "dial_template": "{access_number},2"},
            Dialling(form="template", template="{access_number},2"),
        ),
        ({"dial_template": "{access_number},2"}, Dialling(form="template", template="{access_number},1")),
    ],
)
def test_a_line_dials_as_its_app_unless_it_has_a_form_of_its_own(own: dict[str, str], expected: Dialling) -> None:
    app = Softphone(dial_form="template", dial_template="{access_number},1")
    assert lines.dialling_of(Line(softphone=app, **own)) == expected


def test_a_line_is_found_by_the_name_of_its_user() -> None:
    line = a_line(name="ana", softphone=a_softphone())
    assert lines.find_line("ana") == line
    with pytest.raises(LineRefused, match="'nobody' has no line"):
        lines.find_line("nobody")
