"""Base of the commands that work off suspense: the item, and what is printed of it."""

from django.core.management.base import CommandParser

from sequence.core.api.fields import show_time
from sequence.core.typing import JsonObject
from transfers.management.decisions import StaffCommand
from transfers.models import SuspenseItem
from transfers.suspense import cause_of


def item_as_dict(item: SuspenseItem) -> JsonObject:
    """Return what is told of an item that was read with its cause."""
    state = "posted" if not item.is_open else "proposed" if item.is_proposed else "undecided"
    return {
        "item": item.id,
        "organization": item.organization_id,
        "amount_in_cents": item.amount_cents,
        "arose_at": show_time(item.arose_at),
        "cause": cause_of(item),
        "state": state,
        "account": item.account_id,
        "proposed_by": item.proposed_by,
        "proposal_note": item.proposal_note,
        "posted_by": item.posted_by,
        "posted_at": show_time(item.posted_at) if item.posted_at else None,
    }


def add_item_argument(parser: CommandParser) -> None:
    """Let the command take the number of an item."""
    parser.add_argument("item_id", type=int, metavar="ITEM", help="the number that list_suspense tells")


def tell_item(item: SuspenseItem) -> JsonObject:
    """Return what has become of an item."""
    return item_as_dict(SuspenseItem.objects.with_cause().get(id=item.id))


class SuspenseCommand(StaffCommand):
    """A person's decision on one item in suspense."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_item_argument(parser)
