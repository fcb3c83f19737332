"""What is installed before anything of ours can check it."""

import re

import pytest

from sequence.local.launch.install import ROOT, UV, _environment


class TestUv:
    def test_is_pinned_by_the_hashes_of_its_files(self):
        requirements = re.sub(r"#.*", "", UV.read_text()).replace("\\\n", " ").split("\n")
        named = [line for line in requirements if line.strip()]

        assert [re.match(r"uv==[\d.]+ ", line) is not None for line in named] == [True]
        assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", named[0])) > 1

    def test_comes_from_nowhere_else(self):
        places = [
            *ROOT.glob("sequence/local/launch/*"),
            *ROOT.glob("docs/*.md"),
            *ROOT.glob(".ci/*"),
            ROOT / "README.md",
            ROOT / "run",
        ]
        lines = [line for place in places if place.is_file() for line in place.read_text(errors="replace").splitlines()]
        installing = [line for line in lines if re.search(r"pip[\"', ]+install", line)]

        assert len(installing) == 2  # In sequence/local/launch/install.py, and in docs/deploying.md.
        assert '"--require-hashes"' in (ROOT / "sequence/local/launch/install.py").read_text()
        assert all("--require-hashes" in line or line.strip().startswith("pip = (") for line in installing)
        assert not [line for line in lines if "astral.sh" in line]


class TestTheCacheOfUv:
    @pytest.fixture(autouse=True)
    def _no_names(self, monkeypatch):
        for name in ("UV_NO_CACHE", "UV_CACHE_DIR", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)

    def test_is_used_where_it_can_be_made(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HOME", str(tmp_path))

        assert "UV_NO_CACHE" not in _environment()

    def test_is_left_out_where_there_can_be_none(self, monkeypatch, tmp_path):
        (tmp_path / "home").write_text("No folder, and so nobody's home: root could write into any other.")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))

        assert _environment()["UV_NO_CACHE"] == "1"

    @pytest.mark.parametrize("name", ["UV_CACHE_DIR", "XDG_CACHE_HOME"])
    def test_may_be_named(self, monkeypatch, tmp_path, name):
        (tmp_path / "home").write_text("")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv(name, str(tmp_path / "cache"))

        assert "UV_NO_CACHE" not in _environment()
