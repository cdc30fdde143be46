"""A person at a browser: goes to pages, signs in, takes pictures, and complains about every fault of a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SCREENSHOTS = Path(__file__).resolve().parents[2] / "var" / "screenshots"
PASSWORD = "correct horse battery"
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
# Both sizes and both colours, each once: what is wide does not depend on its colour.
LOOKS = [("desktop", "light"), ("phone", "dark")]


def follow(target: Any) -> None:
    """Click a link or a button that leads to another page, and wait until that page is there.

    A click alone returns while the old page is still shown: what is asked of it then depends on the machine's speed.
    """
    with target.page.expect_navigation():
        target.click()


class Visitor:
    """One window with its own cookies. `faults` collects what the browser's console and the network complain about."""

    def __init__(self, chromium: Any, address: str, *, size: str = "desktop", colours: str = "light") -> None:
        self.address = address
        self.look = f"{size}-{colours}"
        self.window = chromium.new_context(viewport=SIZES[size], color_scheme=colours)
        self.page = self.window.new_page()
        self.faults: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{self.page.url}: {message.text}")

    def _failed(self, request: Any) -> None:
        # The browser gives up what it was still loading when its user goes on; the page is not to blame for that.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"{request.url}: {request.failure}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.url}: {response.status}")

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def sign_in(self, email: str, path: str = "/") -> None:
        self.go(path)
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        follow(self.page.get_by_role("button", name="Sign in"))
        self.page.wait_for_url(lambda url: "/accounts/login/" not in url)

    def text(self) -> str:
        return str(self.page.inner_text("body"))

    def is_wider_than_its_window(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))

    def picture(self, name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}-{self.look}.png"
        self.page.screenshot(path=path, full_page=True)
        return path

    def leave(self) -> None:
        self.window.close()
