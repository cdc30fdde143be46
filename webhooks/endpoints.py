"""Endpoints: added, given a new secret, switched off and on, removed. A secret is told once, when it is made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import Account
from postgres.statements import tell
from postgres.work import in_one_transaction
from webhooks.addresses import AddressRefused, read_target
from webhooks.models import Endpoint, EventType
from webhooks.signing import new_api_key, new_secret

MOST_ENDPOINTS = 10
ROTATION = timedelta(hours=24)
LONGEST_SALT = 40

_FORGET_ATTEMPTS = """
DELETE FROM webhooks_attempt a USING webhooks_delivery d WHERE d.id = a.delivery_id AND d.endpoint_id = %s
"""


class EndpointRefused(Exception):
    """What was asked cannot be done; the message is one sentence, `field` the input it is about, if one is."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


def add(
    account: Account | None,
    url: str,
    *,
    form: Endpoint.Form = Endpoint.Form.STANDARD,
    events: Sequence[EventType] = (),
    salt: str = "",
) -> Endpoint:
    """A new endpoint of the account, the operator's own with None; its `secret` is in the object returned.

    No `events` means all of them. Raises EndpointRefused for an address that may not be told, one that is there
    already, and more endpoints than an account may have.
    """
    is_voximplant = form == Endpoint.Form.VOXIMPLANT
    _check_form(account, is_voximplant=is_voximplant, salt=salt)
    try:
        read_target(url, settings.WEBHOOK_PRIVATE_TARGETS)
    except AddressRefused as refused:
        raise EndpointRefused(str(refused), "url") from None
    with transaction.atomic():
        if account is not None:
            Account.objects.select_for_update(no_key=True).get(pk=account.pk)  # they are counted one after the other
        others = Endpoint.objects.filter(account=account)
        if others.filter(url=url, form=form).exists():
            raise EndpointRefused("There is a webhook to this address already.", "url")
        if others.count() >= MOST_ENDPOINTS:
            raise EndpointRefused(f"There are {MOST_ENDPOINTS} webhooks already: remove one first.")
        return Endpoint.objects.create(
            account=account,
            url=url,
            form=form,
            events=[] if is_voximplant else [event.value for event in events],
            secret=new_api_key() if is_voximplant else new_secret(),
            salt=salt,
        )


def secret_mark(endpoint: Endpoint) -> str:
    """Names the present secret without telling it, so that a page can say which one it means to replace."""
    return salted_hmac("webhooks.secret", endpoint.secret, algorithm="sha256").hexdigest()[:32]


def is_rotating(endpoint: Endpoint, now: datetime) -> bool:
    """Does the secret before this one still count?"""
    return bool(endpoint.previous_secret and endpoint.previous_until and endpoint.previous_until > now)


def rotate(endpoint: Endpoint, *, seen: str, now: datetime) -> str:
    """A new secret, told here and never again. What is sent is signed with the old one too for 24 hours.

    In the Voximplant form there is room for one hash, so there the new key counts at once. `seen` is the
    `secret_mark` on the page that asked: a page that is out of date, or sent twice, rotates nothing (EndpointRefused).
    """
    is_voximplant = endpoint.form == Endpoint.Form.VOXIMPLANT
    secret = new_api_key() if is_voximplant else new_secret()
    with transaction.atomic():
        locked = Endpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk).first()
        if locked is None or not constant_time_compare(secret_mark(locked), seen):
            raise EndpointRefused("The secret was changed meanwhile: look at the page again.")
        locked.previous_secret = "" if is_voximplant else locked.secret
        locked.previous_until = None if is_voximplant else now + ROTATION
        locked.secret = secret
        locked.save(update_fields=["secret", "previous_secret", "previous_until"])
    return secret


def switch_on(endpoint: Endpoint) -> None:
    """Tell it again, from now on. What happened meanwhile was not kept for it."""
    Endpoint.objects.filter(pk=endpoint.pk).update(enabled=True, failing_since=None, switched_off_at=None)


def switch_off(endpoint: Endpoint) -> None:
    """Tell it nothing more until somebody switches it on; what is on its way to it is dropped."""
    Endpoint.objects.filter(pk=endpoint.pk, enabled=True).update(enabled=False, switched_off_at=timezone.now())


def remove(endpoint: Endpoint) -> None:
    """Forget it with everything it was told. What is on its way to it is dropped."""
    id: Any = endpoint.pk

    def forget() -> None:
        # Its own row first: whoever writes a delivery or an attempt for it holds that row, or passes it over.
        tell("SELECT FROM webhooks_endpoint WHERE id = %s FOR UPDATE", [id])
        tell(_FORGET_ATTEMPTS, [id])
        tell("DELETE FROM webhooks_delivery WHERE endpoint_id = %s", [id])
        tell("DELETE FROM webhooks_endpoint WHERE id = %s", [id])

    in_one_transaction(forget)


def _check_form(account: Account | None, *, is_voximplant: bool, salt: str) -> None:
    if is_voximplant and account is None:
        raise EndpointRefused("The Voximplant form needs an account: its id is in the hash.", "form")
    if salt and not is_voximplant:
        raise EndpointRefused("Only the Voximplant form has a salt: leave it empty.", "salt")
    if len(salt) > LONGEST_SALT or not salt.isprintable():
        raise EndpointRefused(f"A salt is at most {LONGEST_SALT} printable characters.", "salt")
