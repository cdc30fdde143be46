"""Our API about calls, for people who have signed in. Every answer starts from the person's own account."""

from __future__ import annotations

from typing import cast

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404
from django.utils import timezone
from rest_framework.authentication import SessionAuthentication
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from accounts.models import User
from telephony.registrations import register
from telephony.serializers import RegistrationRequest, RegistrationToken


class RegistrationThrottle(UserRateThrottle):
    """An app asks once in ten minutes. Counted by each web process for itself, like the limits of signing in."""

    scope = "registration"
    rate = "30/min"


class RegistrationTokenView(APIView):
    """Gives an app the token with which it registers at the provider as one of the person's own users."""

    http_method_names = ["post"]
    authentication_classes = (SessionAuthentication,)
    permission_classes = (IsAuthenticated,)
    throttle_classes = (RegistrationThrottle,)
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)

    def post(self, request: Request) -> Response:
        asked = RegistrationRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        account = cast(User, request.user).account
        if account is None:
            raise Http404
        wanted = asked.validated_data
        try:
            registered = register(account, wanted["client_user"], timezone.now(), application_key=wanted["application"])
        except ObjectDoesNotExist:
            # Somebody else's user looks like nobody's.
            raise Http404 from None
        return Response(RegistrationToken(registered).data, headers={"Cache-Control": "no-store"})
