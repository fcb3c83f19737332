"""Words of a rule's contract: its triggers, schedules, facts, operators and periods. Nothing here knows Django."""

from enum import StrEnum


class Term(StrEnum):
    """A set of words. ``choices`` has each with its label, as a model's field or a form wants them."""

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(word.value, word.name.replace("_", " ").title()) for word in cls]

    @classmethod
    def values(cls) -> list[str]:
        return [word.value for word in cls]


class TriggerType(Term):
    """What sets a rule off."""

    MANUAL = "MANUAL"
    ON_FUNDS_TRANSFERRED = "ON_FUNDS_TRANSFERRED"
    SCHEDULED = "SCHEDULED"


class ScheduleType(Term):
    """When a scheduled rule runs."""

    ONE_TIME = "ONE_TIME"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    BI_WEEKLY = "BI_WEEKLY"  # the 1st and the 15th
    MONTHLY = "MONTHLY"
    EVERY_OTHER_WEEK = "EVERY_OTHER_WEEK"  # every 14 days


class Fact(Term):
    """What a condition looks at."""

    TRANSFER_AMOUNT = "TRANSFER_AMOUNT"
    BALANCE = "BALANCE"
    DATE = "DATE"


class ValueFact(Term):
    """What it may be compared with instead of a number."""

    TRANSFER_AMOUNT = "TRANSFER_AMOUNT"
    BALANCE = "BALANCE"
    DATE = "DATE"
    LAST_DAY_OF_MONTH = "LAST_DAY_OF_MONTH"
    NEXT_PAYMENT_MINIMUM_AMOUNT = "NEXT_PAYMENT_MINIMUM_AMOUNT"
    LAST_STATEMENT_BALANCE = "LAST_STATEMENT_BALANCE"


# What only a liability has on record.
FACTS_OF_LIABILITIES = (ValueFact.NEXT_PAYMENT_MINIMUM_AMOUNT, ValueFact.LAST_STATEMENT_BALANCE)


class Operator(Term):
    """How the two are compared."""

    EQUALS = "EQUALS"
    NOT_EQUALS = "NOT_EQUALS"
    GREATER_THAN = "GREATER_THAN"
    LESS_THAN = "LESS_THAN"
    GREATER_THAN_OR_EQUAL = "GREATER_THAN_OR_EQUAL"
    LESS_THAN_OR_EQUAL = "LESS_THAN_OR_EQUAL"


class PercentageTarget(Term):
    """What a percentage is taken of."""

    INCOMING_AMOUNT = "INCOMING_AMOUNT"
    SOURCE_ACCOUNT = "SOURCE_ACCOUNT"


class LimitPeriod(Term):
    """The time in which a limit holds. UTC; a week begins on Monday."""

    PER_TRANSFER = "PER_TRANSFER"
    PER_WEEK = "PER_WEEK"
    PER_MONTH = "PER_MONTH"
    PER_YEAR = "PER_YEAR"
