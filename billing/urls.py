"""The customer's pages about money."""

from django.urls import path

from billing import portal

urlpatterns = [path("money/", portal.money, name="portal_money")]
