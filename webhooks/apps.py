"""What customers' own systems are told."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        from outbox.errands import register
        from webhooks.delivering import TellEndpoint

        register(TellEndpoint())
