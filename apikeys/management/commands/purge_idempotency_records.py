from django.core.management.base import CommandParser

from apikeys.services import purge_idempotency_records
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Remove idempotency records that are older than 24 hours, or all of them."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--all",
            action="store_true",
            dest="include_live",
            help="live records too: a repeated request will then execute again",
        )

    def run(self, *, include_live: bool, **options: object) -> JsonObject:
        removed = 0
        while batch := self.audited(lambda: purge_idempotency_records(include_live=include_live)):
            removed += batch
            self.stderr.write(f"{removed} records removed …")
        return {"removed": removed}
