"""Branded softphone apps, the lines people have in them, and what a line left with us."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import CallerNumber, ClientUser
from postgres.encrypted import EncryptedTextField
from telephony.models import AccessNumber


class DialForm(models.TextChoices):
    """What an app is told to dial."""

    ACCESS_NUMBER = "access_number", "the access number alone: we remember where the call is to go"
    PIN_AND_DESTINATION = "pin_and_destination", "the access number, then PIN and destination as tones"
    TEMPLATE = "template", "a template of your own"


class Softphone(models.Model):
    """One branded app, as its operator configured it. A request that names none is for the default one."""

    class ReplyFormat(models.TextChoices):
        AS_ASKED = "", "as the request: JSON is answered in JSON, all else in XML"
        XML = "xml", "XML"
        JSON = "json", "JSON"
        FORM = "form", "form"

    class Language(models.TextChoices):
        ENGLISH = "en", "English"
        SPANISH = "es", "Spanish"

    class Proof(models.TextChoices):
        TOKEN = "token", "a token of the line"
        PASSWORD = "password", "the line's secret, over https"
        SHA1 = "sha1", "SHA-1 of the secret"
        SALTED = "salted", "SHA-1 of the secret and a nonce"
        DIGEST = "digest", "HTTP Digest"

    class CallbackOrder(models.TextChoices):
        CALLER_FIRST = "caller_first", "the caller, then the destination"
        DESTINATION_FIRST = "destination_first", "the destination, then the caller"

    class Transport(models.TextChoices):
        UDP = "udp", "UDP"
        TCP = "tcp", "TCP"
        TLS = "tls", "TLS"

    name = models.SlugField(max_length=40, unique=True, help_text="As ?app= in an address names it.")
    title = models.CharField(max_length=60, help_text="What the app calls the account that it is given.")
    is_default = models.BooleanField(default=False, help_text="For requests that name no app.")
    reply_format = models.CharField(max_length=4, choices=ReplyFormat, blank=True, default=ReplyFormat.AS_ASKED)
    language = models.CharField(max_length=2, choices=Language, default=Language.ENGLISH)
    parameter_names = models.JSONField(
        default=dict,
        blank=True,
        help_text='Names of your own, such as {"username": ["login"], "target": ["callee"]}.',
    )
    proofs = models.JSONField(default=list, help_text="How a line may prove itself.")
    salted_order = models.CharField(
        max_length=60,
        default="{nonce}{secret}",
        help_text="What the app's template hashes, in its order: {username}, {nonce}, {secret}.",
    )
    dial_form = models.CharField(max_length=19, choices=DialForm, default=DialForm.ACCESS_NUMBER)
    dial_template = models.CharField(
        max_length=200,
        blank=True,
        help_text="Such as {access_number},,%account[x-cth-pin]%#{destination}#.",
    )
    callback_order = models.CharField(max_length=17, choices=CallbackOrder, default=CallbackOrder.CALLER_FIRST)
    balance_interval_seconds = models.PositiveIntegerField(
        default=300, validators=[MinValueValidator(30), MaxValueValidator(86_400)]
    )
    least_rate_digits = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(15)]
    )
    has_legacy_messages = models.BooleanField(
        default=False, help_text="Old apps fetch received texts under another name; new ones would show them twice."
    )
    sip_host = models.CharField(max_length=253, blank=True, help_text="Where the app registers; empty: nowhere.")
    sip_transport = models.CharField(max_length=3, choices=Transport, default=Transport.UDP)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="one_default_softphone"),
        ]

    def __str__(self) -> str:
        return self.title


class Line(models.Model):
    """An app user's line: the secrets its app proves itself by, and what it dials. Revoked, it proves nothing."""

    client_user = models.OneToOneField(ClientUser, models.CASCADE, related_name="line")
    softphone = models.ForeignKey(Softphone, models.PROTECT, related_name="lines")
    secret = EncryptedTextField(help_text="The app's password. It signs nobody in to the portal.")
    token = EncryptedTextField(help_text="What the app sends instead, where the operator's template says so.")
    pin = EncryptedTextField(blank=True, help_text="The PIN that the app dials by itself.")
    dial_form = models.CharField(
        max_length=19, choices=DialForm, blank=True, default="", help_text="Empty: as the app's."
    )
    dial_template = models.CharField(max_length=200, blank=True)
    access_number = models.ForeignKey(
        AccessNumber, models.SET_NULL, null=True, blank=True, related_name="+", help_text="Empty: by the country."
    )
    callback_number = models.ForeignKey(
        CallerNumber, models.SET_NULL, null=True, blank=True, related_name="+", help_text="Where Web Callback rings."
    )
    made_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.client_user.name


class UsedNonce(models.Model):
    """A nonce that a line has used; forgotten after a day."""

    line = models.ForeignKey(Line, models.CASCADE, related_name="+", db_index=False)
    nonce = models.CharField(max_length=128)
    used_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["line", "nonce"], name="one_use_per_nonce")]
        indexes: ClassVar = [models.Index(fields=["used_at"], name="nonce_by_time")]

    def __str__(self) -> str:
        return f"{self.line}: {self.nonce}"


class PushToken(models.Model):
    """Where an installation of the app can be woken; one for each line and installation."""

    line = models.ForeignKey(Line, models.CASCADE, related_name="push_tokens", db_index=False)
    selector = models.CharField(max_length=128, validators=[RegexValidator(r"^[\x21-\x7e]+$")])
    calls_token = models.CharField(max_length=512, blank=True, help_text="For incoming calls, base64.")
    calls_app_id = models.CharField(max_length=128, blank=True)
    other_token = models.CharField(max_length=512, blank=True, help_text="For everything else, base64.")
    other_app_id = models.CharField(max_length=128, blank=True)
    reported_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["line", "selector"], name="one_push_token_per_app")]

    def __str__(self) -> str:
        return f"{self.line}: {self.selector}"
