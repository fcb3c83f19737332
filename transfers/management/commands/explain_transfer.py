from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from apikeys.authentication import key_as_caller
from sequence.core.commands.arguments import instant, whole_number
from sequence.core.commands.base import OperatorCommand
from sequence.core.money import MAX_CENTS, MIN_TRANSFER_CENTS
from sequence.core.texts import made_plain
from sequence.core.typing import JsonObject
from transfers.asking import TransferRequest
from transfers.dry_run import dry_run
from transfers.dry_run_serializers import show_dry_run


class Command(OperatorCommand):
    help = "Explain what a transfer would meet if a key asked for it now: every check, and the least that would help."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--dry-run", action="store_true", required=True, help="nothing is written and nothing moves"
        )
        parser.add_argument("--key", required=True, metavar="KEY_ID", help="the key that would ask")
        parser.add_argument("--source", required=True, metavar="ACC_ID")
        parser.add_argument("--destination", required=True, metavar="ACC_ID")
        parser.add_argument(
            "--amount", type=whole_number(MIN_TRANSFER_CENTS, MAX_CENTS), required=True, metavar="CENTS"
        )
        parser.add_argument("--not-before", type=instant, help="RFC 3339, such as 2027-01-31T00:00:00Z")
        parser.add_argument("--reason", metavar="TEXT", help="what the caller would say in X-Called-Reason")

    def run(
        self,
        *,
        key: str,
        source: str,
        destination: str,
        amount: int,
        not_before: datetime | None,
        reason: str | None,
        **options: object,
    ) -> JsonObject:
        request = TransferRequest(
            source_account_id=source,
            destination_account_id=destination,
            amount_in_cents=amount,
            not_before=not_before,
            called_reason=made_plain(reason).strip() or None if reason else None,
        )
        # An operator may know every account.
        return show_dry_run(dry_run(key_as_caller(key), request), lambda _: True)

    def tell(self, facts: Any) -> None:
        self.stdout.write(facts["sentence"])
        for check in facts["checks"]:
            entry = "" if check["entry"] is None else f" of permission {check['entry']}"
            used = "" if check["used"] is None else f", {check['used']} used"
            limit = "" if check["limit"] is None else f" ({check['limit']}{used})"
            self.stdout.write(f"    {check['verdict']:8} {check['check']}{entry}{limit}")
        for change in facts["smallest_changes"]:
            self.stdout.write(f"It would be {change['verdict']} with {change['change']}: {change['to']}")
