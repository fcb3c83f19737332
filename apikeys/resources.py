"""Resources that a permission entry can name, told by the apps above that own them."""

from collections.abc import Callable

from apikeys.scopes import ResourceKind
from sequence.core.wired import wired

# The ids that an organization has of a kind, each with a name for people.
Choices = list[tuple[str, str]]
ListResources = Callable[[str], Choices]


def resources_of(kind: ResourceKind, organization_id: str) -> Choices:
    """Return what the organization has of the kind."""
    listers: dict[ResourceKind, ListResources] = wired("RESOURCES")
    return listers[kind](organization_id)
