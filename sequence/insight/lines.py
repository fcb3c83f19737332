"""Lines of movements on the staff's pages: each with the addresses of what it names."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from sequence.insight.movements import Cause, Movement
from sequence.insight.sight import sight_of


@dataclass(frozen=True)
class Line:
    """A movement, and where its parts lead; empty where to nowhere."""

    movement: Movement
    party_address: str
    cause_address: str
    address: str


def lines_of(request: HttpRequest, movements: Iterable[Movement]) -> list[Line]:
    """Return the movements as this person may see them."""
    sight = sight_of(request)
    return [_line(sight.veil(movement)) for movement in movements]


def _line(movement: Movement) -> Line:
    party_id = movement.party.account_id
    return Line(
        movement,
        party_address=page_of("accounts_account", party_id),
        cause_address=address_of_cause(movement.cause),
        address=page_of("transfers_transfer", movement.transfer_id),
    )


def address_of_cause(cause: Cause) -> str:
    """Return the page of what caused a movement."""
    return (
        page_of("rules_ruleexecution", cause.execution_id)
        or page_of("cards_cardtransaction", cause.card_transaction_id)
        or page_of("apikeys_apikey", cause.key_id)
    )


def page_of(model: str, id: str | None) -> str:
    """Return the address of an object's page, or nothing without an id."""
    return reverse(f"admin:{model}_change", args=[id]) if id else ""
