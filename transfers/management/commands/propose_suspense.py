from django.core.management.base import CommandParser

from sequence.core.typing import JsonObject
from transfers.management.suspense import SuspenseCommand, tell_item
from transfers.suspense import propose_suspense


class Command(SuspenseCommand):
    help = "Propose where an item in suspense goes. Another person has to confirm it."
    wants_note = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--to", metavar="ACC_ID", help="the income source or pod that it belongs on")
        where.add_argument("--write-off", action="store_true", help="nobody will ever take or pay it")

    def run(self, *, item_id: int, to: str | None, by: str | None, note: str, **options: object) -> JsonObject:
        decider = self.decider(by)
        return tell_item(
            self.audited(lambda: propose_suspense(item_id=item_id, account_id=to, by=decider, note=note), reason=note)
        )
