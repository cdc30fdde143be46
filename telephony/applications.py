"""Our applications at the providers, kept in memory so that a callback is proved without a database query."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.urls import reverse

from accounts.models import Account
from postgres.deadline import deadline
from postgres.encrypted import decrypted
from postgres.statements import Answer, ask
from telephony.models import Application
from telephony.models.applications import new_token
from telephony.providers.base import Access, Adapter, Capabilities, Credentials
from telephony.registry import PROVIDERS

log = structlog.get_logger(__name__)

REFRESH_SECONDS = 2.0

_USUAL_ADDRESSES: Mapping[str, str] = defaultdict(
    str,
    sinch="https://calling.api.sinch.com",
    sinch_sms="https://us.sms.api.sinch.com",
    voximplant="https://api.voximplant.com",
    sift="https://api.gridspace.com",
)


@dataclass(frozen=True)
class KnownApplication:
    """What a callback's use case needs of its application. `able` is what its provider can be told."""

    id: int
    provider: str
    key: str
    default_account_id: int | None
    caller_id: str

    @property
    def able(self) -> Capabilities:
        return PROVIDERS[self.provider].capabilities


class Keyring:
    """One provider's enabled applications in memory.

    Read by a thread of its own, never by a request: a request that proves nothing touches no table. A change made
    elsewhere is seen after at most REFRESH_SECONDS; during a rotation both secrets are accepted, so no callback is
    refused meanwhile.
    """

    def __init__(self, provider: Adapter) -> None:
        self._provider = provider
        self._credentials: dict[str, Credentials] = {}
        self._tokens: dict[str, Credentials] = {}
        self._applications: dict[int, KnownApplication] = {}
        self._was_read = threading.Event()

    def find(self, key: str) -> Credentials | None:
        """The enabled application with this normalised key, or None."""
        return self._credentials.get(key)

    def find_by_token(self, token: str) -> Credentials | None:
        """The enabled application whose callback address holds this token, or None. A dictionary tells no timing."""
        return self._tokens.get(token) if token else None

    def application(self, application_id: int) -> KnownApplication:
        """The application a verified callback belongs to."""
        return self._applications[application_id]

    def load(self) -> None:
        """Read the applications now."""
        found = list(Application.objects.filter(provider=self._provider.name, enabled=True))
        # One that is disabled now may have a callback that was proved a moment ago.
        self._applications = self._applications | {a.pk: _known(a) for a in found}
        credentials = {a.pk: _credentials(a) for a in found}
        self._credentials = {self._provider.normalise_key(a.key): credentials[a.pk] for a in found}
        self._tokens = {a.callback_token: credentials[a.pk] for a in found if a.callback_token}

    def watch(self) -> None:
        """Read the applications, and from now on again and again, for as long as the process lives.

        Returns when they were read, or when the database was given its time and did not answer.
        """
        threading.Thread(target=self._keep_loading, name="keyring", daemon=True).start()
        self._was_read.wait(settings.CALLBACK_DEADLINE_SECONDS)

    def _keep_loading(self) -> None:
        while True:
            with deadline(settings.CALLBACK_DEADLINE_SECONDS):
                self._load_if_possible()
            self._was_read.set()
            time.sleep(REFRESH_SECONDS)

    def _load_if_possible(self) -> None:
        try:
            self.load()
            close_old_connections()
        except (DatabaseError, ValueError) as error:
            # The old keys stay good: a callback can be proved, and answered safely, while the database is away.
            log.warning("applications_not_read", error=str(error))


KEYRINGS: Mapping[str, Keyring] = {name: Keyring(provider) for name, provider in PROVIDERS.items()}


def watch_applications() -> None:
    """Keep every provider's applications in memory. For a web process, once, when it starts."""
    for keyring in KEYRINGS.values():
        keyring.watch()


def add_application(
    provider: str,
    *,
    key: str,
    secret: str,
    previous_secret: str = "",
    default_account: Account | None = None,
    base_url: str = "",
    caller_id: str = "",
    name: str = "",
    sender: str = "",
    sends_texts: bool = False,
    callback_salt: str = "",
    service_account: str = "",
    remote_id: str = "",
    renews_token: bool = False,
) -> Application:
    """Register an application, or give a known one its new secrets. Raises ValidationError with the field named.

    What is left out stays as it was, but for the previous secret: leaving that out ends a rotation. With `renews_token`
    it has another callback address from now on.
    """
    application = Application.objects.filter(provider=provider, key=key).first()
    application = application or Application(provider=provider, key=key)
    application.secret = secret
    application.previous_secret = previous_secret
    application.default_account = default_account or application.default_account
    application.caller_id = caller_id or application.caller_id
    application.name = name or application.name
    application.base_url = base_url or (application.base_url if application.pk else _USUAL_ADDRESSES[provider])
    application.sender = sender or application.sender
    application.sends_texts = sends_texts or application.sends_texts or provider == Application.Provider.SINCH_SMS
    application.callback_salt = callback_salt or application.callback_salt
    application.service_account = service_account or application.service_account
    application.remote_id = remote_id or application.remote_id
    application.callback_token = new_token() if renews_token else application.callback_token
    application.full_clean()
    application.save()
    return application


def _credentials(application: Application) -> Credentials:
    secrets = (application.secret, application.previous_secret)
    return Credentials(
        application_id=application.pk,
        key=application.key,
        secrets=secrets if application.previous_secret else secrets[:1],
        salt=application.callback_salt,
    )


def callback_address(application: Application) -> str:
    """What to type in at the provider as the address that it calls. A token in it is as good as a password."""
    match application.provider:
        case Application.Provider.SINCH_SMS:
            path = reverse("sinch_texts_callback", args=[application.callback_token])
        case Application.Provider.VOXIMPLANT:
            path = reverse("voximplant_callback")
        case Application.Provider.SIFT:
            return f"{callback_base(application.callback_token, application.key, application.callback_salt)}incoming/"
        case _:
            path = reverse("sinch_callback")
    return f"{settings.PUBLIC_URL}{path}"


def callback_base(token: str, key: str, password: str) -> str:
    """The address below which a provider that signs nothing calls us: as good as a password, and with one if given."""
    scheme, _, rest = f"{settings.PUBLIC_URL}{reverse('sift_callback', args=[token, 'x'])}".partition("://")
    proof = f"{quote(key, safe='')}:{quote(password, safe='')}@" if password else ""
    return f"{scheme}://{proof}{rest.removesuffix('x/')}"


def access_to(application: Application) -> Access:
    """Where and as whom this application's provider is spoken to."""
    return Access(
        base_url=application.base_url,
        key=application.key,
        secret=application.secret,
        key_file=application.service_account,
    )


def find_access(application_id: int) -> Answer:
    """Ask where and as whom an application's provider is spoken to, inside a transaction. See `read_access`."""
    return ask(
        "SELECT provider, enabled, base_url, key, secret, service_account, callback_token, "
        "callback_salt "
        "FROM telephony_application WHERE id = %s",
        [application_id],
    )


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A provider as one of our applications reaches it. `callback_token` is the secret part of its own address.

    `callback_password` is what its callbacks bring besides, where that is wished.
    """

    provider: str
    enabled: bool
    access: Access
    callback_token: str = field(repr=False)
    callback_password: str = field(default="", repr=False)

    @property
    def callback_base(self) -> str:
        return callback_base(self.callback_token, self.access.key, self.callback_password)


def read_access(answer: Answer) -> Reached:
    """The access that was asked for. Raises LookupError when there is no such application, ValueError as decrypting."""
    row = answer.row()
    if row is None:
        raise LookupError("there is no such application")
    provider, enabled, base_url, key, secret, key_file, token, salt = row
    access = Access(base_url=base_url, key=key, secret=decrypted(secret), key_file=decrypted(key_file))
    return Reached(
        provider=provider,
        enabled=enabled,
        access=access,
        callback_token=token,
        callback_password=decrypted(salt),
    )


def _known(application: Application) -> KnownApplication:
    return KnownApplication(
        id=application.pk,
        provider=application.provider,
        key=application.key,
        default_account_id=application.default_account_id,
        caller_id=application.caller_id,
    )
