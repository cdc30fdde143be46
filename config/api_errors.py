"""The one table from exceptions to API responses. Every error body is `{"code", "message", "details"}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError
from django.http import Http404
from rest_framework import exceptions as drf
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from accounts.exceptions import AccountError, UnknownAccount
from accounts.numbers import NumberUnreadable
from billing.exceptions import (
    BillingError,
    CannotReverse,
    DeckNotWhole,
    HoldClosed,
    InsufficientFunds,
    OutsideTransaction,
    ReferenceTaken,
    UnknownDeck,
)
from billing.money import NotMoney
from billing.wallets import MoneyHeld, NoWallet, WalletExists
from telephony.registrations import AccountNotActive, CannotRegister

log = structlog.get_logger(__name__)

# The first line that fits decides, so a family stands below its members. The message is the exception's own sentence.
STATUS_OF: tuple[tuple[type[Exception], int], ...] = (
    (OutsideTransaction, status.HTTP_500_INTERNAL_SERVER_ERROR),
    (InsufficientFunds, status.HTTP_402_PAYMENT_REQUIRED),
    (HoldClosed, status.HTTP_409_CONFLICT),
    (ReferenceTaken, status.HTTP_409_CONFLICT),
    (CannotReverse, status.HTTP_409_CONFLICT),
    (WalletExists, status.HTTP_409_CONFLICT),
    (MoneyHeld, status.HTTP_409_CONFLICT),
    (AccountNotActive, status.HTTP_403_FORBIDDEN),
    (UnknownDeck, status.HTTP_404_NOT_FOUND),
    (NoWallet, status.HTTP_404_NOT_FOUND),
    (UnknownAccount, status.HTTP_404_NOT_FOUND),
    (DeckNotWhole, status.HTTP_422_UNPROCESSABLE_ENTITY),
    (NotMoney, status.HTTP_422_UNPROCESSABLE_ENTITY),
    (NumberUnreadable, status.HTTP_422_UNPROCESSABLE_ENTITY),
    (BillingError, status.HTTP_422_UNPROCESSABLE_ENTITY),
    (AccountError, status.HTTP_422_UNPROCESSABLE_ENTITY),
    (CannotRegister, status.HTTP_422_UNPROCESSABLE_ENTITY),
    (ValidationError, status.HTTP_422_UNPROCESSABLE_ENTITY),
    (DatabaseError, status.HTTP_503_SERVICE_UNAVAILABLE),
)

OWN_TROUBLE = "Something went wrong on our side. It has been written down; please try again later."


def respond(error: Exception, context: Mapping[str, Any]) -> Response:
    """The response for any exception that leaves an API view. What we did not expect says nothing about itself."""
    if isinstance(error, (drf.APIException, Http404, PermissionDenied)):
        return _of_rest_framework(error, context)
    set_rollback()
    code = next((code for kind, code in STATUS_OF if isinstance(error, kind)), 500)
    if code >= status.HTTP_500_INTERNAL_SERVER_ERROR:
        log.error("request_failed", view=type(context.get("view")).__name__, exc_info=error)
        return Response(_body("unavailable" if code == status.HTTP_503_SERVICE_UNAVAILABLE else "own_trouble"), code)
    if isinstance(error, ValidationError):
        return Response(_body("invalid", "Some fields cannot be used.", _fields(error)), code)
    return Response(_body(_word(error), str(error)), code)


def _of_rest_framework(error: Exception, context: Mapping[str, Any]) -> Response:
    response = exception_handler(error, dict(context))
    assert response is not None  # noqa: S101 - these three kinds are what DRF's own handler answers
    if isinstance(error, drf.ValidationError):
        response.data = _body("invalid", "Some fields cannot be used.", error.get_full_details())
    elif isinstance(error, drf.APIException):
        response.data = _body(str(error.default_code), str(error.detail))
    elif isinstance(error, Http404):
        response.data = _body("not_found", "There is nothing here.")
    else:
        response.data = _body("permission_denied", "You may not do this.")
    return response


def _fields(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {"": error.messages}


def _body(code: str, message: str = OWN_TROUBLE, details: Any = None) -> dict[str, Any]:
    return {"code": code, "message": message, "details": details or {}}


def _word(error: Exception) -> str:
    """`InsufficientFunds` as `insufficient_funds`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
