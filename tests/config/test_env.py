"""The environment: what is read, what is refused, and that `.env.example` tells the same story."""

import re
from pathlib import Path

import pytest

from config import env
from tests.postgres_plugin import TEST_ENVIRONMENT

CHECKOUT = Path(__file__).resolve().parent.parent.parent
EXPLAINED = re.compile(r"^# \S.*\n([A-Z][A-Z_]+)=", re.MULTILINE)

FIELD_KEY = TEST_ENVIRONMENT["FIELD_KEY"]
COMPLETE = {
    "DATABASE_URL": "postgresql://ringfence:p%40ss%2Fword@db.example.com:5433/ring%20fence?sslmode=require",
    "REDIS_URL": "rediss://:secret@queue.example.com/1",
    "SECRET_KEY": "k" * 50,
    "FIELD_KEY": FIELD_KEY,
}


class Recorded(dict[str, str]):
    """A mapping that remembers what it was asked for."""

    def __init__(self, *arguments: dict[str, str]) -> None:
        super().__init__(*arguments)
        self.asked: set[str] = set()

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        self.asked.add(key)
        return super().get(key, default)


def names_read() -> set[str]:
    variables = Recorded(COMPLETE)
    env.read(variables)
    env.read_embedded_choices(variables)
    return variables.asked


def test_the_example_lists_exactly_what_is_read() -> None:
    listed = EXPLAINED.findall((CHECKOUT / ".env.example").read_text())
    assert sorted(listed) == sorted(names_read())


def test_no_other_module_reads_the_environment() -> None:
    reading = re.compile(r"os\.(getenv|environ\.get|environb|environ\[[^]]+\](?! =))")
    folders = ("accounts", "billing", "config", "outbox", "postgres", "sandbox", "softphone", "telephony", "webhooks")
    readers = {
        path.relative_to(CHECKOUT).as_posix()
        for folder in folders
        for path in (CHECKOUT / folder).rglob("*.py")
        if reading.search(path.read_text())
    }
    assert readers <= {"config/embedded.py"}, "it only looks whether a secret it made is already set"


def test_the_tests_themselves_decide_everything_but_where_the_servers_are() -> None:
    assert names_read() - TEST_ENVIRONMENT.keys() == {"DATABASE_URL", "REDIS_URL", "PG_BIN"}


def test_an_address_of_a_database_becomes_djangos_dictionary() -> None:
    assert env.read(COMPLETE).database == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "ring fence",
        "USER": "ringfence",
        "PASSWORD": "p@ss/word",
        "HOST": "db.example.com",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


def test_a_fresh_environment_has_the_documented_defaults() -> None:
    read = env.read(COMPLETE)
    assert (read.debug, read.time_zone, read.public_url) == (False, "UTC", "http://127.0.0.1:8000")
    assert read.allowed_hosts == ["127.0.0.1", "localhost"]
    assert read.db_prepared_statements is True
    assert (read.signature_tolerance_seconds, read.late_event_tolerance_seconds) == (300, 86_400)
    assert (read.callback_deadline_seconds, read.dial_timeout_seconds) == (1.5, 45)
    assert read.hold_margin_seconds == 120


def test_an_empty_value_counts_as_not_given() -> None:
    assert env.read(COMPLETE | {"DEBUG": "", "WEB_WORKERS": " "}) == env.read(COMPLETE)


def test_the_public_address_names_the_host_and_keeps_its_path() -> None:
    read = env.read(COMPLETE | {"PUBLIC_URL": "https://calls.example.com/voice/"})
    assert read.public_url == "https://calls.example.com/voice"
    assert read.allowed_hosts == ["calls.example.com"]


def test_the_newest_field_key_comes_first() -> None:
    older = "A" * 43 + "="
    assert env.read(COMPLETE | {"FIELD_KEY": f"{FIELD_KEY}, {older}"}).field_keys == [FIELD_KEY, older]


def test_secrets_do_not_show_when_the_environment_is_printed() -> None:
    shown = repr(env.read(COMPLETE))
    assert not any(secret in shown for secret in ("p@ss/word", ":secret@", "k" * 50, FIELD_KEY))


@pytest.mark.parametrize("name", sorted(COMPLETE))
def test_what_has_no_default_is_named_when_it_is_missing(name: str) -> None:
    with pytest.raises(env.ConfigurationError, match=rf"^{name} is not set: .*\.$"):
        env.read({key: value for key, value in COMPLETE.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db/ringfence"),
        ("DATABASE_URL", "postgresql://db"),
        ("DATABASE_URL", "postgresql://db/one/two"),
        ("DATABASE_URL", "postgresql://db:port/ringfence"),
        ("DATABASE_URL", "postgresql://db/ringfence?sslmod=require"),
        ("REDIS_URL", "memory://"),
        ("SECRET_KEY", "short"),
        ("FIELD_KEY", "not-a-fernet-key"),
        ("FIELD_KEY", "AAAA"),
        ("FIELD_KEY", ","),
        ("ALLOWED_HOSTS", "*"),
        ("PUBLIC_URL", "calls.example.com"),
        ("PUBLIC_URL", "https://calls.example.com?x=1"),
        ("PUBLIC_URL", "https://calls.example.com:port"),
        ("DEBUG", "perhaps"),
        ("DB_PREPARED_STATEMENTS", "2"),
        ("WEB_WORKERS", "0"),
        ("WEB_WORKERS", "65"),
        ("WEB_THREADS", "many"),
        ("LOG_LEVEL", "LOUD"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("SIGNATURE_TOLERANCE_SECONDS", "-1"),
        ("LATE_EVENT_TOLERANCE_SECONDS", "1.5"),
        ("CALLBACK_DEADLINE_SECONDS", "nan"),
        ("CALLBACK_DEADLINE_SECONDS", "soon"),
        ("DIAL_TIMEOUT_SECONDS", "601"),
        ("HOLD_MARGIN_SECONDS", "0"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(env.ConfigurationError, match=rf"^{name} [^.].*\.$"):
        env.read(COMPLETE | {name: value})


def test_a_refused_address_does_not_repeat_its_password() -> None:
    with pytest.raises(env.ConfigurationError) as refusal:
        env.read(COMPLETE | {"DATABASE_URL": "postgresql://ringfence:hunter2@db:port/ringfence"})
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__cause__ is None
