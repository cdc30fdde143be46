"""What customers' own systems are told."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
