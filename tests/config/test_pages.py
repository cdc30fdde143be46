"""What every page has in common: its headers, its cookies, and what a deployment check says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client, override_settings

from accounts.models import User
from tests.builders import an_account

ROOT = Path(__file__).resolve().parents[2]

PAGES = [
    "/", "/money/", "/calls/00000000-0000-4000-8000-000000000000/", "/accounts/login/", "/accounts/logout/",
    "/accounts/inactive/", "/accounts/password/change/", "/admin/", "/admin/accounts/account/",
    "/admin/telephony/call/", "/admin/jsi18n/", "/healthz", "/readyz", "/nowhere",
]  # fmt: skip


def on_https(code: str) -> str:
    """Run Python against settings for an https address, in a process of its own."""
    environment = {
        **os.environ,
        "PUBLIC_URL": "https://calls.example.com",
        "TRUSTED_PROXY": "1",
        "ALLOWED_HOSTS": "",
        "DEBUG": "",
    }
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # the browser tests of the same run set it for themselves
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_deployment_check_is_clean_and_silences_nothing() -> None:
    out = on_https(
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from django.conf import settings\n"
        "assert settings.SILENCED_SYSTEM_CHECKS == []\n"
        "call_command('check', deploy=True, fail_level='WARNING')"
    )
    assert "no issues" in out


def test_on_https_cookies_are_bound_to_the_host_and_people_are_redirected() -> None:
    out = on_https(
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "from django.conf import settings\n"
        "print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.SECURE_HSTS_SECONDS)\n"
        "c = Client(SERVER_NAME='calls.example.com')\n"
        "print(c.get('/accounts/login/')['Location'])\n"
        "r = c.get('/accounts/login/', headers={'x-forwarded-proto': 'https'})\n"
        "print(r.status_code, r['Strict-Transport-Security'], r.cookies['__Host-csrf'].OutputString())\n"
        "print(c.get('/healthz').status_code, c.post('/callbacks/sinch/', b'', content_type='x/y').status_code)\n"
    ).splitlines()
    assert out[0] == "__Host-session __Host-csrf 31536000"
    assert out[1] == "https://calls.example.com/accounts/login/"
    assert out[2].startswith("200 max-age=31536000; includeSubDomains; preload __Host-csrf=")
    assert all(word in out[2] for word in ("HttpOnly", "Secure", "Path=/", "SameSite=Lax"))
    assert out[3] == "200 401"


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("who", ["stranger", "customer", "staff"])
def test_every_page_has_its_security_headers(client: Client, path: str, who: str) -> None:
    if who == "customer":
        client.force_login(User.objects.create_user("owner@example.com", "a good password", account=an_account()))
    elif who == "staff":
        client.force_login(User.objects.create_superuser("staff@example.com", "a good password"))
    response = client.get(path)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_what_the_policy_forbids(admin_client: Client, path: str) -> None:
    page = admin_client.get(path).content.decode()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", page)


@pytest.mark.django_db
@override_settings(DEBUG=False)
def test_a_fault_shows_nothing_of_itself(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.raise_request_exception = False
    client.force_login(User.objects.create_user("owner@example.com", account=an_account()))

    def broken(account: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("billing.portal.wallet_of", broken)
    response = client.get("/money/")
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()
    assert "hunter2" not in response.content.decode()
