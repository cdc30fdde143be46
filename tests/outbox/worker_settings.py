"""The settings of the house, and the errands that only tests have. For processes that a test starts."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.outbox.carriers.CarriersConfig"]
