"""Deletion guard of cards: what they say when an account is to be deleted."""

from accounts.errors import AccountInUse
from accounts.models import Account
from cards.models import Card


def refuse_while_a_card_spends_from_it(account: Account) -> None:
    """Raise AccountInUse, naming the cards, while an active or frozen card belongs to the account.

    A card that is inactive stays behind, and can never be made active again.
    """
    cards = Card.objects.needing(account.id)
    names = [f"•••• {card.last_four} ({card.id}, {card.status})" for card in cards]
    if names:
        raise AccountInUse(name=account.private_name, users=f"the cards {', '.join(names)}")
