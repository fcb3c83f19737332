"""What tests in a browser do all the time: sign in, and see whether a page fits."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD


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
