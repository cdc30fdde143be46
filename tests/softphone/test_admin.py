"""Apps and lines for staff: what works is kept, secrets are shown once, and who may only look changes nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils.html import escape

from accounts.models import Account, User
from softphone import lines
from softphone.models import Line, Softphone
from tests.builders import an_access_number, an_account, an_application
from tests.softphone.scenes import a_line, a_softphone

pytestmark = pytest.mark.django_db

APPS, LINES = "/admin/softphone/softphone/", "/admin/softphone/line/"
UK = "+447700900123"
GIVEN = {
    "name": "lusitel", "title": "Lusitel", "is_default": "on", "language": "es", "reply_format": "",
    "parameter_names": '{"username": ["login"]}', "proofs": ["token", "digest"], "salted_order": "{nonce}{secret}",
    "dial_form": "access_number", "dial_template": "", "callback_order": "caller_first",
    "balance_interval_seconds": "300", "least_rate_digits": "3", "sip_host": "", "sip_transport": "udp",
}  # fmt: skip


@pytest.fixture
def account() -> Account:
    return an_account("Harbour Café", client_user="ana", numbers=[UK])


@pytest.fixture
def softphone() -> Softphone:
    return a_softphone("lusitel", title="Lusitel")


@pytest.fixture
def line(softphone: Softphone) -> Line:
    return a_line(an_account("Mole", numbers=["+447700900124"]), name="bea", softphone=softphone)


@pytest.fixture
def admin_client(client: Client) -> Client:
    """As pytest-django's, without the slow hash of a password that nobody types in."""
    client.force_login(User.objects.create_superuser("staff@example.com"))
    return client


@pytest.fixture
def support(client: Client) -> Client:
    """Staff who may look and nothing else."""
    person = User.objects.create_user("support@example.com", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=["view_line", "view_softphone"]))
    client.force_login(person)
    return client


def again(line: Line) -> Line:
    return lines.lines().get(pk=line.pk)


def seen_on(admin_client: Client, path: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', admin_client.get(path).content.decode())
    assert found is not None
    return found[1]


def holds_no_secret(page: Any, line: Line) -> bool:
    return not any(secret in page.content.decode() for secret in (line.secret, line.token, line.pin))


# --- apps ------------------------------------------------------------------------------------------------------------


def test_staff_add_an_app_and_change_it(admin_client: Client) -> None:
    before = a_softphone("before")
    assert admin_client.post(f"{APPS}add/", GIVEN).status_code == 302
    made = Softphone.objects.get(name="lusitel")
    assert (made.proofs, made.parameter_names, made.language) == (["token", "digest"], {"username": ["login"]}, "es")
    before.refresh_from_db()
    assert (made.is_default, before.is_default) == (True, False)
    changed = {**GIVEN, "proofs": ["sha1"], "parameter_names": ""}
    assert admin_client.post(f"{APPS}{made.pk}/change/", changed).status_code == 302
    made.refresh_from_db()
    assert made.proofs == ["sha1"]
    assert "sha1" in admin_client.get(APPS).content.decode()


def test_the_ways_of_proof_are_boxes_with_the_chosen_ones_ticked(admin_client: Client, softphone: Softphone) -> None:
    page = admin_client.get(f"{APPS}{softphone.pk}/change/").content.decode()
    assert re.findall(r'type="checkbox" name="proofs" value="(\w+)"[^>]*checked', page) == ["token"]
    assert len(re.findall(r'type="checkbox" name="proofs"', page)) == 5


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"proofs": []}, "This field is required."),
        ({"proofs": ["trust"]}, "Select a valid choice"),
        ({"parameter_names": "{"}, "Enter a valid JSON."),
        ({"parameter_names": '{"secret": ["s"]}'}, "Only these may have names of your own"),
        ({"salted_order": "{nonce}"}, "The order needs both {nonce} and {secret}."),
        ({"dial_form": "template"}, "A dial template dials {access_number} somewhere"),
        ({"dial_template": "{access_number}<script>"}, "A dial template has only 0-9"),
        ({"sip_host": "no host"}, "A SIP host is a name or an address"),
        ({"title": ""}, "This field is required."),
        ({"least_rate_digits": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_setting_that_cannot_work_is_said_at_its_field(
    admin_client: Client, changes: dict[str, Any], sentence: str
) -> None:
    answer = admin_client.post(f"{APPS}add/", {**GIVEN, **changes})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert escape(sentence) in page
    assert page.count('class="errorlist"') == 1
    assert not Softphone.objects.exists()


# --- lines -----------------------------------------------------------------------------------------------------------


def test_staff_give_a_line_and_see_its_secrets_once(
    admin_client: Client, account: Account, softphone: Softphone
) -> None:
    access = an_access_number(an_application(), is_offered=True, leads="nowhere")
    assert admin_client.get(f"{LINES}add/").status_code == 200
    given = {"client_user": "ana", "softphone": softphone.pk, "callback_number": "+44 7700 900123",
             "access_number": access.pk}  # fmt: skip
    answer = admin_client.post(f"{LINES}add/", given)
    made = Line.objects.get()
    assert all(f"<code>{secret}</code>" in answer.content.decode() for secret in (made.secret, made.token, made.pin))
    assert "no-store" in answer["Cache-Control"]
    assert (made.callback_number, made.access_number) == (account.caller_numbers.get(), access)
    for path in (LINES, f"{LINES}{made.pk}/change/", f"{LINES}{made.pk}/history/", f"{LINES}{made.pk}/rotate/",
                 f"{LINES}{made.pk}/revoke/", f"{LINES}?q=ana", f"{LINES}?state=on"):  # fmt: skip
        page = admin_client.get(path)
        assert page.status_code == 200
        assert "ana" in page.content.decode()
        assert holds_no_secret(page, made)
    assert "ana" not in admin_client.get(f"{LINES}?state=revoked").content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"client_user": "nobody"}, "There is no app user of this name"),
        ({"client_user": "bea"}, "bea has a line already"),
        ({"callback_number": "+447700900199"}, "This is not a verified number of the account"),
        ({"callback_number": "mum"}, "A number has only digits"),
        ({"access_number": "0"}, "Select a valid choice"),
        ({"softphone": ""}, "This field is required."),
    ],
)
def test_a_line_that_cannot_be_given_is_said_at_its_field(
    admin_client: Client, account: Account, softphone: Softphone, line: Line, changes: dict[str, str], sentence: str
) -> None:
    given = {"client_user": "ana", "softphone": softphone.pk, **changes}
    answer = admin_client.post(f"{LINES}add/", given)
    assert answer.status_code == 200
    assert escape(sentence) in answer.content.decode()
    assert list(Line.objects.all()) == [line]


def test_new_secrets_are_asked_about_first_and_shown_once(admin_client: Client, line: Line) -> None:
    path = f"{LINES}{line.pk}/rotate/"
    seen = seen_on(admin_client, path)
    assert again(line).secret == line.secret, "a look changes nothing"
    page = admin_client.post(path, {"seen": seen})
    renewed = again(line)
    assert renewed.secret != line.secret
    assert f"<code>{renewed.secret}</code>" in page.content.decode()
    late = admin_client.post(path, {"seen": seen}, follow=True).content.decode()
    assert "changed meanwhile" in late
    assert again(line).secret == renewed.secret


def test_a_line_is_revoked_and_restored(admin_client: Client, line: Line) -> None:
    admin_client.get(f"{LINES}{line.pk}/revoke/")
    assert again(line).revoked_at is None, "a look changes nothing"
    page = admin_client.post(f"{LINES}{line.pk}/revoke/", follow=True).content.decode()
    assert "is revoked" in page
    assert "Restore with new secrets" in page
    assert again(line).revoked_at is not None
    path = f"{LINES}{line.pk}/rotate/"
    admin_client.post(path, {"seen": seen_on(admin_client, path)})
    assert again(line).revoked_at is None
    said = [entry.change_message for entry in LogEntry.objects.order_by("pk")]
    assert said == ["Revoked.", "Restored with new secrets."]


def test_a_line_dials_in_a_way_of_its_own(admin_client: Client, line: Line) -> None:
    path = f"{LINES}{line.pk}/change/"
    number = line.client_user.account.caller_numbers.get()
    given = {"dial_form": "template", "dial_template": "{access_number},,{destination}", "callback_number": number.pk}
    assert admin_client.post(path, given).status_code == 302
    changed = again(line)
    assert (changed.dial_form, changed.dial_template) == ("template", "{access_number},,{destination}")
    assert (changed.callback_number, changed.secret) == (number, line.secret)
    for wrong in ({"dial_form": "template"}, {"dial_template": "tel:{access_number}"}, {"callback_number": "0"}):
        assert admin_client.post(path, wrong).status_code == 200
    assert again(line).dial_template == changed.dial_template
    assert admin_client.post(path, {"dial_form": ""}).status_code == 302
    assert (again(line).dial_form, again(line).callback_number) == ("", None)


def test_nobody_removes_a_line(admin_client: Client, line: Line) -> None:
    assert admin_client.post(f"{LINES}{line.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Line.objects.exists()


def test_who_may_only_look_sees_no_secret_and_changes_nothing(
    support: Client, account: Account, softphone: Softphone, line: Line
) -> None:
    for path in (LINES, f"{LINES}{line.pk}/change/", APPS, f"{APPS}{softphone.pk}/change/"):
        page = support.get(path)
        assert page.status_code == 200
        assert holds_no_secret(page, line)
    assert "New secrets" not in support.get(f"{LINES}{line.pk}/change/").content.decode()
    posts = {
        f"{LINES}add/": {"client_user": "ana", "softphone": softphone.pk},
        f"{LINES}{line.pk}/change/": {"dial_form": "access_number"},
        f"{LINES}{line.pk}/rotate/": {"seen": lines.mark(line)},
        f"{LINES}{line.pk}/revoke/": {},
        f"{APPS}{softphone.pk}/change/": GIVEN,
        f"{APPS}add/": GIVEN,
    }
    for path, given in posts.items():
        assert support.post(path, given).status_code == 403
    assert (again(line).secret, again(line).revoked_at, again(line).dial_form) == (line.secret, None, "")
    assert Line.objects.count() == 1


@pytest.mark.parametrize("what", ["change", "rotate", "revoke"])
def test_a_line_that_is_not_there_is_not_found(admin_client: Client, what: str) -> None:
    for id in ("0", "9" * 30):
        answer = admin_client.get(f"{LINES}{id}/{what}/", follow=True)
        assert answer.status_code == (200 if what == "change" else 404)
        assert what != "change" or escape("doesn’t exist") in answer.content.decode()
