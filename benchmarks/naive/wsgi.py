"""The way in that `django-admin startproject` writes, and the keys for the signature check."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.naive.settings")

application = get_wsgi_application()

from telephony.applications import watch_applications  # noqa: E402 - models exist only now

watch_applications()
