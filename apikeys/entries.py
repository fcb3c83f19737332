"""Permission: what one entry allows, and its two spellings: JSON, and the text of the command line."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from uuid import UUID

from apikeys.errors import InvalidPermission
from apikeys.limits import EVERY_LIMIT, TRANSFER_LIMITS, TRIGGER_LIMITS, Limit, TransferLimit
from apikeys.scopes import EVERYTHING, ResourceKind, Scope
from sequence.core.money import MAX_CENTS
from sequence.core.typing import JsonObject

_ID_FORMS = {
    ResourceKind.ACCOUNT: re.compile(r"acc_[0-9A-Za-z]{1,40}"),
    ResourceKind.ACCOUNT_PAIR: re.compile(r"acc_[0-9A-Za-z]{1,40}"),
    ResourceKind.RULE: re.compile(r"rule_[0-9A-Za-z]{1,40}"),
}
_LIMITS_OF_SCOPE: dict[Scope, tuple[Limit, ...]] = {
    Scope.MANUAL_TRANSFER: TRANSFER_LIMITS,
    Scope.TRIGGER_RULES: TRIGGER_LIMITS,
}
# What the command line writes for a limit that is no number: it is wanted, or it is not.
_REQUIRED = "required"


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One entry: a scope and what it reaches. Limits are cents or times; None means no limit.

    ``resources`` holds ids or ``*`` for scopes on accounts and rules. ``source`` and ``target``, an account id or
    ``*`` each, belong to MANUAL_TRANSFER alone, with limits of its own; TRIGGER_RULES has others. Raises
    InvalidPermission for what cannot be granted.
    """

    scope: Scope
    resources: tuple[str, ...] = ()
    source: str | None = None
    target: str | None = None
    max_amount: int | None = None
    max_amount_per_day: int | None = None
    max_amount_per_week: int | None = None
    max_amount_per_month: int | None = None
    # How many transfers may go, or runs be set off.
    max_count_per_day: int | None = None
    max_count_per_week: int | None = None
    max_count_per_month: int | None = None
    approval_above: int | None = None
    # Whether the caller must say why.
    requires_reason: bool = False
    # Of a trigger: the most that manual_execute_amount may be.
    max_execute_amount: int | None = None
    # Under which the amounts that went through this entry are counted; survives a rotation. No part of what it allows.
    spend_id: UUID | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        self._check_limits()
        if self.scope.resource_kind is ResourceKind.ACCOUNT_PAIR:
            self._check_pair()
        else:
            self._check_resources()

    def with_limits(self, limits: JsonObject) -> "Permission":
        """Return the entry with these limits set anew. Raises InvalidPermission."""
        return replace(self, **limits)

    @property
    def limits(self) -> dict[str, int]:
        """The limits that this entry has, by name; a reason that is wanted is True."""
        given = {limit.name: limit.of(self) for limit in limits_of(self.scope)}
        return {name: limit for name, limit in given.items() if limit is not None}

    @cached_property
    def transfer_limits(self) -> tuple[TransferLimit, ...]:
        """Those of the limits of transfers that it has. Every transfer asks for them, so they are found once."""
        return tuple(limit for limit in TRANSFER_LIMITS if limit.of(self) is not None)

    def _check_limits(self) -> None:
        allowed = {limit.name for limit in limits_of(self.scope)}
        for limit in EVERY_LIMIT.values():
            value = limit.of(self)
            if value is None:
                continue
            if limit.name not in allowed:
                raise InvalidPermission(f"{self.scope} has no limit {limit.name}.")
            if not limit.low <= value <= MAX_CENTS:
                what = "cents" if limit.counts_money else "times"
                raise InvalidPermission(
                    f"{limit.name} is a whole number of {what} from {limit.low} to {MAX_CENTS}, not {value}."
                )

    def _check_pair(self) -> None:
        if self.resources or not self.source or not self.target:
            raise InvalidPermission(f"{self.scope} takes a source and a target, each an account id or *.")
        for id in (self.source, self.target):
            _check_id(self.scope, id)

    def _check_resources(self) -> None:
        if self.source or self.target:
            raise InvalidPermission(f"{self.scope} has no source and target; only MANUAL_TRANSFER has.")
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

    def as_json(self) -> JsonObject:
        """Return ``{"scope", "resources"}``: None, ``"*"``, a list of ids, or a list of one pair with its limits.

        The limits of a trigger stand beside its resources.
        """
        limits = self.limits if self.scope is Scope.TRIGGER_RULES else {}
        return {"scope": self.scope.value, "resources": self._resources_as_json(), **limits}

    def _resources_as_json(self) -> object:
        if self.scope.resource_kind is ResourceKind.NONE:
            return None
        if self.scope.resource_kind is not ResourceKind.ACCOUNT_PAIR:
            return EVERYTHING if self.resources == (EVERYTHING,) else list(self.resources)
        return [{"source": self.source, "target": self.target, **self.limits}]

    def as_text(self) -> str:
        """Return the spelling of the command line, such as ``READ_ACCOUNTS:acc_1,acc_2``."""
        if self.scope.resource_kind is ResourceKind.NONE:
            return self.scope.value
        if self.scope.resource_kind is not ResourceKind.ACCOUNT_PAIR:
            return f"{self.scope}:{','.join(self.resources)}{self._limits_as_text()}"
        cap = "" if self.max_amount is None else f"@{self.max_amount}"
        return f"{self.scope}:{self.source}>{self.target}{cap}{self._limits_as_text()}"

    def _limits_as_text(self) -> str:
        given = self.limits
        return "".join(
            f";{limit.short}={_REQUIRED if given[limit.name] is True else given[limit.name]}"
            for limit in limits_of(self.scope)
            if limit.short and limit.name in given
        )


def limits_of(scope: Scope) -> tuple[Limit, ...]:
    """Return the limits that an entry of the scope may have."""
    return _LIMITS_OF_SCOPE.get(scope, ())


def parse_permissions(texts: Iterable[str]) -> list[Permission]:
    """Return the entries that ``SCOPE[:RESOURCES]`` texts spell. Raises InvalidPermission."""
    return [permission for text in texts for permission in _parse(text)]


def _parse(text: str) -> list[Permission]:
    name, colon, resources = text.partition(":")
    if name not in Scope.values:
        raise InvalidPermission(f"There is no scope {name!r}. The scopes are {', '.join(Scope.values)}.")
    scope = Scope(name)
    if scope is Scope.TRIGGER_RULES:
        return [_parse_trigger(resources) if colon else Permission(scope=scope)]
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
    amounts: JsonObject = {"max_amount": _parse_number(cap, text)} if at else {}
    amounts |= _parse_limits(limits, TRANSFER_LIMITS, text)
    return Permission(scope=scope, source=source.strip(), target=target.strip(), **amounts)


def _parse_trigger(text: str) -> Permission:
    """Read ``rule_1,rule_2;execute=5000;count_day=3``: the limits are those of the rules together."""
    ids, *limits = text.split(";")
    return Permission(
        scope=Scope.TRIGGER_RULES,
        resources=tuple(part.strip() for part in ids.split(",")),
        **_parse_limits(limits, TRIGGER_LIMITS, text),
    )


def _parse_limits(texts: Iterable[str], limits: Sequence[Limit], text: str) -> JsonObject:
    names = {limit.short: limit.name for limit in limits if limit.short}
    parsed: JsonObject = {}
    for one in texts:
        short, _, value = one.partition("=")
        if short not in names or names[short] in parsed:
            raise InvalidPermission(f"{one!r} in {text!r} is no limit, or stands twice. Use {', '.join(names)}.")
        parsed[names[short]] = _parse_reason(value) if short == "reason" else _parse_number(value, text)
    return parsed


def _parse_reason(value: str) -> bool:
    if value != _REQUIRED:
        raise InvalidPermission(f"'reason={value}' says nothing. Write reason={_REQUIRED}, or leave it out.")
    return True


def _parse_number(digits: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,16}", digits):
        raise InvalidPermission(f"{digits!r} in {text!r} is no whole number.")
    return int(digits)


def _check_id(scope: Scope, id: str) -> None:
    form = _ID_FORMS[scope.resource_kind]
    if id != EVERYTHING and not form.fullmatch(id):
        example = form.pattern.partition("[")[0] + "01H…"
        raise InvalidPermission(f"{scope}: {id!r} is no id. It looks like {example}, or is * for all.")
