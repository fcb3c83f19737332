"""Operations of this dialect: one declaration has name, address, scope, arguments, result and hints.

Addresses, the document and the tools of assistants are made from it: see ``sequence.platform.table``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apikeys.errors import RequestInProgress
from apikeys.operations import Action, Operation, operation
from apikeys.scopes import Scope

PREFIX = "/platform/v1"


@dataclass(frozen=True, kw_only=True)
class PlatformOperation(Operation):
    """What one operation is called, where it lives, and what an assistant should know before calling it.

    ``path`` is a template such as ``/rules/{ruleId}/executions``; ``variables`` are our names of what stands in it.
    ``in_progress`` is the refusal while a request with the same Idempotency-Key is carried out. ``is_destructive`` is
    of one that moves money or undoes what a person decided, ``is_repeatable`` of one that does nothing more the second
    time. These two hint, and authorize nothing.
    """

    name: str
    method: str
    path: str
    variables: Mapping[str, str] = field(default_factory=dict)
    in_progress: type[RequestInProgress] = RequestInProgress
    is_destructive: bool = False
    is_repeatable: bool = False

    @property
    def endpoint(self) -> str:
        """What an Idempotency-Key is of, and how somebody asks for its record."""
        return f"{self.method} {PREFIX}{self.path}"

    @property
    def reads_only(self) -> bool:
        return self.method == "GET"

    @property
    def route(self) -> str:
        """The address as Django reads it: ids of the dialect become ours."""
        return re.sub(r"{(\w+)}", lambda found: _variable(self.variables[found[1]]), self.path.removeprefix("/"))


def _variable(own_name: str) -> str:
    return f"<{own_name}:{own_name}>"


def platform_operation(*, scope: Scope | None, summary: str, **declared: Any) -> Callable[[Action], Action]:
    """Decorate a viewset's method with what it needs and gives: see PlatformOperation."""
    action = _action_of(declared["name"])
    return operation(scope=scope, summary=summary, kind=PlatformOperation, action=action, **declared)


# Where the name is not what the audit log calls the same operation of the own API.
_ACTIONS = {
    "listTransactions": "LIST_CARD_TRANSACTIONS",
    "listAccountTransfers": "LIST_TRANSFERS",
    "listAuditLog": "LIST_AUDIT_LOGS",
}


def _action_of(name: str) -> str:
    """Return the audit log's word for an operation: LIST_ACCOUNTS of listAccounts."""
    return _ACTIONS.get(name) or re.sub("([A-Z])", r"_\1", name).upper()
