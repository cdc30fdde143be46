"""Every address, in one place."""

from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("", include("softphone.urls")),
    path("", include("telephony.urls")),
    path("", include("billing.urls")),
    path("", include("webhooks.urls")),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
