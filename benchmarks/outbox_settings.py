"""Our settings, with the benchmark's one errand."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.outbox_app.CarrierConfig"]
