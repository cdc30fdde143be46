"""Registering an app's user at the provider: which application, and whether the account may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from accounts.models import Account
from telephony.models import Application
from telephony.providers.base import Registration
from telephony.registry import PROVIDERS, voice

log = structlog.get_logger(__name__)


class AccountNotActive(Exception):
    """The account is suspended or closed: nobody registers for it."""


class CannotRegister(ValueError):
    """It is not clear where to register, or the provider has no tokens for this name."""


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A token for one of the account's users, and the application it is good at."""

    client_user: str
    application_key: str
    registration: Registration


def register(account: Account, name: str, now: datetime, *, application_key: str = "") -> Registered:
    """A token for the account's app user, made with the application's current secret.

    The application may be left out when there is only one. Raises ClientUser.DoesNotExist when the account has no such
    user, Application.DoesNotExist when there is no such application, AccountNotActive, CannotRegister.
    """
    client_user = account.client_users.get(name=name)
    if account.status != Account.Status.ACTIVE:
        raise AccountNotActive(f"This account is {account.status}, so its users cannot register.")
    application = _application(application_key)
    try:
        registration = voice(application.provider).registration_token(
            application.key, application.secret, client_user.name, now, application.remote_id
        )
    except ValueError as unusable:
        raise CannotRegister(str(unusable)) from unusable
    log.info("registration_token_made", account=account.pk, client_user=client_user.pk, application=application.pk)
    return Registered(client_user=client_user.name, application_key=application.key, registration=registration)


def _application(key: str) -> Application:
    """The enabled application with this key, however it is written; the only one when no key is given."""
    able = [name for name, provider in PROVIDERS.items() if provider.capabilities.registers_users]
    found = list(Application.objects.filter(enabled=True, provider__in=able))
    if key:
        found = [each for each in found if _is_same_key(each, key)]
        if not found:
            raise Application.DoesNotExist
    if len(found) != 1:
        raise CannotRegister(
            "There are several applications: say at which one." if found else "There is no application to register at."
        )
    return found[0]


def _is_same_key(application: Application, key: str) -> bool:
    normalise = PROVIDERS[application.provider].normalise_key
    return normalise(application.key) == normalise(key)
