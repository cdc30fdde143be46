"""What happens on the line."""

from django.apps import AppConfig


class TelephonyConfig(AppConfig):
    name = "telephony"

    def ready(self) -> None:
        from outbox.errands import register
        from telephony.errands import ERRANDS

        for errand in ERRANDS:
            register(errand)
