"""An app as its operator configures it: every setting is looked at before it is kept, each with one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import transaction

from softphone.dial_strings import DialTemplateUnusable, check_template
from softphone.models import DialForm, Softphone
from softphone.reading import ALIASES, FIXED, LONGEST_NAME
from softphone.salted import OrderUnusable, check_order

MOST_NAMES = 10

_OWN_NAME = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_NAME}}}")
_host = RegexValidator(
    r"^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$",
    "A SIP host is a name or an address, perhaps with a port: sip.example.com:5061.",
)


class UnknownSoftphone(LookupError):
    """There is no such app, or no default one. Its sentence says what to do."""


def find(name: str | None) -> Softphone:
    """The app of this name; without one the default app. Raises UnknownSoftphone."""
    found = Softphone.objects.filter(name=name) if name else Softphone.objects.filter(is_default=True)
    softphone = found.first()
    if softphone is None:
        lacking = f"app called {name!r}" if name else "default app"
        raise UnknownSoftphone(f"There is no {lacking}: add it with add_softphone.")
    return softphone


def save(softphone: Softphone) -> Softphone:
    """Keep a new app, or a known one as it is now. One that becomes the default takes that from the one before.

    Raises Django's ValidationError with the field named.
    """
    check(softphone)
    with transaction.atomic():
        if softphone.is_default:
            Softphone.objects.filter(is_default=True).exclude(pk=softphone.pk).update(is_default=False)
        softphone.full_clean()
        softphone.save()
    return softphone


def check(softphone: Softphone) -> None:
    """What the columns alone do not say about an app. Raises Django's ValidationError with the field named."""
    errors: dict[str, ValidationError] = {}
    for field, look in _CHECKS.items():
        try:
            look(softphone)
        except (ValidationError, OrderUnusable, DialTemplateUnusable) as error:
            errors[field] = error if isinstance(error, ValidationError) else ValidationError(str(error))
    if errors:
        raise ValidationError(dict(errors))


def _check_proofs(softphone: Softphone) -> None:
    chosen = softphone.proofs
    known = set(Softphone.Proof.values)
    if not isinstance(chosen, list) or not chosen or not all(isinstance(each, str) for each in chosen):
        raise ValidationError("Choose at least one way by which a line may prove itself.")
    if set(chosen) - known or len(set(chosen)) != len(chosen):
        raise ValidationError(f"Proofs are {', '.join(Softphone.Proof.values)}, each once.")


def _check_parameter_names(softphone: Softphone) -> None:
    names = softphone.parameter_names
    if not isinstance(names, dict):
        raise ValidationError('Write an object of our names and yours: {"username": ["login"]}.')
    seen: set[str] = set()
    for ours, own in names.items():
        if ours not in ALIASES or ours in FIXED:
            offered = ", ".join(name for name in ALIASES if name not in FIXED)
            raise ValidationError(f"Only these may have names of your own: {offered}.")
        if not isinstance(own, list) or not 1 <= len(own) <= MOST_NAMES:
            raise ValidationError(f'Give each a list of 1 to {MOST_NAMES} names: {{"username": ["login"]}}.')
        for name in own:
            if not isinstance(name, str) or not _OWN_NAME.fullmatch(name) or name in FIXED:
                taken = ", ".join(sorted(FIXED))
                raise ValidationError(f"A name of your own is 1 to {LONGEST_NAME} visible characters, not {taken}.")
            # What provisioning calls a parameter by our name for it must mean that parameter.
            if name in seen or (name in ALIASES and name != ours):
                raise ValidationError("Each name of your own may mean one thing only, and ours mean theirs.")
            seen.add(name)


def _check_order(softphone: Softphone) -> None:
    check_order(softphone.salted_order)


def _check_template(softphone: Softphone) -> None:
    if softphone.dial_template or softphone.dial_form == DialForm.TEMPLATE:
        check_template(softphone.dial_template)


def _check_host(softphone: Softphone) -> None:
    if softphone.sip_host:
        _host(softphone.sip_host)


_CHECKS: dict[str, Callable[[Softphone], None]] = {
    "proofs": _check_proofs,
    "parameter_names": _check_parameter_names,
    "salted_order": _check_order,
    "dial_template": _check_template,
    "sip_host": _check_host,
}
