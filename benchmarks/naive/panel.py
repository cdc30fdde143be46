"""The way the well-known panels bill prepaid calls: look at the balance, grant all of it, subtract at hang-up.

No hold and no lock between the look and the charge, so every call that rings at the same time is granted the same
money. The subtraction itself is exact.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.db.models import F
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.naive.models import PanelCustomer
from benchmarks.naive.proof import SinchSignature
from benchmarks.naive.views import HANGUP, connect
from billing.rating import Terms, affordable_seconds, price_of

TERMS = Terms(price_per_minute=Decimal("0.06"))
LONGEST_CALL_SECONDS = 14_400


class PanelView(APIView):
    """ICE and DiCE of a panel."""

    authentication_classes: ClassVar = [SinchSignature]

    def post(self, request: Request) -> Response:
        """The answer in SVAML, or nothing."""
        event = request.data
        customers = PanelCustomer.objects.filter(name=event["user"])
        if event["event"] == "ice":
            balance = customers.get().balance
            seconds = affordable_seconds(TERMS, balance, at_most_seconds=LONGEST_CALL_SECONDS)
            return Response(connect(event["to"]["endpoint"], seconds, "") if seconds else HANGUP)
        customers.update(balance=F("balance") - price_of(TERMS, event["duration"]))
        return Response()
