"""The top of the house: settings, addresses, commands that need everything, and the staff's site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConfigApp(AppConfig):
    name = "config"

    def ready(self) -> None:
        # Whoever asks for a task in whatever process asks our broker, not the one that Celery would guess.
        import config.celery  # noqa: F401


class RingfenceAdmin(AdminConfig):
    """Django's admin with our name on it."""

    default_site = "config.admin.RingfenceSite"
