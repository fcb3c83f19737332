"""Which account may pay which, and what kind of transfer that is."""

from dataclasses import dataclass

from accounts.errors import unfit
from accounts.models import Account, AccountType
from sequence.errors import InvalidRequest
from transfers.models import Direction, Origin, RailName


@dataclass(frozen=True)
class Route:
    """How money gets from one account to another."""

    direction: Direction
    rail: RailName


def route_between(source: Account, destination: Account) -> Route:
    """Return the route from ``source`` to ``destination``. Raises InvalidRequest where there is none."""
    if not source.can_be_source:
        message = f"{source.name} cannot be a source: money is paid to it only."
        raise InvalidRequest.with_details(
            [unfit("source_account_id", "cannot_be_source", message, account_id=source.id)]
        )
    if not destination.can_be_destination:
        message = f"{destination.name} cannot be a destination."
        raise _unfit("destination_account_id", "cannot_be_destination", message, destination)
    from_outside = source.type == AccountType.EXTERNAL_ACCOUNT
    to_outside = destination.type == AccountType.EXTERNAL_ACCOUNT
    if from_outside and to_outside:
        message = "Both accounts are at other institutions. Go through a pod."
        raise _unfit("destination_account_id", "both_external", message, destination)
    if from_outside:
        return Route(Direction.MONEY_IN, RailName.SIMULATED)
    if to_outside:
        return Route(Direction.MONEY_OUT, RailName.SIMULATED)
    return Route(Direction.INTERNAL, RailName.BOOK)


def _unfit(field: str, code: str, message: str, account: Account) -> InvalidRequest:
    return InvalidRequest.with_details([unfit(field, code, message, account_id=account.id)])


def manual_origin(route: Route) -> Origin:
    """Return the origin of a transfer on this route that a user asked for."""
    return Origin.USER_PULL if route.direction is Direction.MONEY_IN else Origin.USER
