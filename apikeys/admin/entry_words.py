"""Permission entries in words: on one line for lists, in full for who may only look."""

from apikeys.entries import Permission, limits_of
from apikeys.scopes import EVERYTHING, ResourceKind, Scope
from sequence.core.admin.display import dollars, shorten

# Ids of a single entry that a list shows before it counts the rest.
SHOWN_RESOURCES = 2


def in_words(permission: Permission) -> str:
    """Return what one entry allows, on one line."""
    kind = permission.scope.resource_kind
    if kind is ResourceKind.NONE:
        return permission.scope.value
    if kind is ResourceKind.ACCOUNT_PAIR:
        reach = f"{shorten(permission.source or '')} → {shorten(permission.target or '')}"
        return f"{permission.scope}: {reach} ({', '.join(_limits(permission)) or 'no limit'})"
    shown = ", ".join(map(shorten, permission.resources[:SHOWN_RESOURCES]))
    rest = len(permission.resources) - SHOWN_RESOURCES
    bounds = f" ({', '.join(_limits(permission))})" if permission.limits else ""
    return f"{permission.scope}: {shown}{f' and {rest} more' if rest > 0 else ''}{bounds}"


def _limits(permission: Permission) -> list[str]:
    given = permission.limits
    return [
        limit.words.format(dollars(given[limit.name]) if limit.counts_money else f"{given[limit.name]:,}")
        for limit in limits_of(permission.scope)
        if limit.name in given
    ]


def in_full(permission: Permission, names: dict[str, str]) -> list[str]:
    """Return what one entry allows, a line each: the scope, what it reaches, its limits. ``names`` is by id."""
    lines = [f"{permission.scope}: {permission.scope.label}"]
    kind = permission.scope.resource_kind
    if kind is ResourceKind.NONE:
        return lines
    if kind is ResourceKind.ACCOUNT_PAIR:
        ends = [_reach(id or "", ResourceKind.ACCOUNT, names) for id in (permission.source, permission.target)]
        return [*lines, f"from {ends[0]} to {ends[1]}", ", ".join(_limits(permission)) or "no limit"]
    lines += [_reach(id, kind, names) for id in permission.resources]
    if permission.scope is Scope.TRIGGER_RULES:
        lines.append(", ".join(_limits(permission)) or "no limit")
    return lines


def _reach(id: str, kind: ResourceKind, names: dict[str, str]) -> str:
    return f"every {kind.value} (*)" if id == EVERYTHING else f"{names.get(id, 'unknown')} ({id})"
