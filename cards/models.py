"""Card, card transaction, decline: what may be spent, what was, and what was refused."""

from datetime import UTC, datetime

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from accounts.models import Account
from apikeys.models import Organization
from cards.names import MAX_NAME
from sequence.core import clock
from sequence.core.api.ids import PrefixedIdField
from sequence.core.database.owned import OwnedModel, OwnForeignKey
from sequence.core.events.telling import tells_of_rows
from sequence.core.money import MAX_CENTS
from sequence.core.texts import PlainTextField
from sequence.core.tracking import by_time
from transfers.models import EntrySet


class CardType(models.TextChoices):
    """What it is made of."""

    VIRTUAL = "virtual", "Virtual"
    PHYSICAL = "physical", "Physical"


class CardStatus(models.TextChoices):
    """Whether it can pay. Only an active card can; stolen and lost are final."""

    ACTIVE = "active", "Active"
    INACTIVE = "inactive", "Inactive"
    FROZEN = "frozen", "Frozen"
    STOLEN = "stolen", "Stolen"
    LOST = "lost", "Lost"


FINAL = (CardStatus.STOLEN, CardStatus.LOST)
# A card that spends from its pod, or is meant to again once it thaws.
NEEDS_ITS_POD = (CardStatus.ACTIVE, CardStatus.FROZEN)

TRANSITIONS: list[tuple[str, str]] = [
    (CardStatus.ACTIVE, CardStatus.INACTIVE),
    (CardStatus.INACTIVE, CardStatus.ACTIVE),
    (CardStatus.ACTIVE, CardStatus.FROZEN),
    (CardStatus.FROZEN, CardStatus.ACTIVE),
    *((status, final) for status in CardStatus if status not in FINAL for final in FINAL),
]


class CardQuerySet(models.QuerySet["Card"]):
    def for_organization(self, organization_id: str) -> "CardQuerySet":
        """Cards of one organization; nobody else's are ever found."""
        return self.filter(organization_id=organization_id)

    def needing(self, account_id: str) -> "CardQuerySet":
        """Cards without which the pod may not be deleted, oldest first."""
        return self.filter(account_id=account_id, status__in=NEEDS_ITS_POD).order_by("created_at", "id")


def _limit(period: str) -> models.BigIntegerField:
    help_text = f"What purchases may spend in a {period} (UTC), in cents; empty means no limit."
    return models.BigIntegerField(null=True, blank=True, help_text=help_text)


def _merchants(help_text: str) -> ArrayField:
    return ArrayField(PlainTextField(max_length=MAX_NAME), default=list, blank=True, help_text=help_text)


def _limit_in_range(name: str) -> models.CheckConstraint:
    in_range = Q(**{name: None}) | Q(**{f"{name}__gte": 1, f"{name}__lte": MAX_CENTS})
    return models.CheckConstraint(condition=in_range, name=f"card_{name}_in_range")


LIMITS = ("limit_per_transaction_cents", "limit_per_day_cents", "limit_per_month_cents")
MERCHANT_LISTS = ("allowed_merchants", "blocked_merchants")
_CHANGEABLE = ["status", *LIMITS, *MERCHANT_LISTS]


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), append_only=True, meta=by_time())
class Card(OwnedModel):
    """A card that spends from a pod, as far as its controls let it. Cents, UTC.

    The last four digits are all there is of its number: no full number exists anywhere.
    """

    id = PrefixedIdField("card", primary_key=True)
    # A composite foreign key holds the pod, which says more than a constraint of its own would: see the migration.
    # ``card_within_organization`` and ``card_list`` begin with these two.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = OwnForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="cards"
    )
    type = models.CharField(max_length=10, choices=CardType)
    status = models.CharField(max_length=10, choices=CardStatus, default=CardStatus.ACTIVE)
    holder_name = PlainTextField(max_length=MAX_NAME)
    last_four = models.CharField(max_length=4)
    expiry_year = models.PositiveSmallIntegerField()
    expiry_month = models.PositiveSmallIntegerField()

    limit_per_transaction_cents = models.BigIntegerField(
        null=True, blank=True, help_text="What one purchase may spend, in cents; empty means no limit."
    )
    limit_per_day_cents = _limit("day")
    limit_per_month_cents = _limit("calendar month")
    allowed_merchants = _merchants("Where the card pays; empty means anywhere.")
    blocked_merchants = _merchants("Where the card does not pay, even if the merchant is allowed.")

    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = CardQuerySet.as_manager()

    class Meta:
        default_permissions = ("view", "add", "change")
        permissions = [("charge_card", "Can charge and refund card in the simulated network")]
        constraints = [
            # The targets of the composite foreign keys: of rows that belong to the card, and to the card and its pod.
            models.UniqueConstraint(fields=["organization", "id"], name="card_within_organization"),
            models.UniqueConstraint(fields=["account", "id"], name="card_within_account"),
            models.CheckConstraint(condition=Q(type__in=CardType.values), name="card_type_is_known"),
            models.CheckConstraint(condition=Q(status__in=CardStatus.values), name="card_status_is_known"),
            models.CheckConstraint(condition=~Q(holder_name=""), name="card_has_a_holder"),
            models.CheckConstraint(condition=Q(last_four__regex=r"^[0-9]{4}$"), name="card_last_four_are_digits"),
            # MM/YY has no room for another century.
            models.CheckConstraint(
                condition=Q(expiry_month__range=(1, 12), expiry_year__range=(2000, 2099)), name="card_expiry_is_a_month"
            ),
            *(_limit_in_range(name) for name in LIMITS),
        ]
        indexes = [models.Index(fields=["account", "created_at", "id"], name="card_list")]
        triggers = [
            pgtrigger.FSM(name="status_follows_its_path", field="status", transitions=TRANSITIONS),
            pgtrigger.Protect(name="is_never_deleted", operation=pgtrigger.Delete),
            # Whoever charges a card locks its pod first, so the pod must stay the same.
            pgtrigger.ReadOnly(name="stays_what_it_is", exclude=_CHANGEABLE),
            pgtrigger.Trigger(
                name="belongs_to_a_pod",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("status"),
                func="""
                    IF NOT EXISTS (
                        SELECT FROM accounts_account
                        WHERE id = NEW.account_id AND type = 'pod'
                          AND (deleted_at IS NULL OR NEW.status NOT IN ('active', 'frozen'))
                    ) THEN
                        RAISE EXCEPTION 'Card % has no pod, or a deleted one.', NEW.id USING ERRCODE = '23514';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.holder_name} •••• {self.last_four}"

    @property
    def expiration_date(self) -> str:
        """The last month in which it pays, as a card shows it: ``09/28``."""
        return f"{self.expiry_month:02}/{self.expiry_year % 100:02}"

    def is_expired(self, at: datetime) -> bool:
        """Say whether the month of expiry (UTC) is over at that instant."""
        moment = at.astimezone(UTC)
        return (moment.year, moment.month) > (self.expiry_year, self.expiry_month)

    # Mutators. The caller holds this row's lock.

    def set_status(self, status: CardStatus) -> None:
        self.status = status
        self.save(update_fields=["status"])

    def set_controls(self, **controls: object) -> None:
        """Set limits and lists of merchants by their names."""
        for name, value in controls.items():
            setattr(self, name, value)
        self.save(update_fields=[*controls])


class CardDirection(models.TextChoices):
    """From the pod's point of view."""

    DEBIT = "debit", "Purchase"
    CREDIT = "credit", "Refund"


class CardTransactionQuerySet(models.QuerySet["CardTransaction"]):
    def purchases(self) -> "CardTransactionQuerySet":
        return self.filter(direction=CardDirection.DEBIT)

    def at_merchant(self, merchant_name: str) -> "CardTransactionQuerySet":
        return self.filter(merchant_name__iexact=merchant_name)

    def with_left(self, amount_cents: int) -> "CardTransactionQuerySet":
        """Purchases of which so many cents have not been refunded yet."""
        return self.purchases().filter(amount_cents__gte=F("refunded_cents") + amount_cents)

    def newest_first(self) -> "CardTransactionQuerySet":
        return self.order_by("-created_at", "-id")


class CardTransaction(OwnedModel):
    """A purchase, or a refund of one. It is complete when it is made, and so is its entry in the ledger. Cents."""

    id = PrefixedIdField("ctx", primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    # Composite foreign keys hold the card, its pod, the purchase and the entry set, which says more than constraints of
    # their own would: see the migration. ``card_transaction_list`` begins with the card.
    card = OwnForeignKey(
        Card, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="transactions"
    )
    account = OwnForeignKey(Account, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    direction = models.CharField(max_length=10, choices=CardDirection)
    amount_cents = models.BigIntegerField()
    # A refund repeats what its purchase says, also one from before names were checked.
    merchant_name = models.CharField(max_length=MAX_NAME)
    purchase = OwnForeignKey("self", null=True, on_delete=models.PROTECT, db_constraint=False, related_name="refunds")
    # What came back of a purchase; inserting a refund is the only way in which it changes.
    refunded_cents = models.BigIntegerField(default=0, editable=False)
    entry_set = models.OneToOneField(EntrySet, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = CardTransactionQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        constraints = [
            # The target of a refund's foreign key: its purchase was made with the same card.
            models.UniqueConstraint(fields=["card", "id"], name="card_transaction_within_card"),
            models.CheckConstraint(
                condition=Q(amount_cents__gte=1, amount_cents__lte=MAX_CENTS), name="card_transaction_amount_in_range"
            ),
            models.CheckConstraint(
                condition=Q(direction=CardDirection.DEBIT, purchase=None)
                | Q(direction=CardDirection.CREDIT, purchase__isnull=False),
                name="card_transaction_refund_has_its_purchase",
            ),
            models.CheckConstraint(condition=~Q(merchant_name=""), name="card_transaction_has_a_merchant"),
            # The service checks first and answers politely; this one cannot be forgotten.
            models.CheckConstraint(
                condition=Q(refunded_cents__gte=0, refunded_cents__lte=F("amount_cents")),
                name="card_transaction_refunded_at_most_once",
            ),
        ]
        indexes = [
            # A card's history in the order of its pages; limits add up its latest part.
            models.Index(F("card"), F("created_at").desc(), F("id").desc(), name="card_transaction_list"),
            # What was spent today, by all cards together.
            models.Index(fields=["created_at"], name="card_transaction_by_time"),
            # What staff search for.
            models.Index(F("amount_cents"), F("created_at").desc(), name="card_transaction_by_amount"),
            models.Index(
                OpClass(Upper("merchant_name"), name="varchar_pattern_ops"), name="card_transaction_by_merchant"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="is_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="stays_what_it_is", exclude=["refunded_cents"]),
            tells_of_rows(
                "tells_of_it",
                "card_transaction.created",
                operation=pgtrigger.Insert,
                data={"card_transaction_id": "NEW.id", "card_id": "NEW.card_id", "account_id": "NEW.account_id"},
                at="NEW.created_at",
            ),
            pgtrigger.Trigger(
                name="is_posted",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func="""
                    IF (
                        SELECT COALESCE(SUM(posting.amount_cents), 0)
                        FROM transfers_posting posting JOIN transfers_entryset entry_set
                            ON entry_set.id = posting.entry_set_id
                        WHERE entry_set.id = NEW.entry_set_id AND entry_set.kind = 'card' AND posting.clearing = 'cards'
                    ) <> (CASE NEW.direction WHEN 'debit' THEN NEW.amount_cents ELSE -NEW.amount_cents END) THEN
                        RAISE EXCEPTION 'Card transaction % is not what its postings move.', NEW.id
                            USING ERRCODE = '23514';
                    END IF;
                    RETURN NULL;
                """,
            ),
            pgtrigger.Trigger(
                name="is_never_truncated",
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                level=pgtrigger.Statement,
                func="RAISE EXCEPTION 'Card transactions are never removed.' USING ERRCODE = '23514';",
            ),
            # The refund's own trigger runs one level deeper.
            pgtrigger.Protect(
                name="refunded_moves_only_with_refunds",
                operation=pgtrigger.UpdateOf("refunded_cents"),
                condition=pgtrigger.Condition("pg_trigger_depth() = 0"),
            ),
            pgtrigger.Trigger(
                name="starts_without_refunds",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="NEW.refunded_cents = 0; RETURN NEW;",
            ),
            pgtrigger.Trigger(
                name="is_counted_by_its_purchase",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__purchase__isnull=False),
                func="""
                    UPDATE cards_cardtransaction SET refunded_cents = refunded_cents + NEW.amount_cents
                    WHERE id = NEW.purchase_id AND direction = 'debit';
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'Refund % has no purchase.', NEW.id USING ERRCODE = '23514';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def description(self) -> str:
        """What a statement would say."""
        verb = "Purchase at" if self.direction == CardDirection.DEBIT else "Refund from"
        return f"{verb} {self.merchant_name}"

    @property
    def left_cents(self) -> int:
        """What of a purchase can still be refunded."""
        return self.amount_cents - self.refunded_cents


class DeclineReason(models.TextChoices):
    """Why a purchase did not happen."""

    CARD_NOT_ACTIVE = "card_not_active", "The card is not active."
    CARD_EXPIRED = "card_expired", "The card has expired."
    MERCHANT_BLOCKED = "merchant_blocked", "The card may not pay at this merchant."
    MERCHANT_NOT_ALLOWED = "merchant_not_allowed", "This merchant is not among those where the card may pay."
    ABOVE_TRANSACTION_LIMIT = "above_transaction_limit", "The amount is above the card's limit for one purchase."
    ABOVE_DAILY_LIMIT = "above_daily_limit", "The amount is above what the card's daily limit leaves."
    ABOVE_MONTHLY_LIMIT = "above_monthly_limit", "The amount is above what the card's monthly limit leaves."
    INSUFFICIENT_FUNDS = "insufficient_funds", "The pod has too little money available."


class CardDecline(OwnedModel):
    """A purchase that was refused, kept for staff. No money moved; the API never shows it."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    # A composite foreign key says more than a constraint of its own would: see the migration. ``card_decline_list``
    # begins with it.
    card = OwnForeignKey(Card, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="declines")
    amount_cents = models.BigIntegerField()
    merchant_name = PlainTextField(max_length=MAX_NAME)
    reason = models.CharField(max_length=30, choices=DeclineReason)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(condition=Q(reason__in=DeclineReason.values), name="card_decline_reason_is_known"),
        ]
        indexes = [models.Index(F("card"), F("created_at").desc(), F("id").desc(), name="card_decline_list")]
        triggers = [
            pgtrigger.Protect(name="is_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            tells_of_rows(
                "tells_of_it",
                "card.declined",
                operation=pgtrigger.Insert,
                data={"card_id": "card.id", "account_id": "card.account_id"},
                at="NEW.created_at",
                table="cards_card AS card WHERE card.id = NEW.card_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} on {self.card_id}"
