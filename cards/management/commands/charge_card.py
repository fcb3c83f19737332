from collections.abc import Callable

from django.core.management.base import CommandError, CommandParser

from cards.as_dict import card_transaction_as_dict
from cards.models import CardDecline, CardTransaction
from cards.services import charge_card, refund_at_merchant, refund_purchase
from sequence.core.commands.arguments import whole_number
from sequence.core.commands.base import OperatorCommand
from sequence.core.money import MAX_CENTS
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = (
        "Buy something with a card in the simulated network, or refund it. A declined purchase moves nothing: it ends "
        "with exit code 1 and its reason on stderr, and is kept for staff."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("card_id", metavar="CARD_ID")
        parser.add_argument("--amount", required=True, type=whole_number(1, MAX_CENTS), metavar="CENTS")
        parser.add_argument(
            "--refund",
            action="store_true",
            help="refund the latest purchase at the merchant that has the whole amount left",
        )
        place = parser.add_mutually_exclusive_group(required=True)
        place.add_argument("--merchant", metavar="M", help="the merchant's name, 1 to 100 characters")
        place.add_argument("--purchase", metavar="CTX_ID", help="with --refund: the purchase to refund")

    def run(
        self, *, card_id: str, amount: int, merchant: str | None, purchase: str | None, refund: bool, **options: object
    ) -> JsonObject:
        if purchase is not None and not refund:
            raise CommandError("--purchase says what to refund: give --refund too, or name a --merchant.")
        outcome = self.audited(_choose(card_id, amount, merchant, purchase, refund))
        if isinstance(outcome, CardDecline):
            raise CommandError(f"Declined, {outcome.reason}: {outcome.get_reason_display()}")
        return card_transaction_as_dict(outcome)


def _choose(
    card_id: str, amount: int, merchant: str | None, purchase: str | None, refund: bool
) -> Callable[[], CardTransaction | CardDecline]:
    if purchase is not None:
        return lambda: refund_purchase(card_id=card_id, purchase_id=purchase, amount_cents=amount)
    spend = refund_at_merchant if refund else charge_card
    return lambda: spend(card_id=card_id, merchant_name=merchant or "", amount_cents=amount)
