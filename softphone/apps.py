"""The softphone's web services."""

from django.apps import AppConfig


class SoftphoneConfig(AppConfig):
    """Tells Django that this folder is an app."""

    name = "softphone"
