"""Who people are."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.emails import EmailErrand
        from outbox.errands import register

        register(EmailErrand())
