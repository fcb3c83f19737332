"""A person signs in with a password and a code, in a real browser."""

import pyotp
import pytest
from playwright.sync_api import expect

from sequence.core.admin.second_factor import enrol, new_secret
from tests.browser.conftest import PASSWORD
from tests.browser.steps import overhang

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def secret(staff, settings) -> str:
    settings.STAFF_SECOND_FACTOR = True
    secret = new_secret()
    enrol(staff, secret)
    return secret


def fill_in(page, *, password: str, code: str) -> None:
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill(password)
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
class TestSigningIn:
    def test_with_a_code_opens_the_page_that_was_asked_for(self, live_server, page, secret, width, scheme):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{live_server.url}/admin/apikeys/apikey/")
        fill_in(page, password="wrong", code=pyotp.TOTP(secret).now())
        expect(page.get_by_role("alert")).to_contain_text("Name, password or code is wrong.")
        expect(page.get_by_label("Code")).to_have_value("")
        assert overhang(page) <= 0

        fill_in(page, password=PASSWORD, code=pyotp.TOTP(secret).now())
        expect(page.get_by_role("heading", name="API keys")).to_be_visible()
