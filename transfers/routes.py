"""Which account may pay which, and what kind of transfer that is."""

from dataclasses import dataclass

from accounts.errors import unfit
from accounts.models import Account
from sequence.core.errors import InvalidRequest
from transfers.models import Direction, Origin
from transfers.rails import rail_between


@dataclass(frozen=True)
class Route:
    """How money gets from one account to another."""

    direction: Direction
    rail: str


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
    if source.is_external and destination.is_external:
        message = "Both accounts are at other institutions. Go through a pod."
        raise _unfit("destination_account_id", "both_external", message, destination)
    rail = rail_between(source, destination)
    if rail is None:
        message = f"Nothing carries money from {source.name} to {destination.name}."
        raise _unfit("destination_account_id", "no_rail", message, destination)
    if source.is_external:
        return Route(Direction.MONEY_IN, rail.name)
    return Route(Direction.MONEY_OUT if destination.is_external else Direction.INTERNAL, rail.name)


def _unfit(field: str, code: str, message: str, account: Account) -> InvalidRequest:
    return InvalidRequest.with_details([unfit(field, code, message, account_id=account.id)])


def manual_origin(route: Route) -> Origin:
    """Return the origin of a transfer on this route that a user asked for."""
    return Origin.USER_PULL if route.direction is Direction.MONEY_IN else Origin.USER
