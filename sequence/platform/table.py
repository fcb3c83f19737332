"""Table of this dialect's operations, in the order in which assistants are told of them; and their addresses."""

from collections.abc import Iterator
from typing import Any, cast

from django.urls import URLPattern, path, register_converter

from sequence.platform.accounts import AccountViewSet
from sequence.platform.audit_logs import AuditLogViewSet
from sequence.platform.beneficiaries import BeneficiaryViewSet
from sequence.platform.card_transactions import CardTransactionViewSet
from sequence.platform.executions import RuleExecutionViewSet
from sequence.platform.external_transactions import ExternalTransactionViewSet
from sequence.platform.ids import CONVERTERS
from sequence.platform.operations import PlatformOperation
from sequence.platform.rules import RuleViewSet
from sequence.platform.transfers import TransferViewSet
from sequence.platform.viewsets import PlatformViewSet

# Viewset and the name of its method; what the method declares is all else.
OPERATIONS: tuple[tuple[type[PlatformViewSet], str], ...] = (
    (AccountViewSet, "list_accounts"),
    (AccountViewSet, "get_account"),
    (AccountViewSet, "create_account"),
    (BeneficiaryViewSet, "list_beneficiaries"),
    (TransferViewSet, "list_account_transfers"),
    (RuleViewSet, "list_rules"),
    (RuleViewSet, "get_rule"),
    (RuleViewSet, "create_rule"),
    (RuleViewSet, "update_rule"),
    (RuleViewSet, "trigger_rule"),
    (RuleExecutionViewSet, "list_rule_executions"),
    (RuleExecutionViewSet, "get_rule_execution"),
    (TransferViewSet, "create_transfer"),
    (TransferViewSet, "list_transfers"),
    (TransferViewSet, "get_transfer"),
    (ExternalTransactionViewSet, "list_external_transactions"),
    (ExternalTransactionViewSet, "get_external_transaction"),
    (CardTransactionViewSet, "list_transactions"),
    (CardTransactionViewSet, "get_card_transaction"),
    (AuditLogViewSet, "list_audit_log"),
)


def declared(viewset: type[PlatformViewSet], action: str) -> PlatformOperation:
    """Return what a viewset's method declares."""
    return cast(PlatformOperation, getattr(viewset, action).operation)


def addresses() -> Iterator[URLPattern]:
    """Yield the addresses of the operations; those of one path answer at one address."""
    for name, converter in CONVERTERS.items():
        register_converter(converter, name)
    by_route: dict[tuple[str, type[PlatformViewSet]], dict[str, str]] = {}
    for viewset, action in OPERATIONS:
        one = declared(viewset, action)
        by_route.setdefault((one.route, viewset), {})[one.method.lower()] = action
    for (route, viewset), actions in by_route.items():
        yield path(route, cast(Any, viewset).as_view(actions))
