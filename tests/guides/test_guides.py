"""The guides, tried as they are written: each command is run, each answer compared."""

import re

import pytest

from sequence.guides.library import guides
from tests.guides.shell import Shell, assert_printed, steps_of
from tests.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)

# Those of the guides whose commands a reader types; the others are tried by tests of their own.
TRIED = (
    "first-payment",
    "keys-and-approvals",
    "retries",
    "pages-and-filters",
    "webhooks",
    "rules",
    "agents",
    "ledger",
    "errors",
    "clients",
)

_CONNECT = 'import socket; socket.create_connection(("127.0.0.1", {port}))'
_UNTIL_IT_LISTENS = f"until .venv/bin/python -c '{_CONNECT}' 2>/dev/null; do :; done"


@pytest.mark.full
@pytest.mark.parametrize("name", TRIED)
def test_does_what_it_says(reader: Shell, name: str):
    steps = steps_of(guides()[name].text)
    port = free_port()
    outputs = reader.outputs_of([_typed(step.commands, port) for step in steps])

    for step, output in zip(steps, outputs, strict=True):
        if step.shown:
            assert_printed(step.shown, output)


def _typed(commands: str, port: int) -> str:
    """Return what is run: the server of the tests is there already, and another port may be taken."""
    lines = ("" if line.startswith("./run") else line for line in commands.splitlines())
    typed = re.sub(r'(127\.0\.0\.1(?:", |:))9000', rf"\g<1>{port}", "\n".join(lines))
    # What is begun in the background listens before the next line, however busy the machine: nothing here sleeps.
    return re.sub(r" &$", f" &\n{_UNTIL_IT_LISTENS.format(port=port)}", typed, flags=re.MULTILINE)
