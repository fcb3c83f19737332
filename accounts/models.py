"""Account and its constraints: balance, holds, bank numbers, liability figures, soft deletion."""

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q

from accounts.encryption import EncryptedField
from apikeys.models import Organization
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel
from sequence.core.errors import Private
from sequence.core.events.telling import tells_of_rows
from sequence.core.money import mask
from sequence.core.texts import PlainTextField
from sequence.core.tracking import by_time


class AccountType(models.TextChoices):
    """What an account is, as the API spells it."""

    INCOME_SOURCE = "income_source", "Income source"
    POD = "pod", "Pod"
    EXTERNAL_ACCOUNT = "external_account", "External account"


class ExternalAccountType(models.TextChoices):
    """What an account at another institution is."""

    DEPOSITORY = "DEPOSITORY", "Depository"
    INVESTMENT = "INVESTMENT", "Investment"
    LIABILITY = "LIABILITY", "Liability"


class AccountQuerySet(models.QuerySet["Account"]):
    def for_organization(self, organization_id: str) -> "AccountQuerySet":
        """Accounts of one organization; nobody else's are ever found."""
        return self.filter(organization_id=organization_id)

    def not_deleted(self) -> "AccountQuerySet":
        """Those that nobody has deleted; a deleted row stays for whoever looks back."""
        return self.filter(deleted_at=None)


_IS_EXTERNAL = Q(type=AccountType.EXTERNAL_ACCOUNT)
# What a liability has on record, and nothing else may have.
_NO_LIABILITY_FACTS = Q(
    last_statement_balance_cents=None,
    next_payment_minimum_cents=None,
    next_payment_due_on=None,
    interest_rate_percent=None,
)
# Balances and statements move with every settlement and are the ledger's history, not this trail's.
_UNTRACKED = [
    "balance_cents",
    "held_cents",
    "paid_since_statement_cents",
    "paid_since_minimum_cents",
    "balance_updated_at",
    "updated_at",
    "routing_number",
    "bank_account_number",
]

# A change of these is told: what people and institutions set. What moves with every payment is told by the payment.
_TOLD = [
    *("name", "description", "icon", "savings_target_cents", "beneficiary_name", "institution_name"),
    *("routing_number_last_four", "bank_account_number_last_four", "last_statement_balance_cents"),
    *("next_payment_minimum_cents", "next_payment_due_on", "interest_rate_percent"),
]
_NEWS = {"account_id": "NEW.id"}


def _columns(row: str, names: list[str]) -> str:
    return ", ".join(f"{row}.{name}" for name in names)


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    append_only=True,
    meta=by_time(),
    exclude=_UNTRACKED,
)
class Account(OwnedModel):
    """A place that holds money for one organization. Amounts are cents.

    The ledger holds the balance of an income source or pod; an external account's is the last snapshot its institution
    gave, or None if there was none. What a liability owes is a positive balance.
    """

    id = PrefixedIdField("acc", primary_key=True)
    # ``account_list`` begins with it.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="accounts", db_index=False)
    type = models.CharField(max_length=20, choices=AccountType)
    external_account_type = models.CharField(max_length=20, choices=ExternalAccountType, null=True, blank=True)  # noqa: DJ001 - null in the API
    name = PlainTextField(max_length=100)
    description = PlainTextField(multiline=True, max_length=500, null=True, blank=True)
    icon = PlainTextField(max_length=50, null=True, blank=True)
    savings_target_cents = models.BigIntegerField(null=True, blank=True)
    beneficiary_name = PlainTextField(max_length=200, null=True, blank=True)
    institution_name = PlainTextField(max_length=100, null=True, blank=True)

    routing_number = EncryptedField(null=True, editable=False)
    bank_account_number = EncryptedField(null=True, editable=False)
    routing_number_last_four = models.CharField(max_length=4, null=True, editable=False)  # noqa: DJ001
    bank_account_number_last_four = models.CharField(max_length=4, null=True, editable=False)  # noqa: DJ001

    balance_cents = models.BigIntegerField(null=True, default=0, editable=False)
    held_cents = models.BigIntegerField(default=0, editable=False)
    balance_updated_at = models.DateTimeField(default=clock.now, editable=False)
    last_statement_balance_cents = models.BigIntegerField(null=True, blank=True)
    next_payment_minimum_cents = models.BigIntegerField(null=True, blank=True)
    # What our payments have brought since each figure was recorded; one that comes back counts back.
    paid_since_statement_cents = models.BigIntegerField(default=0, editable=False)
    paid_since_minimum_cents = models.BigIntegerField(default=0, editable=False)
    next_payment_due_on = models.DateField(null=True, blank=True)
    interest_rate_percent = models.DecimalField(max_digits=6, decimal_places=3, null=True, blank=True)

    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints = [
            # The target of the composite foreign keys that keep rows from crossing organizations.
            models.UniqueConstraint(fields=["organization", "id"], name="account_within_organization"),
            models.CheckConstraint(condition=Q(type__in=AccountType.values), name="account_type_is_known"),
            models.CheckConstraint(
                # A CHECK passes when it comes to NULL, so a column that may be null is asked about that first.
                condition=(
                    _IS_EXTERNAL
                    & Q(external_account_type__isnull=False, external_account_type__in=ExternalAccountType.values)
                )
                | (~_IS_EXTERNAL & Q(external_account_type=None)),
                name="account_external_type_fits_type",
            ),
            models.CheckConstraint(
                condition=_IS_EXTERNAL | Q(balance_cents__isnull=False), name="account_ledger_balance_is_known"
            ),
            models.CheckConstraint(condition=Q(held_cents__gte=0), name="account_held_not_negative"),
            # Services check first and answer politely; this one cannot be forgotten. It also keeps the balance at zero
            # or more, since nothing negative can be held.
            models.CheckConstraint(
                condition=_IS_EXTERNAL | Q(balance_cents__gte=F("held_cents")), name="account_available_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(external_account_type__isnull=False, external_account_type=ExternalAccountType.LIABILITY)
                | _NO_LIABILITY_FACTS,
                name="account_liability_facts_of_liability",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at=None) | _IS_EXTERNAL | Q(balance_cents=0, held_cents=0),
                name="account_deleted_is_empty",
            ),
        ]
        indexes = [models.Index(fields=["organization", "created_at", "id"], name="account_list")]
        triggers = [
            # The ledger's own trigger runs one level deeper; nothing else may touch these balances.
            pgtrigger.Protect(
                name="balance_moves_only_with_postings",
                operation=pgtrigger.UpdateOf("balance_cents"),
                condition=pgtrigger.Condition(
                    "OLD.balance_cents IS DISTINCT FROM NEW.balance_cents"
                    " AND NEW.type <> 'external_account' AND pg_trigger_depth() = 0"
                ),
            ),
            pgtrigger.Trigger(
                name="begins_empty",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.type <> 'external_account' AND NEW.balance_cents <> 0"),
                func="""
                    RAISE EXCEPTION 'An account of the ledger begins with nothing; only postings move its balance.'
                        USING ERRCODE = '23514';
                """,
            ),
            tells_of_rows(
                "tells_of_it", "account.created", operation=pgtrigger.Insert, data=_NEWS, at="NEW.created_at"
            ),
            tells_of_rows(
                "tells_of_changes",
                "account.changed",
                operation=pgtrigger.UpdateOf(*_TOLD),
                data=_NEWS,
                at="NEW.updated_at",
                condition="NEW.deleted_at IS NULL AND"
                f" ({_columns('OLD', _TOLD)}) IS DISTINCT FROM ({_columns('NEW', _TOLD)})",
            ),
            tells_of_rows(
                "tells_of_its_end",
                "account.deleted",
                operation=pgtrigger.UpdateOf("deleted_at"),
                data=_NEWS,
                at="NEW.deleted_at",
                condition="OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def private_name(self) -> Private:
        """The name as a refusal tells it: to nobody who may not know the account."""
        return Private(self.name, about=self.id, otherwise="This account")

    @property
    def kind(self) -> str:
        """What the account is, in words."""
        if self.external_account_type is None:
            return AccountType(self.type).label
        return f"External {ExternalAccountType(self.external_account_type).label.lower()}"

    @property
    def available_cents(self) -> int | None:
        """The balance less what pending outgoing transfers hold; None where no balance is known, and of a debt."""
        if self.balance_cents is None or self.is_liability:
            return None
        return self.balance_cents - self.held_cents

    @property
    def is_external(self) -> bool:
        return self.type == AccountType.EXTERNAL_ACCOUNT

    @property
    def is_liability(self) -> bool:
        return self.external_account_type == ExternalAccountType.LIABILITY

    @property
    def can_be_source(self) -> bool:
        return not self.is_external or self.external_account_type == ExternalAccountType.DEPOSITORY

    @property
    def can_be_destination(self) -> bool:
        return self.type != AccountType.INCOME_SOURCE

    @property
    def masked_routing_number(self) -> str | None:
        return mask(self.routing_number_last_four)

    @property
    def masked_bank_account_number(self) -> str | None:
        return mask(self.bank_account_number_last_four)

    # Mutators. The caller holds this row's lock.

    def edit(self, **changes: object) -> None:
        """Set the given fields."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.updated_at = clock.now()
        self.save(update_fields=[*changes, "updated_at"])

    def set_snapshot(self, *, balance_cents: int, **facts: object) -> None:
        """Set what the institution says of its account, as of now. A figure that it names begins unpaid."""
        if "last_statement_balance_cents" in facts:
            facts["paid_since_statement_cents"] = 0
        if "next_payment_minimum_cents" in facts:
            facts["paid_since_minimum_cents"] = 0
        self.balance_cents, self.balance_updated_at = balance_cents, clock.now()
        for name, value in facts.items():
            setattr(self, name, value)
        self.save(update_fields=["balance_cents", "balance_updated_at", *facts])

    def delete_softly(self) -> None:
        """Take the account out of every list, for good. Its transfers keep showing its name."""
        self.edit(deleted_at=clock.now())
