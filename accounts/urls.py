"""Signing in, signing out, a new password, notices. What else allauth could do has no address here."""

from allauth.account import views
from django.urls import path

from accounts import portal

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("notices/<int:notice_id>/dismiss/", portal.dismiss_notice, name="portal_dismiss_notice"),
]
