"""Have our application made at Sift, and numbers registered for it."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.command import Outcome, RingfenceCommand
from accounts.numbers import parse_number
from telephony.applications import callback_address
from telephony.models import Application
from telephony.providers.base import ProviderTrouble
from telephony.providers.sift.client import SiftClient
from telephony.providers.sift.setting_up import find_or_make

MOST_SHOWN = 50


class Command(RingfenceCommand):
    help = "Makes our application at Sift, once, and registers numbers for it; or lists the numbers of a country."
    facts = (ProviderTrouble, ValueError)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--application", required=True, metavar="KEY", help="the account id at Sift")
        either = parser.add_mutually_exclusive_group()
        either.add_argument("--available", metavar="CC", help="list numbers of this country, as two letters")
        either.add_argument("--register", metavar="NUMBER", help="register this number for the application")

    def perform(self, **options: Any) -> Outcome:
        application = Application.objects.filter(provider=Application.Provider.SIFT, key=options["application"]).first()
        if application is None:
            raise CommandError("There is no application at Sift with this key: add it with add_application.")
        sift = SiftClient(application.base_url, application.key, application.secret)
        if options["available"] is not None:
            numbers = list(islice(sift.available_numbers(options["available"]), MOST_SHOWN))
            return Outcome(data={"available": numbers}, text="\n".join(numbers) or "There are none.")
        # Read first: whoever mistypes a number has nothing made.
        number = "" if options["register"] is None else parse_number(options["register"])
        remote_id = find_or_make(sift, str(application), callback_address(application))
        Application.objects.filter(pk=application.pk).update(remote_id=remote_id)
        data = {"application": application.pk, "remote_id": remote_id, "registered": ""}
        text = f"application {remote_id} at Sift asks {application} what to do with its calls"
        if application.remote_id not in ("", remote_id):
            text += f"\nuntil now it was {application.remote_id}: numbers of that one still ask at its old address"
        if number:
            data["registered"] = sift.register_number(number, remote_id).phone_number
            text += f"\n{number} is registered: say where it leads with add_access_number"
        return Outcome(data=data, text=text)
