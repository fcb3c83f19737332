"""The pages of the guides, and what they are made of."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from sequence.guides.library import ADDRESS, FOLDER, guides, shelves
from sequence.guides.rendering import html_of
from tests.api_docs.conformance import operations

NAMES = sorted(guides())


@pytest.fixture(scope="module")
def client() -> Client:
    return Client()


class TestLibrary:
    def test_holds_every_page_once(self):
        listed = [guide.path for shelf in shelves().values() for guide in shelf]
        assert sorted(listed) == sorted(FOLDER.rglob("*.md"))
        assert len(guides()) == len(listed)

    @pytest.mark.parametrize("name", NAMES)
    def test_has_a_title_and_a_lead(self, name):
        guide = guides()[name]
        assert guide.text.startswith("# ")
        assert 20 < len(guide.lead) < 300
        assert not re.search(r"[\[\]|#<]", guide.lead)


@pytest.mark.parametrize("name", NAMES)
class TestPage:
    def test_is_shown(self, client, name):
        html = client.get(f"{ADDRESS}/{name}").content.decode()

        assert html.count("<h1") == 1
        assert 'aria-current="page"' in html
        assert not re.search(r"<style|<script|\sstyle=|\son\w+=|javascript:|<!--|&lt;!--", html)

    def test_is_markdown_too(self, client, name):
        answer = client.get(f"{ADDRESS}/{name}.md")

        assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
        assert answer.content.decode() == guides()[name].text

    def test_leads_to_pages_that_are_there(self, client, name):
        for target in re.findall(r'href="(/[^"]*)"', html_of(guides()[name])):
            address, _, anchor = target.partition("#")
            answer = client.get(address)
            assert answer.status_code == 200, target
            assert not anchor or address == "/docs" or f'id="{anchor}"' in answer.content.decode(), target


class TestContents:
    def test_lists_every_page(self, client):
        html = client.get(ADDRESS).content.decode()
        assert [name for name in NAMES if f'href="{ADDRESS}/{name}"' not in html] == []

    def test_is_there_for_programs(self, client):
        told = client.get("/llms.txt")
        assert told.headers["Content-Type"] == "text/plain; charset=utf-8"
        text = told.content.decode()
        assert text.startswith("# Sequence\n\n> ")
        assert [name for name in NAMES if f"({ADDRESS}/{name}.md)" not in text] == []
        assert client.get(f"{ADDRESS}.md").content.decode() == text

    def test_has_the_reference_too(self, client):
        answer = client.get("/docs.md")
        text = answer.content.decode()

        assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
        assert [f"{method} {path}" for method, path, _ in operations() if f"\n### {method} {path}\n" not in text] == []
        assert "- `max_amount_exceeded`: Above the agent's cap" in text

    def test_leads_programs_to_what_is_there(self, client):
        text = client.get("/llms.txt").content.decode()
        for address in re.findall(r"\]\((/[^)]*)\)", text):
            assert client.get(address).status_code == 200, address

    def test_what_is_not_there_is_404(self, client):
        for address in (f"{ADDRESS}/nothing", f"{ADDRESS}/nothing.md", f"{ADDRESS}/../settings.md"):
            assert client.get(address).status_code == 404

    def test_only_reads(self, client):
        assert client.post(ADDRESS).status_code == 405


class TestRendering:
    def test_shows_html_as_text(self, tmp_path: Path):
        (tmp_path / "page.md").write_text("# T\n\n<script>alert(1)</script> [x](javascript:alert(1))\n")
        html = html_of(type(guides()["rules"])(tmp_path / "page.md"))
        assert "<script>" not in html
        assert 'href="javascript' not in html

    def test_needs_the_folder_of_the_checkout(self):
        assert Path(settings.BASE_DIR) / "docs" == FOLDER
