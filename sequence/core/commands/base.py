"""Base of our commands: ``--json``, one-line errors on stderr, a name on the audit trail, an entry in the audit log."""

import getpass
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NoReturn, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.utils import OperationalError

from sequence.core.api.ids import new_id
from sequence.core.audit import MAX_NOTE_LENGTH, run_audited
from sequence.core.audit_log.models import Via
from sequence.core.audit_log.recording import Entry, record
from sequence.core.audit_log.subjects import flat, subject_of
from sequence.core.commands.arguments import line, whole_number
from sequence.core.commands.names import FindId
from sequence.core.commands.tables import table
from sequence.core.database.availability import is_away
from sequence.core.errors import DatabaseAway, Detail, DomainError, InvalidRequest
from sequence.core.typing import JsonObject
from sequence.core.wired import wired

T = TypeVar("T")

# The code of what no class of the domain refuses.
FAULTY = InvalidRequest.code
# How much a list shows unless told otherwise, and at most.
LISTED, MAX_LISTED = 100, 10_000


class OperatorCommand(BaseCommand):
    """A command that does one thing and reports it.

    Subclasses implement ``run`` and return what happened as JSON-ready facts. A refusal of the domain ends the command
    with exit code 1 and its message on stderr; with ``--json`` that is ``{"error": {"code", "message", "details"}}``,
    for arguments that make no sense too, whose exit code is 2.
    """

    requires_system_checks = []
    # Django sets it: what is called from the program is raised, not printed.
    _called_from_command_line: bool

    # Does it, and returns the facts for ``--json``. Takes the command's options as keywords.
    run: Callable[..., object]
    # What was given on the command line.
    given: Sequence[object] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON for machines")

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **options)
        self._shown_as = {action.dest: str(action.metavar) for action in parser._actions}
        if self._called_from_command_line and "--json" in sys.argv:
            parser.error = self._refuse_arguments  # type: ignore[method-assign]
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        if not (options.get("json") and self._called_from_command_line):
            return super().execute(*args, **options)
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            refusal = error.__cause__ if isinstance(error.__cause__, DomainError) else None
            details = refusal.details if refusal else []
            self._end(refusal.code if refusal else FAULTY, str(error), details, exit_code=error.returncode)
        except OperationalError as error:
            if not is_away(error):
                raise
            reason = " ".join(str(error).split())
            self._end(DatabaseAway.code, f"The database cannot be reached. {reason}", exit_code=1)

    def handle(self, *args: object, **options: Any) -> None:
        try:
            _check_texts(options)
            given = self._with_ids(options)
            self.given = list(given.values())
            facts = self.run(**given)
        except DomainError as refusal:
            raise CommandError(refusal.text) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
        else:
            self.tell(facts)

    def _with_ids(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options with ids in place of names: what the help shows as ``KEY_ID`` takes a key's name too."""
        finders: Mapping[str, FindId] = wired("NAMES")
        found = {name: finders[shown] for name, shown in self._shown_as.items() if shown in finders}
        return {**options, **{name: find(options[name]) for name, find in found.items() if options.get(name)}}

    def _refuse_arguments(self, message: str) -> NoReturn:
        self._end(FAULTY, message, exit_code=2)

    def _end(self, code: str, message: str, details: Sequence[Detail] = (), *, exit_code: int) -> NoReturn:
        error = {"code": code, "message": message, "details": list(details)}
        self.stderr.write(json.dumps({"error": error}, ensure_ascii=False), style_func=str)
        sys.exit(exit_code)

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
        """Return ``work()``, done in one transaction under this command's name, with its entry in the audit log.

        A refusal is an entry as well, of a transaction of its own. ``reason`` is the operator's note, which is on the
        trail alone: programs read the log.
        """

        def recorded() -> T:
            result = work()
            self.record(result)
            return result

        try:
            return run_audited(recorded, actor=self.actor, request_id=self.request_id, reason=reason)
        except (DomainError, CommandError) as refusal:
            self.record(error_code=getattr(refusal, "code", "refused"))
            raise

    @cached_property
    def request_id(self) -> str:
        """Return the id under which audit log and trail lead from this run to each other."""
        return new_id("req")

    def record(self, result: object = None, *, error_code: str | None = None) -> None:
        """Write the entry of the audit log: of what the work gave back, else of what the command line names."""
        organization_id, resource = subject_of(*flat(result), *self.given)
        entry = Entry(
            organization_id=organization_id,
            actor=self.actor,
            via=Via.COMMAND,
            action=self.name.upper(),
            is_failure=error_code is not None,
            error_code=error_code,
            request_id=self.request_id,
            reason=None,
            resource=resource,
        )
        record(entry)


class ListCommand(OperatorCommand):
    """A command that lists what there is, as a table for people. ``columns`` has the heading of each field."""

    columns: ClassVar[Mapping[str, str]]
    # What is said where there is nothing.
    nothing = "There are none."

    def tell(self, facts: list[JsonObject]) -> None:
        """Print a table, or that there is nothing to print."""
        for text in table(self.columns, facts) if facts else [self.nothing]:
            self.stdout.write(text)


def add_first_argument(parser: CommandParser) -> None:
    """Let a list take ``--first``: how many rows it shows."""
    parser.add_argument(
        "--first", type=whole_number(1, MAX_LISTED), default=LISTED, metavar="N", help=f"how many; {LISTED} if left out"
    )


def add_note_argument(parser: CommandParser, *, required: bool = False) -> None:
    """Let the command take ``--note``: what the operator says about it, kept on the audit trail."""
    parser.add_argument(
        "--note",
        type=line(MAX_NOTE_LENGTH),
        metavar="TEXT",
        required=required,
        help="why, in a sentence, for the audit trail",
    )


def operator_name() -> str:
    """Return the operating system's name of whoever runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # A container's user need not have a name.


def _check_texts(options: Mapping[str, object]) -> None:
    """Raise CommandError for bytes on the command line that are no text: Python keeps them as half surrogate pairs."""
    for name, value in options.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
                raise CommandError(f"{name.replace('_', ' ')}: Give a text in UTF-8.")


def _in_words(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(_in_words(item) for item in value) or "none"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
