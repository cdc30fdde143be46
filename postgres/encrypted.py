"""A text column that is encrypted at rest with FIELD_KEY."""

from __future__ import annotations

from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def decrypted(stored: str) -> str:
    """What an encrypted column holds, read by a statement of one's own. Raises ValueError when no key fits."""
    if not stored:
        return stored
    try:
        return _cipher(settings.FIELD_KEYS).decrypt(stored.encode()).decode()
    except InvalidToken:
        raise ValueError("FIELD_KEY does not fit the stored secrets: add the key they were written with") from None


class EncryptedTextField(models.TextField):
    """Text that is ciphertext in the database and in every backup of it.

    The first key of FIELD_KEY encrypts, every key decrypts, so keys can be rotated. An empty text stays empty.
    """

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return _cipher(settings.FIELD_KEYS).encrypt(text.encode()).decode() if text else text

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        """The plain text. Raises ImproperlyConfigured's cousin ValueError when no key fits."""
        return value if value is None else decrypted(value)
