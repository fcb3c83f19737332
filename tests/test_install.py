"""What is installed before anything of ours can check it."""

import re

from sequence.local.launch.install import ROOT, UV


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
