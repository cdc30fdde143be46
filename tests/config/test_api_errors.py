"""Every exception that can leave an API view has a status, a code and one shape."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions as drf
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts.exceptions import AccountError, UnknownAccount
from accounts.numbers import NumberUnreadable
from billing.exceptions import (
    BillingError,
    CannotReverse,
    HoldClosed,
    InsufficientFunds,
    OutsideTransaction,
    ReferenceTaken,
    UnknownDeck,
)
from billing.money import NotMoney
from config.api_errors import OWN_TROUBLE
from telephony.registrations import AccountNotActive, CannotRegister

CASES = [
    (InsufficientFunds("0.02 USD are there."), 402, "insufficient_funds", "0.02 USD are there."),
    (HoldClosed("settled before"), 409, "hold_closed", "settled before"),
    (ReferenceTaken("used before"), 409, "reference_taken", "used before"),
    (CannotReverse("reversed before"), 409, "cannot_reverse", "reversed before"),
    (UnknownDeck("no such deck"), 404, "unknown_deck", "no such deck"),
    (UnknownAccount("no such account"), 404, "unknown_account", "no such account"),
    (NotMoney("five is no amount"), 422, "not_money", "five is no amount"),
    (NumberUnreadable("no number"), 422, "number_unreadable", "no number"),
    (BillingError("odd"), 422, "billing_error", "odd"),
    (AccountNotActive("suspended"), 403, "account_not_active", "suspended"),
    (CannotRegister("where?"), 422, "cannot_register", "where?"),
    (AccountError("odd"), 422, "account_error", "odd"),
    (OutsideTransaction("our mistake"), 500, "own_trouble", OWN_TROUBLE),
    (RuntimeError("password=hunter2"), 500, "own_trouble", OWN_TROUBLE),
    (OperationalError("host=10.0.0.1"), 503, "unavailable", OWN_TROUBLE),
    (Http404("call 17 of Rival"), 404, "not_found", "There is nothing here."),
    (PermissionDenied("nope"), 403, "permission_denied", "You may not do this."),
    (drf.NotAuthenticated(), 403, "not_authenticated", "Authentication credentials were not provided."),
    (drf.MethodNotAllowed("PUT"), 405, "method_not_allowed", 'Method "PUT" not allowed.'),
]


def answer(error: Exception):
    class Failing(APIView):
        authentication_classes = ()

        def get(self, request):
            raise error

    response = Failing.as_view()(APIRequestFactory().get("/"))
    return response.status_code, response.data


@pytest.mark.parametrize(("error", "status", "code", "message"), CASES, ids=lambda case: type(case).__name__)
def test_every_exception_has_its_line_in_the_table(error: Exception, status: int, code: str, message: str) -> None:
    assert answer(error) == (status, {"code": code, "message": message, "details": {}})


def test_fields_that_cannot_be_used_are_named() -> None:
    status, body = answer(ValidationError({"name": ["Too long."]}))
    assert (status, body["code"], body["details"]) == (422, "invalid", {"name": ["Too long."]})
    status, body = answer(drf.ValidationError({"amount": ["Not a number."]}))
    assert (status, body["code"]) == (400, "invalid")
    assert body["details"]["amount"][0]["message"] == "Not a number."
