"""Our applications in memory: found without a query, changed while callbacks come in."""

from __future__ import annotations

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from telephony.applications import KEYRINGS, Keyring, add_application
from telephony.models import Application
from telephony.registry import PROVIDERS
from tests.builders import A_SECRET, an_account, an_application

OTHER_SECRET = "AAECAwQFBgcICQoLDA0ODw=="
A_KEY = "00000000-AAAA-4000-8000-000000000001"


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(PROVIDERS["sinch"])


def found(keyring: Keyring, key: str = A_KEY) -> object:
    return keyring.find(PROVIDERS["sinch"].normalise_key(key))


@pytest.mark.django_db
def test_a_keyring_that_was_never_read_knows_nobody_and_asks_nobody(keyring: Keyring) -> None:
    add_application("sinch", key=A_KEY, secret=A_SECRET)
    threads = threading.active_count()
    assert found(keyring) is None
    assert threading.active_count() == threads


@pytest.mark.django_db(transaction=True)
def test_looking_for_an_application_opens_no_connection(keyring: Keyring) -> None:
    add_application("sinch", key=A_KEY, secret=A_SECRET)
    keyring.load()
    connection.close()
    assert found(keyring) is not None
    assert found(keyring, "99999999-0000-4000-8000-000000000001") is None
    assert connection.connection is None


@pytest.mark.django_db
def test_a_new_application_is_known_after_the_next_reading(keyring: Keyring) -> None:
    keyring.load()
    application = add_application("sinch", key=A_KEY, secret=A_SECRET)
    assert found(keyring) is None
    keyring.load()
    credentials = keyring.find("00000000aaaa40008000000000000001")
    assert credentials is not None
    assert (credentials.application_id, credentials.secrets) == (application.pk, (A_SECRET,))
    assert keyring.application(application.pk).key == A_KEY


@pytest.mark.django_db
def test_s4_during_a_rotation_the_new_secret_comes_first_and_the_old_one_is_still_good(keyring: Keyring) -> None:
    add_application("sinch", key=A_KEY, secret=A_SECRET)
    add_application("sinch", key=A_KEY, secret=OTHER_SECRET, previous_secret=A_SECRET)
    keyring.load()
    assert found(keyring).secrets == (OTHER_SECRET, A_SECRET)
    add_application("sinch", key=A_KEY, secret=OTHER_SECRET)
    keyring.load()
    assert found(keyring).secrets == (OTHER_SECRET,)
    assert Application.objects.count() == 1


@pytest.mark.django_db
def test_a_disabled_application_is_unknown_but_a_callback_on_its_way_is_finished(keyring: Keyring) -> None:
    application = add_application("sinch", key=A_KEY, secret=A_SECRET)
    keyring.load()
    Application.objects.update(enabled=False)
    keyring.load()
    assert found(keyring) is None
    assert keyring.application(application.pk).key == A_KEY


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("key", " ", "The application key is missing."),
        ("secret", "", "The secret is missing: without it no callback can be proved."),
        ("secret", "%%%", "The application secret is not base64."),
        ("previous_secret", "%%%", "The application secret is not base64."),
        ("base_url", "ftp://example.com", "The REST API's address must begin with https://, or http:// for a sandbox."),
        ("provider", "nobody", "There is no provider called 'nobody'."),
    ],
)
def test_s5_a_half_configured_application_is_told_what_is_missing(field: str, value: str, problem: str) -> None:
    application = Application(provider="sinch", key=A_KEY, secret=A_SECRET)
    application.clean()
    setattr(application, field, value)
    with pytest.raises(ValidationError) as refused:
        application.clean()
    assert refused.value.message_dict == {field: [problem]}


@pytest.mark.django_db
def test_s5_a_half_configured_application_is_not_registered() -> None:
    with pytest.raises(ValidationError) as refused:
        add_application("sinch", key=A_KEY, secret="%%%")
    assert set(refused.value.message_dict) == {"secret"}
    assert not Application.objects.exists()


@pytest.mark.django_db
def test_a_secret_is_ciphertext_in_the_database() -> None:
    application = an_application(secret=A_SECRET, previous_secret=OTHER_SECRET)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, previous_secret FROM telephony_application")
        stored = cursor.fetchone()
    assert A_SECRET not in stored
    assert OTHER_SECRET not in stored
    application.refresh_from_db()
    assert (application.secret, application.previous_secret) == (A_SECRET, OTHER_SECRET)


@pytest.mark.django_db
def test_what_a_use_case_needs_of_an_application_is_kept() -> None:
    account = an_account()
    application = an_application(default_account=account, caller_id="+442079460900")
    kept = KEYRINGS["sinch"].application(application.pk)
    assert (kept.default_account_id, kept.caller_id, kept.provider) == (account.pk, "+442079460900", "sinch")


@pytest.mark.django_db
def test_a_token_that_somebody_knows_is_renewed_and_otherwise_kept() -> None:
    first = an_application("sift", key="3bb34721cbe2e221").callback_token
    assert an_application("sift", key="3bb34721cbe2e221").callback_token == first
    renewed = an_application("sift", key="3bb34721cbe2e221", renews_token=True).callback_token
    assert renewed != first
    assert len(renewed) == 43
    assert KEYRINGS["sift"].find_by_token(first) is None
    assert KEYRINGS["sift"].find_by_token(renewed) is not None
