"""Ledger: double entry, append-only. PostgreSQL itself refuses what must never be."""

import pgtrigger
from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from apikeys.models import Organization
from sequence.core.database.owned import OwnedModel, OwnForeignKey
from transfers.models import guards
from transfers.models.transfer import Transfer


class Clearing(models.TextChoices):
    """The far side of a posting that leaves or enters the system: one for each way out."""

    ACH = "ach", "ACH transfers"
    DEPOSITS = "deposits", "Deposits from outside"
    EXTERNAL_PULLS = "external_pulls", "Pulls from outside"
    CARDS = "cards", "Card network"
    # What belongs on an account that cannot take it: a returned payment whose account is deleted or spent.
    SUSPENSE = "suspense", "Suspense"
    # What of it nobody will ever take or pay, by the decision of two persons.
    WRITE_OFF = "write_off", "Written off"


class EntrySetKind(models.TextChoices):
    """Why money moved."""

    SETTLEMENT = "settlement"
    REVERSAL = "reversal"
    CARD = "card"
    # Out of suspense: see SuspenseItem.
    RELEASE = "release"


def _never_truncated() -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name="is_never_truncated",
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        level=pgtrigger.Statement,
        func="RAISE EXCEPTION 'The ledger is append-only.' USING ERRCODE = '23514';",
    )


class EntrySet(OwnedModel):
    """One movement: its postings sum to zero, which PostgreSQL checks of each INSERT of postings by itself."""

    id = models.BigAutoField(primary_key=True)
    # ``entry_set_within_organization`` begins with it.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=EntrySetKind)
    # A composite foreign key says more than a constraint of its own would: see the migration.
    transfer = OwnForeignKey(
        Transfer, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="entry_sets"
    )
    posted_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["organization", "id"], name="entry_set_within_organization"),
            # Exactly once, whatever dies or repeats: a transfer settles once and comes back once.
            models.UniqueConstraint(fields=["transfer", "kind"], name="entry_set_once_for_a_transfer"),
            models.CheckConstraint(
                condition=Q(kind__in=[EntrySetKind.CARD, EntrySetKind.RELEASE], transfer=None)
                | Q(kind__in=[EntrySetKind.SETTLEMENT, EntrySetKind.REVERSAL], transfer__isnull=False),
                name="entry_set_has_its_cause",
            ),
        ]
        indexes = [models.Index(F("posted_at").desc(), F("id").desc(), name="entry_set_list")]
        triggers = [
            pgtrigger.Protect(name="is_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            _never_truncated(),
            pgtrigger.Trigger(
                name="has_postings",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                # Where there is one there are two: none is of nothing, and the INSERT of them sums to zero.
                func="""
                    IF NOT EXISTS (SELECT FROM transfers_posting WHERE entry_set_id = NEW.id) THEN
                        RAISE EXCEPTION 'Entry set % has fewer than two postings.', NEW.id USING ERRCODE = '23514';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Posting(OwnedModel):
    """Cents that an account, or a clearing account, gained (positive) or lost (negative) in an entry set.

    Inserting postings is the only way in which the balance of a pod or an income source changes: a trigger adds them.
    """

    id = models.BigAutoField(primary_key=True)
    # Composite foreign keys say more than constraints of their own would: see the migration. The organization is the
    # entry set's, which has one.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    entry_set = OwnForeignKey(EntrySet, on_delete=models.PROTECT, related_name="postings", db_constraint=False)
    # ``posting_by_account`` begins with it.
    account = OwnForeignKey(
        Account, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="postings"
    )
    clearing = models.CharField(max_length=20, choices=Clearing, null=True)  # noqa: DJ001 - null is "an account"
    amount_cents = models.BigIntegerField()
    posted_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(condition=~Q(amount_cents=0), name="posting_moves_something"),
            models.CheckConstraint(
                condition=Q(account=None, clearing__isnull=False) | Q(account__isnull=False, clearing=None),
                name="posting_on_account_or_clearing",
            ),
        ]
        indexes = [
            models.Index(F("account"), F("posted_at").desc(), F("id").desc(), name="posting_by_account"),
            models.Index(fields=["organization"], condition=Q(clearing=Clearing.SUSPENSE), name="posting_in_suspense"),
            # The staff's list and its periods.
            models.Index(F("posted_at").desc(), F("id").desc(), name="posting_list"),
        ]
        triggers = [
            pgtrigger.Protect(name="is_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            _never_truncated(),
            pgtrigger.Trigger(
                name="balances",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="fresh"),
                declare=[("wrong", "BIGINT")],
                # Each INSERT by itself, so that no statement ever sees a set that does not sum to zero.
                func="""
                    SELECT entry_set_id INTO wrong FROM fresh
                    GROUP BY entry_set_id HAVING SUM(amount_cents) <> 0 LIMIT 1;
                    IF FOUND THEN
                        RAISE EXCEPTION 'The postings of entry set % do not sum to zero.', wrong
                            USING ERRCODE = '23514';
                    END IF;
                    RETURN NULL;
                """,
            ),
            pgtrigger.Trigger(
                name="waits_for_a_person",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__clearing=Clearing.SUSPENSE),
                func=guards.MAKE_SUSPENSE_ITEM,
            ),
            pgtrigger.Trigger(
                name="moves_balances",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="fresh"),
                func=guards.MOVE_BALANCES,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_cents} on {self.account_id or self.clearing}"


class BalanceMark(OwnedModel):
    """What an account held after one of its postings, in the order of the ledger: see ``BalanceAfter``.

    A trigger makes one every 500 postings or so, and moves those after what is posted with an earlier time.
    """

    posting = models.OneToOneField(Posting, primary_key=True, on_delete=models.PROTECT, related_name="+")
    # The account's, to which a composite foreign key holds it.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    account = OwnForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    posted_at = models.DateTimeField()
    balance_cents = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["account", "posted_at", "posting"], name="balance_mark_by_account")]

    def __str__(self) -> str:
        return f"{self.balance_cents} after {self.posting_id}"
