"""Register our credentials at a provider."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand
from accounts.registration import find_account
from telephony.applications import add_application
from telephony.models import Application


class Command(RingfenceCommand):
    help = "Registers an application at a provider, or gives a known one its new secrets."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", metavar="PROVIDER", choices=Application.Provider.values)
        parser.add_argument("--key", required=True, help="the application key the provider shows")
        parser.add_argument("--secret", required=True, help="base64, as the provider shows it")
        parser.add_argument("--previous-secret", default="", help="also accepted while a rotation lasts")
        parser.add_argument("--default-account", metavar="NAME", help="pays for app users nobody knows")
        parser.add_argument("--base-url", default="", help="the provider's REST API")
        parser.add_argument("--caller-id", default="", help="shown when an account has no number of its own")
        parser.add_argument("--name", default="", help="what people call it")

    def perform(self, **options: Any) -> Outcome:
        account_name = options["default_account"]
        application = add_application(
            options["provider"],
            key=options["key"],
            secret=options["secret"],
            previous_secret=options["previous_secret"],
            default_account=find_account(account_name) if account_name else None,
            base_url=options["base_url"],
            caller_id=options["caller_id"],
            name=options["name"],
        )
        return Outcome(
            data={
                "application": application.pk,
                "provider": application.provider,
                "key": application.key,
                "name": application.name,
                "base_url": application.base_url,
            },
            text=f"application {application.pk}: {application.provider} {application.key}, {application.base_url}",
        )
