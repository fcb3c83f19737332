"""Base of our commands: ``--json``, one-line errors on stderr, and a name on the audit trail."""

import getpass
import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sequence.core.audit import MAX_NOTE_LENGTH, run_audited
from sequence.core.commands.arguments import line
from sequence.core.errors import DomainError

T = TypeVar("T")


class OperatorCommand(BaseCommand):
    """A command that does one thing and reports it.

    Subclasses implement ``run`` and return what happened as JSON-ready facts. A refusal of the domain ends the command
    with exit code 1 and its message on stderr.
    """

    requires_system_checks = []

    # Does it, and returns the facts for ``--json``. Takes the command's options as keywords.
    run: Callable[..., Any]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON for machines")

    def handle(self, *args: object, **options: object) -> None:
        try:
            facts = self.run(**options)
        except DomainError as refusal:
            raise CommandError(refusal.text) from None
        if options["json"]:
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
        else:
            self.tell(facts)

    def tell(self, facts: Any) -> None:
        """Print the facts for a person: a line for each."""
        for name, value in facts.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {_in_words(value)}")

    @property
    def actor(self) -> str:
        """Who this is on the audit trail: the command and the operating system's user."""
        return f"command:{self.name}:{operator_name()}"

    @property
    def name(self) -> str:
        """The command's name, which is its module's."""
        return type(self).__module__.rpartition(".")[2]

    def audited(self, work: Callable[[], T], *, reason: str | None = None) -> T:
        """Return ``work()``, done in one transaction under this command's name."""
        return run_audited(work, actor=self.actor, reason=reason)


def add_note_argument(parser: CommandParser) -> None:
    """Let the command take ``--note``: what the operator says about it, kept on the audit trail."""
    parser.add_argument(
        "--note", type=line(MAX_NOTE_LENGTH), metavar="TEXT", help="why, in a sentence, for the audit trail"
    )


def operator_name() -> str:
    """Return the operating system's name of whoever runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # A container's user need not have a name.


def _in_words(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(_in_words(item) for item in value) or "none"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
