"""Our settings, with the database backend and the middleware that `django-admin startproject` writes."""

from config.settings import *  # noqa: F403
from config.settings import DATABASES, INSTALLED_APPS

ROOT_URLCONF = "benchmarks.naive.urls"
WSGI_APPLICATION = "benchmarks.naive.wsgi.application"
INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.naive"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # allauth refuses to start without it
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
DATABASES = {
    "default": {
        **DATABASES["default"],
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {**DATABASES["default"]["OPTIONS"], "prepare_threshold": None},
    }
}
