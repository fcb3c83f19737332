"""The drawing of docs/architecture.md has every room, on the storey that the contracts of import-linter give it.

The map of the code in README.md has the same rooms.
"""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What Django, or the browser, looks for under these names is no room of ours.
NO_ROOMS = {"formats", "migrations", "static", "templatetags"}
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
HOLDING = [contract for contract in CONTRACTS["contracts"] if contract.get("containers", ["sequence"]) == ["sequence"]]

Storeys = list[set[str]]


def drawn() -> Storeys:
    """Return the modules of each storey, from the top. Dotted lines divide rooms of one storey."""
    page = (ROOT / "docs/architecture.md").read_text()
    [drawing] = re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL)
    names = (re.findall(r"│ ([a-z_/]+)(?:/|\.py) ", storey) for storey in re.split(r"\n├[─┬┴┼]+┤\n", drawing))
    return [{name.replace("/", ".") for name in storey} for storey in names]


def contracted(contract: dict) -> Storeys:
    """Return the modules of each layer, with their full names."""
    [container] = contract.get("containers", [""])
    parts = ({part.strip() for part in layer.split("|")} for layer in contract["layers"])
    return [{f"{container}.{part}".removeprefix(".") for part in layer} for layer in parts]


def narrowed(storeys: Storeys, names: set[str]) -> Storeys:
    return [kept for storey in storeys if (kept := storey & names)]


def rooms() -> set[str]:
    """Return the folders of the code: those of `sequence/`, and the apps."""
    folders = {path.name for path in (ROOT / "sequence").iterdir() if path.is_dir() and not path.name.startswith("_")}
    return {f"sequence.{name}" for name in folders - NO_ROOMS} | set(CONTRACTS["root_packages"]) - {"sequence"}


class TestTheDrawing:
    def test_has_every_room(self):
        assert set.union(*drawn()) == rooms() | {"sequence.urls", "sequence.wiring"}

    @pytest.mark.parametrize("contract", HOLDING, ids=lambda contract: contract["name"])
    def test_has_the_storeys_of_the_contract(self, contract):
        layers = contracted(contract)

        assert narrowed(drawn(), set.union(*layers)) == narrowed(layers, set.union(*drawn()))


class TestTheMapOfTheCode:
    def test_has_every_room(self):
        cells = re.findall(r"^\| (`[^|]+) \|", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
        named = {name.replace("/", ".") for cell in cells for name in re.findall(r"`([a-z_/]+)/`", cell)}

        assert rooms() - named == {"sequence.management"}  # The commands stand with the project.
