"""The app and the line of a request are what the ORM would have read."""

from __future__ import annotations

from typing import Any

import pytest
from django.forms.models import model_to_dict

from accounts.models import Account, ClientUser
from softphone import lines
from softphone.known import find_line, find_softphone
from softphone.models import Line, Softphone
from tests.builders import an_account
from tests.softphone.scenes import a_line, a_softphone

pytestmark = pytest.mark.django_db


def everything(found: Any) -> dict[str, Any]:
    return {field.attname: getattr(found, field.attname) for field in found._meta.concrete_fields}


def test_an_app_is_found_by_its_name_or_as_the_default() -> None:
    first = a_softphone("lusitel", parameter_names={"username": ["login"]}, proofs=["token", "digest"])
    second = a_softphone("other")
    for name, expected in (("", first), ("lusitel", first), ("other", second)):
        found = find_softphone(name)
        assert found == expected
        assert everything(found) == everything(Softphone.objects.get(pk=expected.pk))
    assert find_softphone("none") is None
    Softphone.objects.update(is_default=False)
    assert find_softphone("") is None


def test_a_line_comes_whole_with_its_user_its_account_and_its_app(django_assert_num_queries: Any) -> None:
    softphone = a_softphone()
    line = a_line(an_account(numbers=["+447700900123"], calls_at_once=3), name="ana", softphone=softphone)
    a_line(name="bea", softphone=softphone)
    with django_assert_num_queries(1):
        found = find_line(softphone, "ana")
        assert found is not None
        assert (found.client_user.account.name, found.softphone) == (line.client_user.account.name, softphone)
    assert everything(found) == everything(Line.objects.get(pk=line.pk))
    assert everything(found.client_user) == everything(ClientUser.objects.get(pk=line.client_user_id))
    assert everything(found.client_user.account) == everything(Account.objects.get(pk=line.client_user.account_id))
    found.dial_template = "{access_number}"
    found.save()
    assert Line.objects.get(pk=line.pk).secret == line.secret


def test_a_line_is_looked_for_in_its_own_app_and_found_when_it_is_revoked() -> None:
    line = a_line(name="ana")
    assert find_line(a_softphone("other"), "ana") is None
    assert find_line(line.softphone, "ANA") is None
    lines.revoke(line)
    found = find_line(line.softphone, "ana")
    assert found is not None
    assert found.revoked_at is not None
    assert model_to_dict(found)["pin"] == ""
