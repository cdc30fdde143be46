"""What goes into our API and comes out of it, field by field. What is not named here can be neither sent nor read."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class RegistrationRequest(serializers.Serializer[Any]):
    """Which of the account's app users wants to register, and at which application when there are several."""

    client_user = serializers.CharField(max_length=128, trim_whitespace=False)
    application = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)


class RegistrationToken(serializers.Serializer[Any]):
    """A token, whose it is, where it is good, and until when."""

    token = serializers.CharField(source="registration.token")
    client_user = serializers.CharField()
    application_key = serializers.CharField()
    expires_at = serializers.DateTimeField(source="registration.expires_at")
