"""What a menu refers to outside itself: accounts, other menus and numbers of ours. Names to ids, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from accounts.models import Account, CallerNumber
from accounts.numbers import display
from telephony import menus
from telephony.menu_checks import Problem, Unpaid, handed_on, only_transfers, reachable, unpaid_connection
from telephony.menus import Action, Does, Keys
from telephony.models import AccessNumber, Menu, MenuVersion
from telephony.providers.base import CannotExpress
from telephony.registry import CannotDoThat, voice

NEW_MENU = 0
NAMED: Mapping[Does, type[Account] | type[Menu]] = {Does.CONNECT_ACCOUNT: Account, Does.TRANSFER: Menu}


def names_in(menu: menus.Menu) -> dict[Does, dict[str, str]]:
    """The names of the accounts and menus that a menu leads to, by what leads there and by their ids."""
    ids = {does: {int(action.target) for _, _, action in keys_of(menu) if _is(action, does)} for does in NAMED}
    return {
        does: {str(pk): name for pk, name in model.objects.filter(pk__in=ids[does]).values_list("pk", "name")}
        for does, model in NAMED.items()
    }


def keys_of(menu: menus.Menu) -> Iterator[tuple[str, str, Action]]:
    """Every key of a menu: its question, the key and what it does."""
    for question in menu.questions:
        if isinstance(question.expects, Keys):
            for key, action in question.expects.actions.items():
                yield question.name, key, action


def menus_in_force() -> dict[int, menus.Menu]:
    """What every menu asks now, by the menu's id."""
    newest = MenuVersion.objects.order_by("menu_id", "-number").distinct("menu_id")
    return {version.menu_id: version.read() for version in newest}


def own_numbers(account_id: int) -> list[str]:
    """The numbers at which an account can be reached: proved, and shown."""
    found = CallerNumber.objects.filter(account_id=account_id, verified_at__isnull=False, is_shown=True)
    return list(found.values_list("number", flat=True))


def broken_links(menu: menus.Menu, id: int | None) -> list[Problem]:
    """Everything that is wrong between a menu and the rest of the house. `id` is None for a menu not saved yet."""
    everyone = menus_in_force() | {id or NEW_MENU: menu}
    links = [
        Problem(question, key, sentence)
        for question, key, action in keys_of(menu)
        for sentence in _of_action(action, everyone)
    ]
    if reachable(menu) and _transfers(menu) and only_transfers(everyone, id or NEW_MENU):
        links.append(
            Problem("", "", "Callers are only handed from menu to menu: one of these menus has to do something.")
        )
    return links + ([] if id is None else [*_unpaid(everyone, id), *_inexpressible(everyone, id)])


def inexpressible(provider: str, asked: Iterable[menus.Menu]) -> str:
    """Why the provider cannot play one of these menus; empty when it can."""
    try:
        for menu in asked:
            voice(provider).check_menu(menu)
    except (CannotExpress, CannotDoThat) as cannot:
        return str(cannot)
    return ""


def explain(unpaid: Unpaid, menu_name: str) -> str:
    """Which option connects at nobody's cost."""
    return (
        f"Key {unpaid.key} of “{unpaid.question}” in the menu “{menu_name}” connects to {display(unpaid.number)} "
        "without asking for a PIN, so an account has to pay for it."
    )


def _transfers(menu: menus.Menu) -> bool:
    return any(action.does is Does.TRANSFER for _, _, action in keys_of(menu))


def _of_action(action: Action, everyone: Mapping[int, menus.Menu]) -> Iterator[str]:
    if action.does is Does.CONNECT and AccessNumber.objects.filter(number=action.target).exists():
        yield f"{display(action.target)} is a number of ours: choose “go on in another menu” instead."
    elif _is(action, Does.CONNECT_ACCOUNT):
        yield from _of_account(int(action.target))
    elif _is(action, Does.TRANSFER) and int(action.target) not in everyone:
        yield "This menu is not there any more, or nothing was saved in it yet."


def _of_account(account_id: int) -> Iterator[str]:
    account = Account.objects.filter(pk=account_id).first()
    if account is None:
        yield "This account is not there any more."
        return
    numbers = own_numbers(account_id)
    if not numbers:
        yield f"{account.name} has no verified number that may be shown, so nobody can be connected to it."
    elif AccessNumber.objects.filter(number__in=numbers).exists():
        yield f"The number of {account.name} is an access number of ours: calls would go round in circles."


def _unpaid(everyone: Mapping[int, menus.Menu], id: int) -> Iterator[Problem]:
    """Numbers that nobody pays for and that lead here, directly or through other menus."""
    for number in AccessNumber.objects.filter(account=None, menu__isnull=False).select_related("menu"):
        assert number.menu is not None  # noqa: S101 - filtered above
        unpaid = unpaid_connection(everyone, number.menu.pk)
        if unpaid is not None and unpaid.menu == id:
            yield Problem(
                unpaid.question,
                unpaid.key,
                f"Callers of {display(number.number)} are connected without a PIN, and no account pays for that "
                "number: ask for the PIN first, or give the number an account.",
            )


def _inexpressible(everyone: Mapping[int, menus.Menu], id: int) -> Iterator[Problem]:
    """Numbers that lead here, directly or through other menus, at providers that cannot play it or what follows it."""
    asked = list(handed_on(everyone, id).values())
    for number in AccessNumber.objects.filter(menu__isnull=False, enabled=True).select_related("application"):
        why = inexpressible(number.application.provider, asked)
        if why and id in handed_on(everyone, number.menu_id or NEW_MENU):
            yield Problem("", "", f"Its provider cannot play to callers of {display(number.number)}: {why}")
            return


def _is(action: Action, does: Does) -> bool:
    return action.does is does and action.target.isdecimal()


def with_ids(menu: menus.Menu) -> menus.Menu:
    """The menu as people write it, with names of accounts and menus replaced by their ids.

    A name that is not found stays, in quotation marks, so that nobody takes it for an id.
    """
    written = {does: {action.target for _, _, action in keys_of(menu) if action.does is does} for does in NAMED}
    ids = {
        does: dict(model.objects.filter(name__in=written[does]).values_list("name", "pk"))
        for does, model in NAMED.items()
    }

    def found(action: Action) -> Action:
        if action.does not in ids or not action.target:
            return action
        pk = ids[action.does].get(action.target)
        return replace(action, target=f"“{action.target}”" if pk is None else str(pk))

    questions = tuple(
        replace(question, expects=Keys({key: found(action) for key, action in question.expects.actions.items()}))
        if isinstance(question.expects, Keys)
        else question
        for question in menu.questions
    )
    return replace(menu, questions=questions)
