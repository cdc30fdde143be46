"""The customer's pages about webhooks."""

from django.urls import path

from webhooks import portal

urlpatterns = [
    path("webhooks/", portal.webhooks, name="portal_webhooks"),
    path("webhooks/<int:endpoint_id>/", portal.webhook, name="portal_webhook"),
]
