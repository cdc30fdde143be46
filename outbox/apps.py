"""Work that must leave the house: kept in PostgreSQL until it is done."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "outbox"
    verbose_name = "Outbox"
