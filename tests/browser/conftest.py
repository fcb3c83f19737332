"""A real browser before a real server. These tests are skipped where there is no Chromium."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Request as PlaywrightRequest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "correct horse battery staple"
# What a page may take to come, and to look as expected. Only a failing test ever waits for it; the half minute and the
# five seconds that are the defaults are not enough for a busy machine.
PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium: the one that the variable CHROMIUM names, else the machine's."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("There is no Chromium here. Install it, or say where it is in the variable CHROMIUM.")
    # Playwright runs an event loop in this thread, in which Django suspects every query of blocking others.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=PATIENCE_SECONDS * 1000)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, timeout=PATIENCE_SECONDS * 1000)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complains about: violations of the security policy, errors of scripts, failed requests."""
    return []


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return a browser without a past, which is patient."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    return context


def open_window(browser: Browser, complaints: list[str], **options: Any) -> Iterator[Page]:
    """Give a new window, whose complaints fail the test at its end."""
    context = new_context(browser, **options)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
    page.on("requestfailed", lambda failed: _note_failure(failed, complaints))
    page.on(
        "response", lambda answer: complaints.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
    )
    yield page
    context.close()
    assert complaints == []


def _note_failure(failed: PlaywrightRequest, complaints: list[str]) -> None:
    # A page that turns out to be a file to be saved is "aborted".
    if failed.failure != "net::ERR_ABORTED":
        complaints.append(f"failed: {failed.url}")


@pytest.fixture
def page(browser, complaints) -> Iterator[Page]:
    """A new window."""
    yield from open_window(browser, complaints)


NARROW = pytest.param((390, "dark"), id="narrow, dark", marks=pytest.mark.full)


@pytest.fixture(params=[pytest.param((1280, "light"), id="wide, light"), NARROW])
def sized_page(request, browser, complaints, live_server) -> Iterator[Page]:
    """A new window, once wide and light, once narrow and dark; addresses may begin with a slash."""
    width, scheme = request.param
    viewport = {"width": width, "height": 900}
    yield from open_window(browser, complaints, base_url=live_server.url, viewport=viewport, color_scheme=scheme)


@pytest.fixture
def staff(transactional_db) -> User:
    return User.objects.create_superuser("ann", password=PASSWORD)
