"""Where providers call us, and customers look at their calls."""

from django.urls import path

from telephony import portal, portal_card, portal_numbers
from telephony.api import RegistrationTokenView
from telephony.callbacks import SiftCallbackView, SinchCallbackView, SinchTextsCallbackView, VoximplantCallbackView

urlpatterns = [
    path("callbacks/sinch/", SinchCallbackView.as_view(), name="sinch_callback"),
    path("callbacks/sinch/sms/<str:token>/", SinchTextsCallbackView.as_view(), name="sinch_texts_callback"),
    path("callbacks/voximplant/", VoximplantCallbackView.as_view(), name="voximplant_callback"),
    # The same under a second address: texts can be diverted to one of their own.
    path("callbacks/voximplant/texts/", VoximplantCallbackView.as_view(), name="voximplant_texts_callback"),
    path("callbacks/sift/<str:token>/<path:topic>/", SiftCallbackView.as_view(), name="sift_callback"),
    path("api/v1/registration-token/", RegistrationTokenView.as_view(), name="registration_token"),
    path("", portal.home, name="portal"),
    path("numbers/", portal_numbers.numbers, name="portal_numbers"),
    path("numbers/<uuid:id>/", portal_numbers.number, name="portal_number"),
    path("card/", portal_card.card, name="portal_card"),
    path("card/telephones/<int:number_id>/", portal_card.trust, name="portal_trust"),
    path("calls/<uuid:id>/", portal.call, name="portal_call"),
]
