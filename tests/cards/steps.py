"""What tests of cards do all the time: issue one, buy, refund, run a command, look."""

import json
from io import StringIO
from typing import Any

from django.core.management import call_command

from accounts.models import Account
from cards.models import Card, CardDecline, CardTransaction, CardType
from cards.services import charge_card, issue_card, refund_purchase


def issue(pod: Account, *, type: CardType = CardType.VIRTUAL, holder_name: str = "Ada Lovelace") -> Card:
    return issue_card(account_id=pod.id, type=type, holder_name=holder_name)


def charge(card: Card, cents: int, merchant_name: str = "Corner Shop") -> CardTransaction | CardDecline:
    """Return what became of a purchase."""
    return charge_card(card_id=card.id, amount_cents=cents, merchant_name=merchant_name)


def buy(card: Card, cents: int, merchant_name: str = "Corner Shop") -> CardTransaction:
    """Return a purchase that must go through."""
    purchase = charge(card, cents, merchant_name)
    assert isinstance(purchase, CardTransaction), purchase
    return purchase


def refund(purchase: CardTransaction, cents: int) -> CardTransaction:
    return refund_purchase(card_id=purchase.card_id, purchase_id=purchase.id, amount_cents=cents)


def declined(card: Card, cents: int, merchant_name: str = "Corner Shop") -> str:
    """Return why a purchase is declined, which it must be."""
    decline = charge(card, cents, merchant_name)
    assert isinstance(decline, CardDecline), decline
    return decline.reason


def run(command: str, *arguments: Any) -> Any:
    """Return the facts that the command prints for machines."""
    out = StringIO()
    call_command(command, *map(str, arguments), "--json", stdout=out)
    return json.loads(out.getvalue())
