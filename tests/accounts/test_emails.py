"""An e-mail is promised once and sent until the mail server has taken or refused it; a copy is recognised."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.test import override_settings
from django.utils import timezone

from accounts import emails
from accounts.emails import WAITS, EmailErrand
from outbox import performing, rows
from outbox.errands import Absent, Done, Refused, TryAgain
from outbox.models import Row
from postgres.work import in_one_transaction
from tests.accounts.mail_server import a_mail_server

pytestmark = pytest.mark.django_db

LETTER = emails.Letter(message_id="<abc@example.com>", to="owner@example.com", subject="Low", body="4.97 USD")


def promise(key: str = "alert:1", to: str = "owner@example.com", subject: str = "Your balance is low") -> None:
    emails.promise(key, to, subject, "4.97 USD are left.")


def carry_out() -> Row:
    Row.objects.filter(state="retry").update(due_at=timezone.now())
    for id in in_one_transaction(lambda: rows.lease(timezone.now(), 10)):
        performing.perform(id)
    return Row.objects.get()


def test_a_promised_letter_reaches_the_mail_server_whole() -> None:
    promise(subject="Your balance is low: 4.97 USD")
    with override_settings(DEFAULT_FROM_EMAIL="Ringfence <billing@example.com>"), a_mail_server() as mail:
        assert carry_out().state == "done"
    (letter,) = mail.letters
    assert (letter["To"], letter["From"]) == ("owner@example.com", "Ringfence <billing@example.com>")
    assert letter["Subject"] == "Your balance is low: 4.97 USD"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].endswith("@example.com>")
    assert str(letter.get_payload()).strip() == "4.97 USD are left."
    assert [line.upper() for line in mail.recipients] == ["RCPT TO:<OWNER@EXAMPLE.COM>"]


def test_the_same_letter_is_promised_once_for_each_address() -> None:
    promise()
    promise()
    promise(to="books@example.com")
    promise("alert:2")
    assert Row.objects.count() == 3


def test_a_letter_whose_answer_was_lost_is_sent_again_under_the_same_message_id() -> None:
    promise()
    with a_mail_server(hangs_up_after="END") as mail:
        row = carry_out()
        assert (row.state, row.failures) == ("retry", 1)
        mail.hangs_up_after = ""
        assert carry_out().state == "done"
    assert len(mail.letters) == 2
    assert len({letter["Message-ID"] for letter in mail.letters}) == 1


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"RCPT": "550 5.1.1 no such person"}, "The mail server answered 550: 5.1.1 no such person"),
        ({"END": "554 5.7.1 looks like spam"}, "The mail server answered 554: 5.7.1 looks like spam"),
    ],
)
def test_what_the_server_refuses_for_good_is_not_tried_again(answers: dict[str, str], why: str) -> None:
    with a_mail_server(answers):
        assert EmailErrand().act(LETTER) == Refused(why)


@pytest.mark.parametrize(
    "answers",
    [
        {"RCPT": "450 4.2.1 try later"},
        {"END": "451 4.3.0 try later"},
        {"CONNECT": "554 not at home"},
        {"MAIL": "550 5.7.1 this sender may not"},
        {"RCPT": "421 going down"},
    ],
)
def test_what_may_be_better_later_is_tried_again(answers: dict[str, str]) -> None:
    with a_mail_server(answers):
        assert isinstance(EmailErrand().act(LETTER), TryAgain)


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        where = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": nobody.getsockname()[1]}
        with override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", **where):
            assert isinstance(EmailErrand().act(LETTER), TryAgain)


def test_without_a_mail_server_letters_are_files(tmp_path: Path) -> None:
    promise()
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.filebased.EmailBackend", EMAIL_FILE_PATH=tmp_path):
        assert carry_out().state == "done"
    (file,) = tmp_path.iterdir()
    assert "4.97 USD are left." in file.read_text()


def test_no_subject_can_smuggle_in_another_header(settings: LazySettings) -> None:
    promise(subject="Low\r\nBcc: everybody@example.com\n\u2028x")
    with a_mail_server() as mail:
        assert carry_out().state == "done"
    assert mail.letters[0]["Bcc"] is None
    assert mail.letters[0]["Subject"] == "Low Bcc: everybody@example.com x"


@pytest.mark.parametrize("to", ["", "nobody", "a@example.com, b@example.com", "a@example.com\nBcc: b@example.com"])
def test_what_is_no_address_is_refused_before_anything_is_promised(to: str) -> None:
    with pytest.raises(ValidationError):
        promise(to=to)
    assert not Row.objects.exists()


def test_a_server_that_stays_away_is_given_up_after_about_a_day() -> None:
    errand = EmailErrand()
    waits = [errand.next_try(failures) for failures in range(1, len(WAITS) + 2)]
    assert waits == [*WAITS, None]
    assert 24 < sum(wait.total_seconds() for wait in WAITS) / 3600 < 48
    assert isinstance(errand.look_up(LETTER), Absent)
    assert Done() == Done()
