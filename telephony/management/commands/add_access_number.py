"""Add a number of ours that people dial, or change what a known one does."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.command import Outcome, RingfenceCommand, positive_number
from accounts.numbers import parse_number
from accounts.registration import find_account
from billing.exceptions import BillingError
from billing.rates import find_deck
from telephony.admin.access_numbers import AccessNumberForm
from telephony.models import AccessNumber, Application, Menu

Leads = AccessNumber.Leads
LEADS = {"below": Leads.AS_BELOW, "card": Leads.CALLING_CARD, "nowhere": Leads.NOWHERE}


class Command(RingfenceCommand):
    help = "Adds an access number, or changes what a known one does; what is not said is as for a new one."
    facts = (BillingError,)

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", metavar="NUMBER")
        parser.add_argument("--application", required=True, metavar="KEY", help="where the number is rented")
        parser.add_argument("--leads", choices=LEADS, default="below", help="callers: as below, to the card, nowhere")
        parser.add_argument("--menu", metavar="NAME")
        parser.add_argument("--connects-to", default="", metavar="NUMBER")
        parser.add_argument("--account", metavar="NAME", help="whose number it is: pays for what it connects")
        parser.add_argument("--locale", default="en-US", help="in which language the calling card speaks")
        parser.add_argument("--offered", action="store_true", help="apps are told to dial it")
        parser.add_argument("--default", action="store_true", help="given to callers of countries that have none")
        parser.add_argument("--country", default="", help="two letters; default: by its digits")
        parser.add_argument("--calls-at-once", type=positive_number)
        parser.add_argument("--deck", action="append", default=[], metavar="NAME", help="prices what comes in by it")
        parser.add_argument("--off", action="store_true", help="switched off")

    def perform(self, **options: Any) -> Outcome:
        known = AccessNumber.objects.filter(number=parse_number(options["number"])).first()
        form = AccessNumberForm(_fields(options), instance=known)
        if not form.is_valid():
            raise CommandError(" ".join(str(error) for errors in form.errors.values() for error in errors))
        number = form.save()
        data = {
            "number": number.number,
            "leads": number.leads,
            "offered": number.is_offered,
            "enabled": number.enabled,
            "new": known is None,
        }
        return Outcome(data=data, text=f"{number.number} leads {number.get_leads_display()}")


def _fields(options: dict[str, Any]) -> dict[str, Any]:
    """What the staff's form would have been filled in with, which checks it all."""
    application = Application.objects.filter(key=options["application"]).first()
    if application is None:
        raise CommandError("There is no application with this key: add it with add_application.")
    menu = Menu.objects.filter(name=options["menu"]).first() if options["menu"] else None
    if options["menu"] and menu is None:
        raise CommandError("There is no menu of this name.")
    return {
        "number": options["number"],
        "application": application.pk,
        "enabled": not options["off"],
        "leads": LEADS[options["leads"]],
        "locale": options["locale"],
        "menu": menu.pk if menu else "",
        "connects_to": options["connects_to"],
        "account": find_account(options["account"]).pk if options["account"] else "",
        "is_offered": options["offered"],
        "is_default": options["default"],
        "country": options["country"],
        "calls_at_once": options["calls_at_once"],
        "rate_decks": [find_deck(name).pk for name in options["deck"]],
    }
