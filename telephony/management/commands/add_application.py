"""Register our credentials at a provider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand
from accounts.registration import find_account
from telephony.applications import add_application, callback_address
from telephony.models import Application


class Command(RingfenceCommand):
    help = "Registers an application at a provider, or gives a known one its new secrets."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", metavar="PROVIDER", choices=Application.Provider.values)
        parser.add_argument("--key", required=True, help="the application key, service plan id or account id")
        parser.add_argument("--secret", required=True, help="the secret, token or API key, as the provider shows it")
        parser.add_argument("--previous-secret", default="", help="also accepted while a rotation lasts")
        parser.add_argument("--default-account", metavar="NAME", help="pays for app users nobody knows")
        parser.add_argument("--base-url", default="", help="the provider's REST API")
        parser.add_argument("--caller-id", default="", help="shown when an account has no number of its own")
        parser.add_argument("--sends-texts", action="store_true", help="texts go out through it")
        parser.add_argument("--sender", default="", help="texts are sent from this number or name")
        parser.add_argument("--callback-salt", default="", help="Voximplant: the security salt; Sift: a password")
        parser.add_argument("--service-account", type=Path, metavar="FILE", help="Voximplant: its JSON key file")
        parser.add_argument("--remote-id", default="", help="Sift: its id of the application")
        parser.add_argument("--new-token", action="store_true", help="another callback address: somebody knows the old")
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
            remote_id=options["remote_id"],
            renews_token=options["new_token"],
            name=options["name"],
            sender=options["sender"],
            sends_texts=options["sends_texts"],
            callback_salt=options["callback_salt"],
            service_account=options["service_account"].read_text() if options["service_account"] else "",
        )
        return Outcome(
            data={
                "application": application.pk,
                "provider": application.provider,
                "key": application.key,
                "name": application.name,
                "base_url": application.base_url,
                "callback_address": callback_address(application),
            },
            text=f"application {application.pk}: {application.provider} {application.key}, {application.base_url}\n"
            f"The provider calls {callback_address(application)}",
        )
