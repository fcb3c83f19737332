"""States of a transfer: where it is and may go, what caused it, and why it failed or was cancelled."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

# A week is long enough for a person to come back from anywhere, and no money waits for somebody who never will.
APPROVAL_LIFETIME = timedelta(days=7)
# How long before it is due a transfer may be asked for.
LATEST = timedelta(days=90)
OUT_OF_REACH = f"Give a time from now on, at most {LATEST.days} days ahead; leave it out for at once."


def is_in_reach(due_at: datetime, now: datetime) -> bool:
    """Say whether a transfer that is due then may be asked for now."""
    return now < due_at <= now + LATEST


class Direction(models.TextChoices):
    """From the organization's point of view."""

    MONEY_IN = "money_in"
    MONEY_OUT = "money_out"
    INTERNAL = "internal"


class Origin(models.TextChoices):
    """What caused it."""

    PAYCHECK = "paycheck"
    CHECK_DEPOSIT = "check_deposit"
    CASHBACK = "cashback"
    USER_PULL = "user_pull"
    RULE = "rule"
    USER = "user"
    EXTERNAL_PULL = "external_pull"


class Status(models.TextChoices):
    """Where it is. It never goes back; only a completed payment that is returned goes on to ERROR."""

    PENDING_APPROVAL = "pending_approval"  # waits for a person
    PROCESSING = "processing"  # accepted, not yet submitted
    PENDING = "pending"  # with the payment rail
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"  # not enough funds
    ERROR = "error"
    CANCELLED = "cancelled"


FAILED = (Status.INCOMPLETE, Status.ERROR)
STOPPABLE = (Status.PENDING_APPROVAL, Status.PROCESSING)
UNDER_WAY = (Status.PENDING_APPROVAL, Status.PROCESSING, Status.PENDING)

# A failure that nobody looks after yet, and how one is taken: by somebody, at some time, with a note.
UNTAKEN = Q(status__in=FAILED, failure_taken_at=None)
TAKEN_WHOLE = Q(failure_taken_by=None, failure_taken_at=None, failure_note=None) | Q(
    status__in=FAILED, failure_taken_by__isnull=False, failure_taken_at__isnull=False, failure_note__isnull=False
)

TRANSITIONS: list[tuple[str, str]] = [
    (Status.PENDING_APPROVAL, Status.PROCESSING),
    (Status.PENDING_APPROVAL, Status.CANCELLED),
    (Status.PROCESSING, Status.PENDING),
    (Status.PROCESSING, Status.COMPLETE),
    (Status.PROCESSING, Status.INCOMPLETE),
    (Status.PROCESSING, Status.ERROR),
    (Status.PROCESSING, Status.CANCELLED),
    (Status.PENDING, Status.COMPLETE),
    (Status.PENDING, Status.ERROR),
    (Status.COMPLETE, Status.ERROR),
]


class ErrorCode(models.TextChoices):
    """Why it is INCOMPLETE or ERROR."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    DISCONNECTED_ACCOUNT = "disconnected_account"
    NAME_MISMATCH = "name_mismatch"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_NOT_SUPPORTED = "payment_not_supported"
    TRANSFER_AMOUNT_LESS_THAN_ONE_DOLLAR = "transfer_amount_less_than_one_dollar"
    DAILY_ACH_CREDIT_LIMIT_REACHED = "daily_ach_credit_limit_reached"
    MONTHLY_ACH_CREDIT_LIMIT_REACHED = "monthly_ach_credit_limit_reached"
    DAILY_ACH_DEBIT_LIMIT_REACHED = "daily_ach_debit_limit_reached"
    MONTHLY_ACH_DEBIT_LIMIT_REACHED = "monthly_ach_debit_limit_reached"
    NULL_BALANCE = "null_balance"
    ACCOUNT_NO_MINIMUM_PAYMENT_AMOUNT = "account_no_minimum_payment_amount"
    ACCOUNT_NO_LAST_STATEMENT_BALANCE = "account_no_last_statement_balance"
    RESOURCE_DELETED = "resource_deleted"
    RULE_LOOP_DETECTED = "rule_loop_detected"


class CancelReason(models.TextChoices):
    """Why it is CANCELLED."""

    BY_KEY = "by_key"  # by a program
    REJECTED = "rejected"  # by a person
    EXPIRED = "expired"  # nobody decided in time
    KEY_STOPPED = "key_stopped"
    ORGANIZATION_STOPPED = "organization_stopped"
