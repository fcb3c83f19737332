"""What one permission entry allows, and its two spellings: JSON, and the text of the command line."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apikeys.errors import InvalidPermission
from apikeys.scopes import EVERYTHING, ResourceKind, Scope

MAX_CENTS = 2**53 - 1
_ID_FORMS = {
    ResourceKind.ACCOUNT: re.compile(r"acc_[0-9A-Za-z]{1,40}"),
    ResourceKind.ACCOUNT_PAIR: re.compile(r"acc_[0-9A-Za-z]{1,40}"),
    ResourceKind.RULE: re.compile(r"rule_[0-9A-Za-z]{1,40}"),
}
# The names of the limits on the command line, with the fields they set.
_LIMIT_NAMES = {
    "day": "max_amount_per_day",
    "week": "max_amount_per_week",
    "month": "max_amount_per_month",
    "approval": "approval_above",
}
LIMITS = ("max_amount", *_LIMIT_NAMES.values())


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One entry: a scope and what it reaches. Limits are cents; None means no limit.

    ``resources`` holds ids or ``*`` for scopes on accounts and rules. ``source`` and ``target``, an account id or
    ``*`` each, and the limits belong to MANUAL_TRANSFER alone. Raises InvalidPermission for what cannot be granted.
    """

    scope: Scope
    resources: tuple[str, ...] = ()
    source: str | None = None
    target: str | None = None
    max_amount: int | None = None
    max_amount_per_day: int | None = None
    max_amount_per_week: int | None = None
    max_amount_per_month: int | None = None
    approval_above: int | None = None
    # Under which the amounts that went through this entry are counted; survives a rotation. No part of what it allows.
    spend_id: UUID | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.scope.resource_kind is ResourceKind.ACCOUNT_PAIR:
            self._check_pair()
        else:
            self._check_resources()

    def _check_pair(self) -> None:
        if self.resources or not self.source or not self.target:
            raise InvalidPermission(f"{self.scope} takes a source and a target, each an account id or *.")
        for id in (self.source, self.target):
            _check_id(self.scope, id)
        for name in LIMITS:
            cents = getattr(self, name)
            # Nothing to approve below zero: approval_above 0 sends every transfer to a person.
            low = 0 if name == "approval_above" else 1
            if cents is not None and not low <= cents <= MAX_CENTS:
                raise InvalidPermission(f"{name} is a whole number of cents from {low} to {MAX_CENTS}, not {cents}.")

    def _check_resources(self) -> None:
        if self.source or self.target or any(getattr(self, name) is not None for name in LIMITS):
            raise InvalidPermission(f"{self.scope} has no source, target or limits; only MANUAL_TRANSFER has.")
        kind = self.scope.resource_kind
        if kind is ResourceKind.NONE:
            if self.resources:
                raise InvalidPermission(f"{self.scope} takes no resources.")
            return
        if not self.resources:
            raise InvalidPermission(f"{self.scope} needs resources: {kind.value} ids, or *.")
        if EVERYTHING in self.resources and len(self.resources) > 1:
            raise InvalidPermission(f"{self.scope}: * already means every {kind.value}; name it alone.")
        for id in self.resources:
            _check_id(self.scope, id)

    def allows(self, resource_id: str) -> bool:
        """Say whether the entry reaches this account or rule."""
        return EVERYTHING in self.resources or resource_id in self.resources

    def matches_pair(self, source_id: str, target_id: str) -> bool:
        """Say whether the entry reaches transfers from ``source_id`` to ``target_id``."""
        return self.source in (EVERYTHING, source_id) and self.target in (EVERYTHING, target_id)

    def as_json(self) -> dict[str, Any]:
        """Return ``{"scope", "resources"}``: None, ``"*"``, a list of ids, or a list of one pair with its limits."""
        return {"scope": self.scope.value, "resources": self._resources_as_json()}

    def _resources_as_json(self) -> Any:
        if self.scope.resource_kind is ResourceKind.NONE:
            return None
        if self.scope.resource_kind is not ResourceKind.ACCOUNT_PAIR:
            return EVERYTHING if self.resources == (EVERYTHING,) else list(self.resources)
        limits = {name: getattr(self, name) for name in LIMITS if getattr(self, name) is not None}
        return [{"source": self.source, "target": self.target, **limits}]

    def as_text(self) -> str:
        """Return the spelling of the command line, such as ``READ_ACCOUNTS:acc_1,acc_2``."""
        if self.scope.resource_kind is ResourceKind.NONE:
            return self.scope.value
        if self.scope.resource_kind is not ResourceKind.ACCOUNT_PAIR:
            return f"{self.scope}:{','.join(self.resources)}"
        cap = "" if self.max_amount is None else f"@{self.max_amount}"
        limits = "".join(
            f";{short}={getattr(self, name)}" for short, name in _LIMIT_NAMES.items() if getattr(self, name) is not None
        )
        return f"{self.scope}:{self.source}>{self.target}{cap}{limits}"


def parse_permissions(texts: Iterable[str]) -> list[Permission]:
    """Return the entries that ``SCOPE[:RESOURCES]`` texts spell. Raises InvalidPermission."""
    return [permission for text in texts for permission in _parse(text)]


def _parse(text: str) -> list[Permission]:
    name, colon, resources = text.partition(":")
    if name not in Scope.values:
        raise InvalidPermission(f"There is no scope {name!r}. The scopes are {', '.join(Scope.values)}.")
    scope = Scope(name)
    parts = [part.strip() for part in resources.split(",")] if colon else []
    if scope.resource_kind is not ResourceKind.ACCOUNT_PAIR:
        return [Permission(scope=scope, resources=tuple(parts))]
    if not parts:
        raise InvalidPermission(f"{scope} needs pairs such as acc_1>acc_2@50000;month=200000, or *>*.")
    return [_parse_pair(scope, part) for part in parts]


def _parse_pair(scope: Scope, text: str) -> Permission:
    pair, *limits = text.split(";")
    ends, at, cap = pair.partition("@")
    source, arrow, target = ends.partition(">")
    if not arrow:
        raise InvalidPermission(f"{text!r} is no pair. Write source>target[@max_amount][;day=…][;approval=…].")
    amounts: dict[str, Any] = {"max_amount": _parse_cents(cap, text)} if at else {}
    for limit in limits:
        short, _, cents = limit.partition("=")
        if short not in _LIMIT_NAMES or _LIMIT_NAMES[short] in amounts:
            raise InvalidPermission(
                f"{limit!r} in {text!r} is no limit, or stands twice. Use {', '.join(_LIMIT_NAMES)}."
            )
        amounts[_LIMIT_NAMES[short]] = _parse_cents(cents, text)
    return Permission(scope=scope, source=source.strip(), target=target.strip(), **amounts)


def _parse_cents(digits: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,16}", digits):
        raise InvalidPermission(f"{digits!r} in {text!r} is no whole number of cents.")
    return int(digits)


def _check_id(scope: Scope, id: str) -> None:
    form = _ID_FORMS[scope.resource_kind]
    if id != EVERYTHING and not form.fullmatch(id):
        example = form.pattern.partition("[")[0] + "01H…"
        raise InvalidPermission(f"{scope}: {id!r} is no id. It looks like {example}, or is * for all.")
