"""The environment, read in one place: what Ringfence is told from outside.

`.env.example` lists every variable in one line each. `docker compose` reads a `.env` file; `manage.py` and
`make` do not: what they need is exported, or brought by `config.embedded` on a machine without it.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEFAULT_PUBLIC_URL = "http://127.0.0.1:8000"
SECRET_KEY_MIN_LENGTH = 50  # what Django's own deployment check asks for

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
DATABASE_OPTIONS = frozenset(
    {"sslmode", "sslrootcert", "sslcert", "sslkey", "application_name", "connect_timeout", "options"}
)


class ConfigurationError(ValueError):
    """A variable of the environment is missing or cannot be used; the message names it in one sentence."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Everything the environment decides, checked. `repr` shows no secret."""

    database: dict[str, Any] = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    secret_key_fallbacks: list[str] = field(repr=False)
    field_keys: list[str] = field(repr=False)
    allowed_hosts: list[str]
    public_url: str
    trusted_proxy: bool
    debug: bool
    time_zone: str
    web_workers: int
    web_threads: int
    db_prepared_statements: bool
    log_level: str
    signature_tolerance_seconds: int
    late_event_tolerance_seconds: int
    callback_deadline_seconds: float
    dial_timeout_seconds: int
    hold_margin_seconds: int
    call_through_seconds: int
    geoip_db_path: str
    outbox_lease_seconds: int
    webhook_private_targets: list[str]
    email_url: str = field(repr=False)
    email_from: str
    operator_email: str
    operator_number: str


def read(variables: Mapping[str, str] | None = None) -> Environment:
    """The whole environment, or a `ConfigurationError` that names the first variable that is wrong."""
    source = _Source(os.environ if variables is None else variables)
    public_url = source.web_address("PUBLIC_URL", DEFAULT_PUBLIC_URL)
    return Environment(
        database=database_from_url(source.required("DATABASE_URL", "the address of a PostgreSQL database")),
        redis_url=source.broker_address("REDIS_URL"),
        secret_key=source.signing_key("SECRET_KEY"),
        secret_key_fallbacks=source.words("SECRET_KEY_FALLBACKS"),
        field_keys=source.fernet_keys("FIELD_KEY"),
        allowed_hosts=source.hosts("ALLOWED_HOSTS", public_url),
        public_url=public_url,
        trusted_proxy=source.flag("TRUSTED_PROXY", default=False),
        debug=source.flag("DEBUG", default=False),
        time_zone=source.time_zone("TIME_ZONE", "UTC"),
        web_workers=source.integer("WEB_WORKERS", 2, at_most=64),
        web_threads=source.integer("WEB_THREADS", 4, at_most=64),
        db_prepared_statements=source.flag("DB_PREPARED_STATEMENTS", default=True),
        log_level=source.one_of("LOG_LEVEL", LOG_LEVELS, "INFO"),
        signature_tolerance_seconds=source.integer("SIGNATURE_TOLERANCE_SECONDS", 300, at_most=3600),
        late_event_tolerance_seconds=source.integer("LATE_EVENT_TOLERANCE_SECONDS", 86_400, at_most=604_800),
        callback_deadline_seconds=source.seconds("CALLBACK_DEADLINE_SECONDS", 1.5, at_most=10.0),
        dial_timeout_seconds=source.integer("DIAL_TIMEOUT_SECONDS", 45, at_most=600),
        hold_margin_seconds=source.integer("HOLD_MARGIN_SECONDS", 120, at_most=3600),
        call_through_seconds=source.integer("CALL_THROUGH_SECONDS", 60, at_most=600),
        geoip_db_path=source.text("GEOIP_DB_PATH"),
        outbox_lease_seconds=source.integer("OUTBOX_LEASE_SECONDS", 60, at_most=3600),
        webhook_private_targets=source.words("WEBHOOK_PRIVATE_TARGETS"),
        email_url=source.email_address("EMAIL_URL"),
        email_from=source.text("EMAIL_FROM", "ringfence@localhost"),
        operator_email=source.text("OPERATOR_EMAIL"),
        operator_number=source.text("OPERATOR_NUMBER"),
    )


@dataclass(frozen=True, kw_only=True)
class EmbeddedChoices:
    """What `config.embedded` has to know before the rest can be complete: empty means "bring your own"."""

    database_url: str
    redis_url: str
    secret_key: str
    field_key: str
    postgres_binaries: str


def read_embedded_choices(variables: Mapping[str, str] | None = None) -> EmbeddedChoices:
    """Which parts this machine was given, unchecked; never fails."""
    source = _Source(os.environ if variables is None else variables)
    return EmbeddedChoices(
        database_url=source.text("DATABASE_URL"),
        redis_url=source.text("REDIS_URL"),
        secret_key=source.text("SECRET_KEY"),
        field_key=source.text("FIELD_KEY"),
        postgres_binaries=source.text("PG_BIN"),
    )


def database_from_url(url: str) -> dict[str, Any]:
    """Django's database dictionary for `postgresql://user:password@host:port/name?sslmode=require`.

    User, password, host and name are percent-decoded; without a host the server's local socket is used.
    Raises `ConfigurationError` for another scheme, a missing name, an odd port or an unknown option.
    The message never repeats the address, because that holds the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError("DATABASE_URL has a port or host that cannot be read.") from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise ConfigurationError("DATABASE_URL must start with postgresql://.")
    name = unquote(parts.path.removeprefix("/"))
    if not name or "/" in name:
        raise ConfigurationError("DATABASE_URL must end in one database name: postgresql://user@host/name.")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(options.keys() - DATABASE_OPTIONS)
    if unknown:
        raise ConfigurationError(f"DATABASE_URL has an option that is not known: {', '.join(unknown)}.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


def read_mail(url: str, folder: Path) -> dict[str, Any]:
    """How e-mail leaves: by the server in the address, or as files in a folder when there is none.

    >>> read_mail("smtp://alice:secret@mail.example.com", Path("mail"))["host"]
    'mail.example.com'
    """
    parts = urlsplit(url)
    tls = parts.scheme == "smtps"
    backend = "smtp" if url else "filebased"
    return {
        "backend": f"django.core.mail.backends.{backend}.EmailBackend",
        "folder": str(folder),
        "host": parts.hostname or "localhost",
        "port": parts.port or (465 if tls else 587),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "starttls": bool(url) and not tls,
        "tls": tls,
    }


@dataclass(frozen=True)
class _Source:
    """Typed reading of one mapping. An empty value counts as not given, as compose files write it."""

    variables: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        return self.variables.get(name, "").strip() or default

    def required(self, name: str, meaning: str) -> str:
        value = self.text(name)
        if not value:
            raise ConfigurationError(f"{name} is not set: it must hold {meaning}.")
        return value

    def words(self, name: str) -> list[str]:
        return [word for part in self.text(name).split(",") if (word := part.strip())]

    def flag(self, name: str, *, default: bool) -> bool:
        word = self.text(name).lower()
        if not word:
            return default
        if word not in TRUE_WORDS | FALSE_WORDS:
            raise ConfigurationError(f"{name} must be 1 or 0.")
        return word in TRUE_WORDS

    def integer(self, name: str, default: int, *, at_most: int) -> int:
        try:
            value = int(self.text(name) or default)
        except ValueError:
            raise ConfigurationError(f"{name} must be a whole number.") from None
        if not 1 <= value <= at_most:
            raise ConfigurationError(f"{name} must be between 1 and {at_most}.")
        return value

    def seconds(self, name: str, default: float, *, at_most: float) -> float:
        try:
            value = float(self.text(name) or default)
        except ValueError:
            raise ConfigurationError(f"{name} must be a number of seconds.") from None
        if not 0 < value <= at_most:  # also false for "nan"
            raise ConfigurationError(f"{name} must be more than 0 and at most {at_most:g}.")
        return value

    def one_of(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name, default).upper()
        if value not in allowed:
            raise ConfigurationError(f"{name} must be one of {', '.join(allowed)}.")
        return value

    def time_zone(self, name: str, default: str) -> str:
        value = self.text(name, default)
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigurationError(f"{name} must be a time zone such as Europe/Stockholm.") from None
        return value

    def signing_key(self, name: str) -> str:
        value = self.required(name, "a long random text that nobody else knows")
        if len(value) < SECRET_KEY_MIN_LENGTH:
            raise ConfigurationError(f"{name} must have at least {SECRET_KEY_MIN_LENGTH} characters.")
        return value

    def fernet_keys(self, name: str) -> list[str]:
        """The first key encrypts, all of them decrypt."""
        self.required(name, "one or more Fernet keys, separated by commas, newest first")
        keys = self.words(name)
        if not keys or not all(_is_fernet_key(key) for key in keys):
            raise ConfigurationError(f"{name} must hold Fernet keys: 32 bytes in URL-safe base64 each.")
        return keys

    def hosts(self, name: str, public_url: str) -> list[str]:
        """The names given, else the one the providers use; a name for everything is refused."""
        hosts = self.words(name)
        if "*" in hosts:
            raise ConfigurationError(f"{name} must name the hosts one by one, not *.")
        if hosts:
            return hosts
        host = urlsplit(public_url).hostname or ""
        return ["127.0.0.1", "localhost"] if host in ("127.0.0.1", "localhost") else [host]

    def web_address(self, name: str, default: str) -> str:
        """Without the slash at the end. Its path counts: providers sign the path they call."""
        value = self.text(name, default).rstrip("/")
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.query or parts.fragment or parts.username:
            raise ConfigurationError(f"{name} must be an address such as https://calls.example.com.")
        return value

    def email_address(self, name: str) -> str:
        value = self.text(name)
        if value and urlsplit(value).scheme not in ("smtp", "smtps"):
            raise ConfigurationError(f"{name} must start with smtp:// or smtps://.")
        return value

    def broker_address(self, name: str) -> str:
        value = self.required(name, "the address of a Redis or Valkey server")
        if urlsplit(value).scheme not in ("redis", "rediss"):
            raise ConfigurationError(f"{name} must start with redis:// or rediss://.")
        return value


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == 32
    except (binascii.Error, ValueError):
        return False
