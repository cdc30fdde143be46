"""Our credentials at the providers. One callback URL serves many applications; the key says which."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now

from accounts.models import Account, e164
from billing.models import money_field
from postgres.encrypted import EncryptedTextField
from telephony.registry import PROVIDERS


def new_token() -> str:
    """256 bits that nobody guesses, fit for an address."""
    return secrets.token_urlsafe(32)


class Application(models.Model):
    """One set of credentials at one provider. During a rotation two secrets are accepted."""

    class Provider(models.TextChoices):
        SINCH = "sinch", "Sinch"
        SINCH_SMS = "sinch_sms", "Sinch SMS (REST service plan)"
        VOXIMPLANT = "voximplant", "Voximplant account"
        SIFT = "sift", "Sift"

    provider = models.CharField(max_length=20, choices=Provider)
    name = models.CharField(max_length=100, blank=True)
    key = models.CharField(
        max_length=100, help_text="The application key, service plan id or account id the provider shows."
    )
    remote_id = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        help_text="Sift: the id that it gave this application, for its apps' tokens.",
    )
    secret = EncryptedTextField(help_text="The secret, API token or API key, as the provider shows it. Encrypted.")
    previous_secret = EncryptedTextField(blank=True, help_text="Also accepted while a rotation lasts.")
    default_account = models.ForeignKey(
        Account,
        models.PROTECT,
        null=True,
        blank=True,
        help_text="Pays for app calls whose user belongs to no account: click-to-call buttons.",
    )
    caller_id = models.CharField(
        max_length=16,
        blank=True,
        validators=[e164],
        verbose_name="caller ID",
        help_text="Shown when the account has no verified number. Empty: no caller ID is shown.",
    )
    base_url = models.URLField(
        blank=True, default="https://calling.api.sinch.com", help_text="The provider's REST API."
    )
    sends_texts = models.BooleanField(default=False, help_text="Texts go out through this application.")
    sender = models.CharField(
        max_length=16, blank=True, help_text="Texts are sent from this number or name unless told otherwise."
    )
    callback_token = models.CharField(
        max_length=43,
        blank=True,
        editable=False,
        default=new_token,
        help_text="The secret part of the address for callbacks that the provider does not sign.",
    )
    callback_salt = EncryptedTextField(
        blank=True,
        help_text="Voximplant: the security salt that goes into the hash. Sift: a password that callbacks bring.",
    )
    service_account = EncryptedTextField(
        blank=True, help_text="Voximplant: the JSON key file of a service account, used instead of the API key."
    )
    least_credit = money_field(
        null=True, blank=True, help_text="The operator is told when our own credit there falls below this."
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "key"], name="one_application_per_key"),
            models.CheckConstraint(condition=~models.Q(key="") & ~models.Q(secret=""), name="application_is_whole"),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.provider} {self.key}"

    def clean(self) -> None:
        """A half-configured application is refused with the field named."""
        if problems := _problems_of(self):
            raise ValidationError(problems)


def _problems_of(application: Application) -> dict[str, str]:
    """What is missing or unusable in an application: field name to sentence; empty when it is whole."""
    problems: dict[str, str] = {}
    provider = PROVIDERS.get(application.provider)
    if provider is None:
        return {"provider": f"There is no provider called {application.provider!r}."}
    if not application.key.strip():
        problems["key"] = "The application key is missing."
    if not application.secret:
        problems["secret"] = "The secret is missing: without it no callback can be proved."  # noqa: S105
    for name in ("secret", "previous_secret"):
        text = getattr(application, name)
        try:
            if text:
                provider.check_secret(text)
        except ValueError as error:
            problems[name] = str(error)
    if not application.base_url.startswith(("https://", "http://")):
        problems["base_url"] = "The REST API's address must begin with https://, or http:// for a sandbox."
    return problems
