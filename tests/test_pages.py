"""The pages for people: the way in, the API reference, and what they see when something is wrong."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

POLICY = {
    "default-src 'self'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
}
ASSET = re.compile(r'(?:src|href)="([^"]+)"')


@pytest.fixture
def browser_client() -> Client:
    return Client(raise_request_exception=False)


def assets_of(html: str) -> list[str]:
    return [address for address in ASSET.findall(html) if not address.startswith("#")]


@pytest.mark.parametrize("address", ["/", "/docs", "/docs/platform", "/nowhere"])
class TestEveryPage:
    def test_needs_nothing_from_outside(self, browser_client, address):
        html = browser_client.get(address).content.decode()
        assets = assets_of(html)

        assert assets
        assert all(asset.startswith("/") and not asset.startswith("//") for asset in assets)
        for asset in assets:
            if asset.startswith("/static/"):
                assert finders.find(asset.removeprefix("/static/")), asset

    def test_runs_under_the_strict_policy(self, browser_client, address):
        response = browser_client.get(address)
        html = response.content.decode()

        assert set(response.headers["Content-Security-Policy"].split("; ")) == POLICY
        assert not re.search(r"<style|<script(?![^>]*src=)|\sstyle=|\son\w+=|javascript:", html)

    def test_fits_small_screens(self, browser_client, address):
        assert 'name="viewport"' in browser_client.get(address).content.decode()


class TestLanding:
    def test_shows_the_first_request_to_this_server(self, browser_client):
        html = browser_client.get("/", headers={"Host": "localhost:8123"}).content.decode()
        assert 'curl -X POST "http://localhost:8123/api/v1/accounts/income-sources"' in html

    def test_leads_to_the_other_pages(self, browser_client):
        assert {"/docs", "/admin/", "/api/v1/schema"} <= set(assets_of(browser_client.get("/").content.decode()))

    def test_only_reads(self, browser_client):
        assert browser_client.post("/").status_code == 405


class TestApiReference:
    def test_leads_back(self, browser_client):
        assert "/" in assets_of(browser_client.get("/docs").content.decode())

    def test_has_its_script_apart(self, browser_client):
        [address] = [asset for asset in assets_of(browser_client.get("/docs").content.decode()) if "script" in asset]
        response = browser_client.get(address)

        assert response.headers["Content-Type"].startswith("application/javascript")
        assert 'url: "/api/v1/schema"' in response.content.decode()
        assert "http:" not in response.content.decode()


class TestTabsOfTheReference:
    def test_lead_from_one_dialect_to_the_other(self, browser_client):
        for address in ("/docs", "/docs/platform"):
            html = browser_client.get(address).content.decode()
            assert {"/docs", "/docs/platform"} <= set(assets_of(html))
            assert re.search(r'aria-current="page"', html)
            [script] = [asset for asset in assets_of(html) if "script" in asset]
            prefix = "/platform/v1" if address.endswith("platform") else "/api/v1"
            assert f'url: "{prefix}/schema"' in browser_client.get(script).content.decode()

    def test_are_none_where_the_dialect_is_off(self, browser_client, settings):
        settings.PLATFORM_API = False

        assert "/docs/platform" not in assets_of(browser_client.get("/docs").content.decode())
        assert browser_client.get("/docs/platform").status_code == 404


class TestFailurePages:
    def test_not_found(self, browser_client):
        response = browser_client.get("/nowhere")
        assert response.status_code == 404
        assert "There is nothing at this address" in response.content.decode()

    def test_bad_request(self, browser_client):
        response = browser_client.get("/", headers={"Host": "elsewhere.example"})
        assert response.status_code == 400
        assert "makes no sense here" in response.content.decode()

    def test_server_error(self, browser_client, monkeypatch):
        def fail(*_args: object, **_options: object) -> None:
            raise RuntimeError("A defect")

        monkeypatch.setattr("sequence.pages.render", fail)
        response = browser_client.get("/")
        assert response.status_code == 500
        assert "Something went wrong on our side" in response.content.decode()
        assert "defect" not in response.content.decode()

    def test_each_has_a_template(self):
        for status in (400, 403, 404, 500):
            assert (Path(settings.BASE_DIR) / "templates" / f"{status}.html").exists()
