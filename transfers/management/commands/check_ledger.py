import sys

from django.core.management.base import CommandParser

from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject
from transfers.ledger_audit import check_ledger
from transfers.ledger_invariants import Fault, count_checks, find_faults


class Command(OperatorCommand):
    help = (
        "Prove from the postings that every balance, hold and cap is right. Says what is not, and ends with exit code "
        "1. Reads one snapshot, so it may run at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--no-record", action="store_true", help="write nothing down: for a replica, which can only be read"
        )

    def run(self, *, no_record: bool, **options: object) -> JsonObject:
        faults = [vars(fault) for fault in find_faults()] if no_record else check_ledger(by=self.actor).faults
        self.exit_code = 1 if faults else 0
        return {"ok": not faults, "checks": count_checks(), "faults": faults}

    def handle(self, *args: object, **options: object) -> None:
        super().handle(*args, **options)
        if self.exit_code:
            sys.exit(self.exit_code)

    def tell(self, facts: JsonObject) -> None:
        for fault in facts["faults"]:
            self.stderr.write(_sentence(Fault(**fault)))
        if facts["ok"]:
            self.stdout.write(f"The ledger is right: {facts['checks']} checks found nothing.")
        else:
            self.stderr.write(f"The ledger is wrong: {len(facts['faults'])} faults.")


def _sentence(fault: Fault) -> str:
    return f"{fault.subject}: {fault.message} ({fault.check})"
