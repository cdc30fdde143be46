"""Django's settings. What differs between machines comes from the environment, through `config.env`."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent

environment = env.read()

SECRET_KEY = environment.secret_key
SECRET_KEY_FALLBACKS = environment.secret_key_fallbacks
FIELD_KEYS = tuple(environment.field_keys)
DEBUG = environment.debug
ALLOWED_HOSTS = environment.allowed_hosts
PUBLIC_URL = environment.public_url
SECURE = urlsplit(PUBLIC_URL).scheme == "https"

INSTALLED_APPS = [
    "config.apps.RingfenceAdmin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "allauth",
    "allauth.account",
    "csp",
    "config.apps.ConfigApp",
    "softphone",
    "telephony",
    "billing",
    "webhooks",
    "accounts",
    "outbox",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- the database ----------------------------------------------------------------------------------------------------
DB_PREPARED_STATEMENTS = environment.db_prepared_statements
DATABASES = {
    "default": {
        **environment.database,
        "ENGINE": "postgres",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": False,  # a lost connection is noticed, closed and tried again in postgres.work
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            **environment.database["OPTIONS"],
            "prepare_threshold": 5 if DB_PREPARED_STATEMENTS else None,
            "options": " ".join(
                [
                    environment.database["OPTIONS"].get("options", ""),
                    "-c lock_timeout=500ms",
                    "-c idle_in_transaction_session_timeout=5s",
                    "-c statement_timeout=15s",
                    # A generic plan is right for every call, and planning costs more than running it.
                    "-c plan_cache_mode=force_generic_plan",
                    "-c jit=off",
                ]
            ).strip(),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "portal"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # people are added by staff; there is no sign-up
ACCOUNT_SESSION_REMEMBER = False  # the cookie goes with the browser, the session after SESSION_COOKIE_AGE
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/15m/key", "change_password": "5/m/user"}
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if environment.trusted_proxy else 0
# The limits above are counted here, in each web process by itself: N processes allow N times as many attempts. Those of
# apps have a store of their own: a full one forgets, and theirs is filled by anybody who makes up user names.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "softphone": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "softphone",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}
ACCOUNT_ADAPTER = "accounts.portal.SignIn"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

# --- pages -----------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = environment.time_zone
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True  # served from where they are: nothing to collect, nothing to go stale
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- security --------------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_AGE = 8 * 3600
CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
# People are sent to https. A provider's callback is answered where it arrives: its signature would not survive a
# redirect, and neither would the call. Probes come from inside.
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^callbacks/", r"^acrobits/", r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if environment.trusted_proxy else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144  # a menu of fifty questions as a form; callbacks have a limit of their own
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

# --- calls -----------------------------------------------------------------------------------------------------------
SIGNATURE_TOLERANCE_SECONDS = environment.signature_tolerance_seconds
LATE_EVENT_TOLERANCE_SECONDS = environment.late_event_tolerance_seconds
CALLBACK_DEADLINE_SECONDS = environment.callback_deadline_seconds
DIAL_TIMEOUT_SECONDS = environment.dial_timeout_seconds
HOLD_MARGIN_SECONDS = environment.hold_margin_seconds

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "config.api_errors.respond",
}

# --- call-through ----------------------------------------------------------------------------------------------------
CALL_THROUGH_SECONDS = environment.call_through_seconds
GEOIP_DB_PATH = environment.geoip_db_path

WEB_WORKERS = environment.web_workers
WEB_THREADS = environment.web_threads

# --- work that leaves the house --------------------------------------------------------------------------------------
OUTBOX_LEASE_SECONDS = environment.outbox_lease_seconds
WEBHOOK_PRIVATE_TARGETS = frozenset(environment.webhook_private_targets)
OPERATOR_EMAIL = environment.operator_email
OPERATOR_NUMBER = environment.operator_number
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.email_from
EMAIL_TIMEOUT = 10
EMAIL = env.read_mail(environment.email_url, BASE_DIR / "var" / "mail")
EMAIL_BACKEND, EMAIL_FILE_PATH = EMAIL["backend"], EMAIL["folder"]
EMAIL_HOST, EMAIL_PORT = EMAIL["host"], EMAIL["port"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = EMAIL["user"], EMAIL["password"]
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL["starttls"], EMAIL["tls"]
CELERY_BROKER_URL = environment.redis_url
# What costs money has a queue of its own, and in production a worker of its own: neither a customer's slow system nor
# a long job of the timetable keeps a text or a callout waiting.
PAID_QUEUE = "paid"
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: a broker may be away for an hour
CELERY_BROKER_CHANNEL_ERROR_RETRY = True  # without it a broker that is full ends the worker
# A job that hangs is interrupted, then killed; the next one finds what it left.
CELERY_TASK_SOFT_TIME_LIMIT = 300
CELERY_TASK_TIME_LIMIT = 330
# With the defaults the work of a killed worker came back after 94 s, with these after 8 s; and who finds the broker
# away or hanging knows it after 4 s, instead of after 6 or never.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 2,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
    "visibility_timeout": 60,
    "unacked_restore_throttle": 1,
    "unacked_restore_interval": 2,
}

# --- logs ------------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.logs.formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # A refused callback is counted where it is refused; a line from Django for each would let a flood fill the disk.
    "loggers": {"django.request": {"level": "ERROR"}},
    "root": {"handlers": ["stderr"], "level": environment.log_level},
}
