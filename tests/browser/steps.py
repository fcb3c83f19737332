"""What tests in a browser do all the time: sign in, count what a person does, see whether a page fits."""

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD

# Every size and scheme, for `sized_page`.
SIZES = [pytest.param((width, scheme), id=f"{width}-{scheme}") for width in (1280, 390) for scheme in ("light", "dark")]


def sign_in(page: Page, address: str = "", *, name: str = "ann", password: str = PASSWORD) -> None:
    """Sign in, and see the console, whose scripts listen by then."""
    page.goto(f"{address}/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Console")).to_be_visible()
    page.wait_for_load_state()


def overhang(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    page.wait_for_load_state()  # A click leads on before the styles are there.
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


class Actions:
    """Counts what a person does."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def click(self, role: Literal["link", "button"], name: str, *, exact: bool = False) -> None:
        self.count += 1
        self.page.get_by_role(role, name=name, exact=exact).first.click()

    def press(self, key: str) -> None:
        self.count += 1
        self.page.keyboard.press(key)

    def fill(self, label: str, text: str) -> None:
        self.count += 1
        self.page.get_by_label(label).fill(text)
