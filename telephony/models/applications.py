"""Our credentials at the providers. One callback URL serves many applications; the key says which."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now

from accounts.models import Account, e164
from telephony.models.encrypted import EncryptedTextField
from telephony.registry import PROVIDERS


class Application(models.Model):
    """One set of credentials at one provider. During a rotation two secrets are accepted."""

    class Provider(models.TextChoices):
        SINCH = "sinch", "Sinch"

    provider = models.CharField(max_length=20, choices=Provider)
    name = models.CharField(max_length=100, blank=True)
    key = models.CharField(max_length=100, help_text="The application key the provider shows.")
    secret = EncryptedTextField(help_text="Base64, as the provider shows it. Stored encrypted.")
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
