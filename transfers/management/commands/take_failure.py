from sequence.core.typing import JsonObject
from transfers.as_dict import transfer_as_dict
from transfers.failures import take_failure
from transfers.management.decisions import DecisionCommand


class Command(DecisionCommand):
    help = "Take a failed transfer upon yourself, so that it leaves the console. No money moves."
    wants_note = True

    def run(self, *, transfer_id: str, by: str | None, note: str, **options: object) -> JsonObject:
        taker = self.decider(by)
        return transfer_as_dict(
            self.audited(lambda: take_failure(transfer_id=transfer_id, by=taker, note=note), reason=note)
        )
