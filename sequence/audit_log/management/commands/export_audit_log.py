import sys
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from apikeys.services import get_organization
from sequence.core.audit_log.exporting import export_chain
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Write an organization's audit log to a file: an entry a line, and the signed head as the last one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", required=True, metavar="ORG_ID")
        parser.add_argument("--to", required=True, metavar="FILE", help="where to; - is standard output")

    def run(self, *, organization: str, to: str, **options: object) -> JsonObject:
        id = get_organization(organization).id
        if to == "-":
            head = export_chain(id, sys.stdout)
            sys.stdout.flush()
        else:
            head = _export_to(Path(to), id)
        return {"organization_id": id, "file": to, "entries": head["sequence"], "head": head}

    def tell(self, facts: JsonObject) -> None:
        self.stderr.write(f"{facts['entries']} entries of {facts['organization_id']} are in {facts['file']}.")


def _export_to(path: Path, organization_id: str) -> JsonObject:
    """Write the file, whole or not at all. Raises CommandError."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            head = export_chain(organization_id, file)
        part.replace(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
    return head
