"""Scopes: what a permission entry can grant, each with the kind of resource it is limited to."""

from enum import Enum

from django.db.models import TextChoices

EVERYTHING = "*"


class ResourceKind(Enum):
    """What the resources of an entry are."""

    NONE = "none"
    ACCOUNT = "account"
    RULE = "rule"
    ACCOUNT_PAIR = "account pair"


class Scope(TextChoices):
    """The scopes of the contract, in its order."""

    LIST_ACCOUNTS = "LIST_ACCOUNTS", "list all accounts"
    READ_ACCOUNTS = "READ_ACCOUNTS", "full details and balance of an account"
    LIST_RULES = "LIST_RULES", "list all rules"
    READ_RULES = "READ_RULES", "full rule: trigger, steps, conditions, actions"
    TRIGGER_RULES = "TRIGGER_RULES", "trigger an execution"
    READ_RULE_EXECUTIONS = "READ_RULE_EXECUTIONS", "execution history of a rule"
    READ_TRANSFERS = "READ_TRANSFERS", "transfer history of an account"
    MANUAL_TRANSFER = "MANUAL_TRANSFER", "create a manual transfer"
    READ_CARDS = "READ_CARDS", "cards and card transactions of an account"
    CREATE_ACCOUNTS = "CREATE_ACCOUNTS", "create accounts"
    EDIT_ACCOUNTS = "EDIT_ACCOUNTS", "rename and delete accounts"
    CREATE_AND_EDIT_RULES = "CREATE_AND_EDIT_RULES", "create, replace and delete rules; never enable them"
    READ_EVENTS = "READ_EVENTS", "events of the organization and their deliveries"
    READ_AUDIT_LOGS = "READ_AUDIT_LOGS", "the audit log: who asked for what, and how it ended"

    @property
    def resource_kind(self) -> ResourceKind:
        """What an entry of this scope must name."""
        return _KINDS.get(self, ResourceKind.NONE)


_KINDS = {
    Scope.READ_ACCOUNTS: ResourceKind.ACCOUNT,
    Scope.EDIT_ACCOUNTS: ResourceKind.ACCOUNT,
    Scope.READ_TRANSFERS: ResourceKind.ACCOUNT,
    Scope.READ_CARDS: ResourceKind.ACCOUNT,
    Scope.READ_RULES: ResourceKind.RULE,
    Scope.TRIGGER_RULES: ResourceKind.RULE,
    Scope.READ_RULE_EXECUTIONS: ResourceKind.RULE,
    Scope.MANUAL_TRANSFER: ResourceKind.ACCOUNT_PAIR,
}
