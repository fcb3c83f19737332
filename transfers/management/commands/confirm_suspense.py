from sequence.core.typing import JsonObject
from transfers.management.suspense import SuspenseCommand, tell_item
from transfers.suspense import confirm_suspense


class Command(SuspenseCommand):
    help = "Post an item in suspense where another person proposed."

    def run(self, *, item_id: int, by: str | None, note: str | None, **options: object) -> JsonObject:
        decider = self.decider(by)
        return tell_item(self.audited(lambda: confirm_suspense(item_id=item_id, by=decider, note=note), reason=note))
