from sequence.core.typing import JsonObject
from transfers.as_dict import transfer_as_dict
from transfers.management.decisions import DecisionCommand
from transfers.services import approve_transfer


class Command(DecisionCommand):
    help = "Approve a transfer that waits for a person."

    def run(self, *, transfer_id: str, by: str | None, note: str | None, **options: object) -> JsonObject:
        decider = self.decider(by)
        return transfer_as_dict(
            self.audited(lambda: approve_transfer(transfer_id=transfer_id, by=decider, note=note), reason=note)
        )
