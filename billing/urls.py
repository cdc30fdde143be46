"""The customer's pages about money."""

from django.urls import path

from billing import portal

urlpatterns = [
    path("money/", portal.money, name="portal_money"),
    path("alerts/", portal.alerts, name="portal_alerts"),
    path("alerts/<int:alert_id>/", portal.alert, name="portal_alert"),
]
