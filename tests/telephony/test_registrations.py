"""Registering an app's user: which application is meant, and who may."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Account, ClientUser
from telephony.models import Application
from telephony.registrations import AccountNotActive, CannotRegister, register
from telephony.registry import PROVIDERS
from tests.builders import an_account, an_application

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return an_account(client_user="alice")


def test_the_only_application_is_meant_when_none_is_named(account: Account) -> None:
    application = an_application()
    registered = register(account, "alice", timezone.now())
    assert (registered.client_user, registered.application_key) == ("alice", application.key)
    assert registered.registration.token not in repr(registered)


def test_a_user_of_somebody_else_is_nobody(account: Account) -> None:
    an_application()
    an_account(client_user="bob")
    for name in ("bob", "nobody", ""):
        with pytest.raises(ClientUser.DoesNotExist):
            register(account, name, timezone.now())


def test_an_application_that_is_not_there_is_not_replaced_by_the_one_that_is(account: Account) -> None:
    an_application()
    with pytest.raises(Application.DoesNotExist):
        register(account, "alice", timezone.now(), application_key="another")


def test_without_exactly_one_application_it_is_not_clear_where(account: Account) -> None:
    with pytest.raises(CannotRegister, match="no application"):
        register(account, "alice", timezone.now())
    an_application()
    an_application()
    with pytest.raises(CannotRegister, match="several"):
        register(account, "alice", timezone.now())


def test_an_account_that_is_not_active_does_not_register(account: Account) -> None:
    an_application()
    account.status = Account.Status.SUSPENDED
    with pytest.raises(AccountNotActive, match="suspended"):
        register(account, "alice", timezone.now())


def test_some_provider_registers_users() -> None:
    assert any(provider.capabilities.registers_users for provider in PROVIDERS.values())
