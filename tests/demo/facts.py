"""All that two demos of the same instant have in common: everything but ids, secrets and numbers drawn by lot."""

from typing import Any

from accounts.models import Account
from apikeys.models import ApiKey
from cards.models import Card, CardDecline, CardTransaction
from rules.models import Rule, RuleExecution
from transfers.models import EntrySet, Posting, Transfer

_TABLES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "accounts": (
        Account,
        (
            "name", "type", "external_account_type", "icon", "balance_cents", "held_cents", "balance_updated_at",
            "last_statement_balance_cents", "next_payment_minimum_cents", "next_payment_due_on",
            "interest_rate_percent", "created_at", "updated_at",
        ),
    ),
    "rules": (Rule, ("nickname", "status", "version", "enabled_at", "enabled_by", "next_slot_at", "updated_at")),
    "runs": (
        RuleExecution,
        ("rule_name", "mode", "status", "trigger_type", "scheduled_at", "created_at", "attempts", "attempted"),
    ),
    "transfers": (
        Transfer,
        (
            "created_at", "accepted_at", "submitted_at", "completed_at", "amount_cents", "origin", "status",
            "error_code", "description", "source__name", "destination__name", "decided_at",
        ),
    ),
    "cards": (Card, ("holder_name", "status", "type", "created_at", "account__name")),
    "purchases": (CardTransaction, ("created_at", "direction", "amount_cents", "merchant_name", "refunded_cents")),
    "declines": (CardDecline, ("created_at", "reason", "amount_cents", "merchant_name")),
    "entry sets": (EntrySet, ("kind", "posted_at")),
    "postings": (Posting, ("posted_at", "account__name", "clearing", "amount_cents")),
    "keys": (ApiKey, ("name", "created_at", "last_used_at", "created_by")),
}  # fmt: skip


def facts_of(organization_id: str) -> dict[str, list[Any]]:
    """Return the rows of each table, in the order of their ids."""
    return {
        name: list(model.objects.filter(organization_id=organization_id).order_by("id").values_list(*fields))
        for name, (model, fields) in _TABLES.items()
    }
