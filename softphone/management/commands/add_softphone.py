"""Register an app, or change a known one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.command import Outcome, RingfenceCommand, argument
from softphone import configuring
from softphone.models import DialForm, Softphone


@argument
def names(text: str) -> tuple[str, list[str]]:
    """A parameter of ours and the operator's names for it: target=callee,to."""
    ours, equals, own = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not our name, an equals sign and yours: target=callee")
    return ours, own.split(",")


class Command(RingfenceCommand):
    help = "Registers an app in which lines prove themselves, or changes what is given of a known one."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="as ?app= in an address names it")
        parser.add_argument("--title", help="what the app calls the account that it is given; a new app needs one")
        parser.add_argument("--default", action="store_true", dest="is_default", default=None,
                            help="for requests that name no app")  # fmt: skip
        parser.add_argument("--proofs", type=lambda text: text.split(","), metavar="P,P",
                            help=f"how a line may prove itself: {', '.join(Softphone.Proof.values)}")  # fmt: skip
        parser.add_argument("--salted-order", metavar="ORDER", help="what a salted hash is of: {nonce}{secret}")
        parser.add_argument("--parameter", type=names, action="append", dest="parameter_names", metavar="OURS=YOURS",
                            help="a parameter of ours has these names: target=callee,to")  # fmt: skip
        formats = [*(each for each in Softphone.ReplyFormat.values if each), "as-asked"]
        parser.add_argument("--reply-format", choices=formats)
        parser.add_argument("--language", choices=Softphone.Language.values)
        parser.add_argument("--dial-form", choices=DialForm.values)
        parser.add_argument("--dial-template", metavar="TEMPLATE", help="such as {access_number},,{destination}#")
        parser.add_argument("--callback-order", choices=Softphone.CallbackOrder.values)
        parser.add_argument("--balance-interval", type=int, dest="balance_interval_seconds", metavar="SECONDS")
        parser.add_argument("--least-rate-digits", type=int, metavar="N", help="fewer are given no price")
        parser.add_argument("--legacy-messages", action="store_true", dest="has_legacy_messages", default=None)
        parser.add_argument("--sip-host", help="where the app registers")
        parser.add_argument("--sip-transport", choices=Softphone.Transport.values)

    def perform(self, **options: Any) -> Outcome:
        softphone = Softphone.objects.filter(name=options["name"]).first()
        is_new = softphone is None
        softphone = softphone or Softphone(name=options["name"], proofs=[Softphone.Proof.TOKEN.value])
        for field in _SETTINGS:
            if options[field] is not None:
                setattr(softphone, field, _READERS.get(field, _as_it_is)(options[field]))
        configuring.save(softphone)
        data = {"name": softphone.name, "new": is_new, **{field: getattr(softphone, field) for field in _SETTINGS}}
        proofs = ", ".join(softphone.proofs)
        standing = ", the default" if softphone.is_default else ""
        return Outcome(data=data, text=f"app {softphone.name} ({softphone.title}){standing}: proved by {proofs}")


def _as_it_is(value: Any) -> Any:
    return value


_READERS = {"parameter_names": dict, "reply_format": lambda text: "" if text == "as-asked" else text}

_SETTINGS = (
    "title", "is_default", "proofs", "salted_order", "parameter_names", "reply_format", "language", "dial_form",
    "dial_template", "callback_order", "balance_interval_seconds", "least_rate_digits", "has_legacy_messages",
    "sip_host", "sip_transport",
)  # fmt: skip
