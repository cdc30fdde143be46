"""Notices: said once, read until somebody dismisses them, and never by anybody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import notices
from accounts.models import Notice, User
from accounts.notices import Level
from postgres.work import in_one_transaction
from tests.builders import an_account

pytestmark = pytest.mark.django_db


def test_a_notice_is_said_once_for_its_key() -> None:
    account = an_account()
    for text in ("first", "second"):
        notices.tell(account.pk, "alert:1", text, Level.WARNING)
    (notice,) = notices.to_see(account)
    assert (notice.text, notice.level) == ("first", "warning")
    assert notices.to_see(None) == []


@pytest.mark.django_db(transaction=True)
def test_a_notice_belongs_to_the_transaction_that_has_a_reason_for_it() -> None:
    def work() -> None:
        notices.tell(None, "kept", "kept")

    in_one_transaction(work)

    def undone() -> None:
        notices.tell(None, "undone", "undone")
        raise LookupError

    with pytest.raises(LookupError):
        in_one_transaction(undone)
    assert [notice.key for notice in notices.to_see(None)] == ["kept"]


def test_a_notice_is_one_line_of_bounded_length() -> None:
    notices.tell(None, "long", "a\nb\u202e" + "x" * 600)
    (notice,) = notices.to_see(None)
    assert notice.text.startswith("a b x")
    assert len(notice.text) == 500
    assert notice.text.endswith("…")
    with pytest.raises(ValueError, match="at most 120"):
        notices.tell(None, "k" * 121, "text")


def test_a_reminder_is_said_anew_when_the_last_one_is_old_enough_dismissed_or_not() -> None:
    now, day = timezone.now(), timedelta(hours=24)

    def remind(text: str, hours: float) -> bool:
        return notices.remind(None, "low", text, Level.WARNING, now=now + timedelta(hours=hours), every=day)

    assert remind("first", 0)
    assert not remind("second", 23.9)
    (notice,) = notices.to_see(None)
    assert notice.text == "first"
    assert notices.dismiss(None, notice.pk, now)
    assert not remind("third", 1)
    assert notices.to_see(None) == []
    assert remind("fourth", 24)
    assert [n.text for n in notices.to_see(None)] == ["fourth"]
    assert Notice.objects.count() == 1


def test_the_newest_notices_are_on_the_home_page_until_they_are_dismissed(client: Client) -> None:
    account = an_account()
    notices.tell(account.pk, "one", "Your <b>balance</b> is low", Level.WARNING)
    client.force_login(User.objects.create_user("owner@example.com", account=account))
    page = client.get("/").content.decode()
    assert "Your &lt;b&gt;balance&lt;/b&gt; is low" in page
    (notice,) = notices.to_see(account)
    assert client.post(f"/accounts/notices/{notice.pk}/dismiss/").headers["Location"] == "/"
    assert "is low" not in client.get("/").content.decode()


def test_nobody_dismisses_somebody_elses_notice(client: Client) -> None:
    account, other = an_account(), an_account()
    notices.tell(account.pk, "one", "low")
    notices.tell(None, "staff", "for staff")
    client.force_login(User.objects.create_user("other@example.com", account=other))
    for notice in Notice.objects.all():
        client.post(f"/accounts/notices/{notice.pk}/dismiss/")
    assert Notice.objects.filter(dismissed_at=None).count() == 2
    assert client.get(f"/accounts/notices/{notice.pk}/dismiss/").status_code == 405
