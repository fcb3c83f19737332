"""Library of the guides: which pages there are, in the order in which they are read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

FOLDER = Path(settings.BASE_DIR) / "docs"
ADDRESS = "/docs/guides"

# A file that stands in no shelf is not served, which a test refuses.
SHELVES: Mapping[str, Sequence[str]] = {
    "Guides": (
        "guides/first-payment",
        "guides/keys-and-approvals",
        "guides/retries",
        "guides/pages-and-filters",
        "guides/webhooks",
        "guides/rules",
        "guides/errors",
        "guides/agents",
        "guides/clients",
        "guides/ledger",
    ),
    "Running it": ("running", "deploying", "settings", "scaling", "upgrading"),
    "Looking deeper": ("audit-log", "replays", "platform", "architecture", "decisions"),
}


@dataclass(frozen=True)
class Guide:
    """One page."""

    path: Path

    @property
    def name(self) -> str:
        """Its name in addresses; no two files of ``docs/`` share one."""
        return self.path.stem

    @property
    def address(self) -> str:
        return f"{ADDRESS}/{self.name}"

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        """What its first heading says."""
        return self.text.partition("\n")[0].removeprefix("# ")

    @property
    def lead(self) -> str:
        """Its first sentence, without the marks of Markdown."""
        paragraph = self.text.split("\n\n")[1].replace("\n", " ")
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", paragraph).replace("**", "").replace("`", "")
        return re.split(r"(?<=[.!?]) ", plain)[0]


@cache
def shelves() -> dict[str, list[Guide]]:
    """Return the pages by shelf."""
    return {shelf: [Guide(FOLDER / f"{name}.md") for name in names] for shelf, names in SHELVES.items()}


@cache
def guides() -> dict[str, Guide]:
    """Return the pages by name."""
    return {guide.name: guide for shelf in shelves().values() for guide in shelf}
