"""Lines: given to an app's user, given new secrets, revoked. Every change is whole: one transaction, or nothing.

A line's secrets prove its app to us and sign nobody in to the portal. They are kept encrypted, shown by whoever gives
or rotates them, and replaced at once when the line is revoked, so that what was handed out proves nothing any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import pins
from accounts.models import CallerNumber, ClientUser
from accounts.numbers import NumberUnreadable, parse_number
from softphone.dial_strings import DialTemplateUnusable, check_template
from softphone.models import DialForm, Line, Softphone
from telephony.models import AccessNumber

SECRET_BYTES = 24  # 32 characters, every one of them allowed in an address
TOKEN_BYTES = 32
PIN_DIGITS = 8

NOT_THEIRS = "This is not a verified number of the account, or it is another user's: verify it first."


class LineRefused(ValueError):
    """What was asked of a line cannot be done; the message is one sentence, `field` the input it is about, if any."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Dialling:
    """What an app with this line is told to dial: a value of `DialForm`, or none, and its template if it has one."""

    form: str
    template: str


def give(
    client_user: ClientUser,
    softphone: Softphone,
    *,
    callback_number: CallerNumber | None = None,
    access_number: AccessNumber | None = None,
) -> Line:
    """The user's line, with secrets that nobody has seen yet. Raises LineRefused when there is one already."""
    with transaction.atomic():
        owner = _lock_user(client_user.pk)
        if Line.objects.filter(client_user=owner).exists():
            raise LineRefused(f"{owner.name} has a line already: give it new secrets instead.", "client_user")
        line = Line(client_user=owner, softphone=softphone)
        _point(line, callback_number, access_number)
        _renew(line, owner)
        line.save()
    return line


def rotate(line: Line, *, seen: str) -> Line:
    """The line with a new secret, token and PIN; the old ones prove nothing from now on. A revoked line is restored.

    Push tokens go as well: an installation that gets the new secrets reports itself again when it starts. `seen` is
    the `mark` of the line as whoever asks has seen it; out of date, or sent twice, it changes nothing (LineRefused).
    """

    def renew(current: Line, owner: ClientUser) -> None:
        if not constant_time_compare(mark(current), seen):
            raise LineRefused("The line's secrets were changed meanwhile: look at it again.")
        current.revoked_at = None
        _renew(current, owner)

    return _change(line, renew)


def revoke(line: Line) -> Line:
    """The line proves nothing any more, whatever was handed out for it; done twice it is done once."""

    def close(current: Line, owner: ClientUser) -> None:
        if current.revoked_at is None:
            current.revoked_at = timezone.now()
        # Nobody has ever seen these, so nothing depends on a single look at `revoked_at`.
        current.secret, current.token, current.pin = _new_secret(), _new_token(), ""
        _keep_pin_digest(owner, "")

    return _change(line, close)


def point(
    line: Line,
    *,
    callback_number: CallerNumber | None,
    access_number: AccessNumber | None,
    dialling: Dialling | None = None,
) -> Line:
    """Where Web Callback rings the line's user, and which access number its app dials; None: nowhere, by the country.

    `dialling` is the line's own way, or empty for its app's; None leaves it as it is. Its secrets stay. Raises
    LineRefused for a number that is not the account's, not verified, or not offered, and for an unusable template.
    """
    with transaction.atomic():
        _lock_user(line.client_user_id)
        current = lines().get(pk=line.pk)
        _point(current, callback_number, access_number)
        if dialling is not None:
            _check_dialling(dialling, current.softphone)
            current.dial_form, current.dial_template = dialling.form, dialling.template
        current.save(update_fields=["callback_number", "access_number", "dial_form", "dial_template"])
    return current


def mark(line: Line) -> str:
    """Names the line's present secrets without telling them, so that a page can say which ones it means to replace."""
    return salted_hmac("softphone.line", f"{line.secret}:{line.revoked_at}", algorithm="sha256").hexdigest()[:32]


def dialling_of(line: Line) -> Dialling:
    """The line's own dial form, else its app's. A template of the app's serves a line that has none of its own."""
    softphone = line.softphone
    if not line.dial_form:
        return Dialling(form=softphone.dial_form, template=softphone.dial_template)
    return Dialling(form=line.dial_form, template=line.dial_template or softphone.dial_template)


def offered_numbers(line: Line | None = None) -> QuerySet[AccessNumber]:
    """The access numbers that apps may be told to dial, and the one that the line dials already."""
    offered = Q(enabled=True, is_offered=True)
    if line is not None and line.access_number_id is not None:
        offered |= Q(pk=line.access_number_id)
    return AccessNumber.objects.filter(offered).order_by("number")


def callback_numbers(client_user: ClientUser) -> QuerySet[CallerNumber]:
    """The numbers at which Web Callback may ring this user: their account's verified ones that are nobody else's."""
    verified = CallerNumber.objects.filter(account=client_user.account_id, verified_at__isnull=False)
    return verified.filter(Q(client_user=None) | Q(client_user=client_user)).order_by("number")


def find_line(client_user: str) -> Line:
    """The line of the app's user of this name. Raises LineRefused."""
    line = lines().filter(client_user__name=client_user).first()
    if line is None:
        raise LineRefused(f"The app user {client_user!r} has no line: give it one.")
    return line


def find_user(name: str) -> ClientUser:
    """The app's user of this name. Raises LineRefused."""
    user = ClientUser.objects.filter(name=name).first()
    if user is None:
        raise LineRefused(f"There is no app user {name!r}: add one to an account first.", "client_user")
    return user


def find_callback_number(client_user: ClientUser, text: str) -> CallerNumber:
    """One of the user's callback numbers, as people write numbers. Raises LineRefused."""
    found = callback_numbers(client_user).filter(number=_read(text)).first()
    if found is None:
        raise LineRefused(NOT_THEIRS, "callback_number")
    return found


def find_access_number(text: str) -> AccessNumber:
    """The access number that apps may be told to dial, as people write numbers. Raises LineRefused."""
    found = AccessNumber.objects.filter(number=_read(text)).first()
    if found is None:
        raise LineRefused("This is not an access number of ours: add it first.", "access_number")
    return found


def lines() -> QuerySet[Line]:
    """Every line, with what a page or a command says about it."""
    return Line.objects.select_related("client_user__account", "softphone", "callback_number", "access_number")


def _change(line: Line, change: Callable[[Line, ClientUser], None]) -> Line:
    """Change the secrets of a line and what hangs on them; the line as it is then."""
    with transaction.atomic():
        # Whoever gives, rotates or revokes holds the user's row, so a line is changed by one at a time.
        owner = _lock_user(line.client_user_id)
        current = lines().get(pk=line.pk)
        change(current, owner)
        current.save(update_fields=["secret", "token", "pin", "revoked_at"])
        current.push_tokens.all().delete()
    return current


def _lock_user(client_user_id: int) -> ClientUser:
    locked = ClientUser.objects.select_for_update(no_key=True, of=("self",)).select_related("account")
    return locked.get(pk=client_user_id)


def _point(line: Line, callback_number: CallerNumber | None, access_number: AccessNumber | None) -> None:
    if callback_number is not None and not callback_numbers(line.client_user).filter(pk=callback_number.pk).exists():
        raise LineRefused(NOT_THEIRS, "callback_number")
    # One that it has already may stay, also while it is not offered.
    if access_number is not None and access_number.pk != line.access_number_id and not _is_offered(access_number):
        raise LineRefused("This access number is not offered to apps: offer it first.", "access_number")
    line.callback_number, line.access_number = callback_number, access_number


def _check_dialling(dialling: Dialling, softphone: Softphone) -> None:
    template = dialling.template or (softphone.dial_template if dialling.form == DialForm.TEMPLATE else "")
    if not template and dialling.form != DialForm.TEMPLATE:
        return
    try:
        check_template(template)
    except DialTemplateUnusable as unusable:
        raise LineRefused(str(unusable), "dial_template") from None


def _is_offered(access_number: AccessNumber) -> bool:
    return access_number.enabled and access_number.is_offered


def _renew(line: Line, owner: ClientUser) -> None:
    line.secret, line.token, line.pin = _new_secret(), _new_token(), _new_pin(owner)
    _keep_pin_digest(owner, pins.digest_of_line_pin(owner.account_id, line.pin))


def _keep_pin_digest(owner: ClientUser, digest: str) -> None:
    owner.pin_digest = digest
    owner.save(update_fields=["pin_digest"])


def _new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def _new_pin(owner: ClientUser) -> str:
    """Eight digits that prove nobody else of the account."""
    account = owner.account
    while True:
        pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}"
        digest = pins.digest_of_line_pin(account.pk, pin)
        is_taken = ClientUser.objects.filter(account=account, pin_digest=digest).exists()
        if not is_taken and not pins.fits(pin, account.pin_hash):
            return pin


def _read(text: str) -> str:
    try:
        return parse_number(text)
    except NumberUnreadable as unreadable:
        raise LineRefused(str(unreadable)) from None
