from django.core.management.base import CommandParser

from apikeys.services import purge_idempotency_records
from sequence.core.audit import run_audited
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
        # The first batch has the run's entry in the audit log.
        removed = batch = self.audited(lambda: purge_idempotency_records(include_live=include_live))
        while batch:
            self.stderr.write(f"{removed} records removed …")
            batch = run_audited(lambda: purge_idempotency_records(include_live=include_live), actor=self.actor)
            removed += batch
        return {"removed": removed}
