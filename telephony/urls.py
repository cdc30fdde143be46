"""Where providers call us, and customers look at their calls."""

from django.urls import path

from telephony import portal
from telephony.api import RegistrationTokenView
from telephony.callbacks import SinchCallbackView

urlpatterns = [
    path("callbacks/sinch/", SinchCallbackView.as_view(), name="sinch_callback"),
    path("api/v1/registration-token/", RegistrationTokenView.as_view(), name="registration_token"),
    path("", portal.home, name="portal"),
    path("calls/<uuid:id>/", portal.call, name="portal_call"),
]
