"""What the resources of a permission entry can be, told by the apps above that own them."""

from collections.abc import Callable

from apikeys.scopes import ResourceKind

# The ids that an organization has of a kind, each with a name for people.
Choices = list[tuple[str, str]]
ListResources = Callable[[str], Choices]

_listers: dict[ResourceKind, ListResources] = {}


def offer_resources(kind: ResourceKind, lister: ListResources) -> None:
    """Let ``lister(organization_id)`` tell the resources of a kind. An app calls this once, when it is ready."""
    _listers[kind] = lister


def resources_of(kind: ResourceKind, organization_id: str) -> Choices:
    """Return what the organization has of the kind: nothing where no app has offered any."""
    lister = _listers.get(kind)
    return lister(organization_id) if lister else []
