"""What people read: links that lead somewhere, words that are spelled right, and commands that are there."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from apikeys.entries import parse_permissions
from sequence.guides.rendering import anchors_of, links_of
from tests.guides.test_guides import TRIED

ROOT = Path(settings.BASE_DIR)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# Where else people read what we wrote.
TEXTS = [*PAGES, *(ROOT / "templates").rglob("*.html"), *ROOT.glob("*/*.md"), *(ROOT / "sequence/static").rglob("*.js")]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@each_page
def test_links_lead_somewhere(page: Path):
    for target in links_of(page.read_text()):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https://"), target
        elif target.startswith("/"):
            assert _is_an_address(path), target
        else:
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), target
            assert not anchor or anchor in _anchors_in(file), target


@cache
def _anchors_in(file: Path) -> set[str]:
    return set(anchors_of(file.read_text()))


def _is_an_address(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def test_every_page_of_the_top_level_is_named_in_the_readme():
    linked = set(links_of((ROOT / "README.md").read_text()))
    assert {page.name for page in ROOT.glob("*.md")} - {"README.md"} <= linked


def test_words_are_spelled_right():
    done = subprocess.run(  # noqa: S603 - our own check
        [Path(sys.executable).parent / "codespell", *TEXTS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@each_page
def test_commands_are_there(page: Path):
    named = re.findall(r"manage(?:\.py)? ([a-z]+_[a-z_]+)", page.read_text())
    assert [name for name in named if name not in get_commands()] == []


def test_files_that_contributors_are_sent_to_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`((?:\.?[\w-]+/)+[\w.-]*|[\w-]+\.(?:toml|py))`", text))
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists() and not list(ROOT.glob(f"*/{name}"))] == []


def test_hooks_are_the_checks_of_ci():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    checks = re.findall(r"^step .* (\.venv/bin/.*)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert len(checks) == 4
    assert [check for check in checks if f"entry: {check}\n" not in hooks] == []


def test_every_guide_with_commands_is_tried():
    with_commands = {page.stem for page in (ROOT / "docs/guides").glob("*.md") if "```sh" in page.read_text()}
    assert with_commands == set(TRIED)


def test_every_part_of_the_decisions_stands_in_their_index():
    text = (ROOT / "docs/decisions.md").read_text()
    index, _, rest = text.partition("\n## ")
    parts = anchors_of(f"## {rest}")
    assert [part for part in parts if f"(#{part})" not in index] == []


def test_limits_are_spelled_on_the_command_line_as_the_guide_says():
    page = ROOT / "docs" / "guides" / "keys-and-approvals.md"
    table = page.read_text().partition("| limit |")[2].partition("\n\n")[0]
    spelled = re.findall(r"`([a-z_-]+)=(\w*)`", table)

    assert len(spelled) == 8
    for name, value in spelled:
        assert parse_permissions([f"MANUAL_TRANSFER:*>*;{name}={value or 5}"])
