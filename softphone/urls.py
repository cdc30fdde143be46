"""Where a softphone asks us; the addresses are those of docs/contract.md."""

from django.urls import path, re_path

from softphone import portal
from softphone.calling import CallThroughView
from softphone.calling_back import CallbackView
from softphone.checking import BalanceView, RateView
from softphone.messaging import FetchView, SendView
from softphone.provisioning import ProvisioningView
from softphone.push_tokens import RemovalView, ReportView
from softphone.views import NothingThereView

urlpatterns = [
    path("acrobits/callthrough/", CallThroughView.as_view(), name="softphone_call_through"),
    path(
        "acrobits/callthrough/<str:username>/<str:target>",
        CallThroughView.as_view(),
        name="softphone_call_through_path",
    ),
    path("acrobits/callback/", CallbackView.as_view(), name="softphone_callback"),
    path("acrobits/balance/", BalanceView.as_view(), name="softphone_balance"),
    path("acrobits/rate/", RateView.as_view(), name="softphone_rate"),
    path("acrobits/messages/send/", SendView.as_view(), name="softphone_send"),
    path("acrobits/messages/fetch/", FetchView.as_view(), name="softphone_fetch"),
    path("acrobits/push-token/", ReportView.as_view(), name="softphone_push_token"),
    path("acrobits/push-token/removed/", RemovalView.as_view(), name="softphone_push_token_removed"),
    path("acrobits/provisioning/", ProvisioningView.as_view(), name="softphone_provisioning"),
    # Whatever else begins so, even nothing and a line break, is answered as an app can read it.
    re_path(r"^acrobits/", NothingThereView.as_view(), name="softphone_nothing_there"),
    path("apps/", portal.apps, name="portal_apps"),
    path("apps/<int:line_id>/", portal.app, name="portal_app"),
]
