"""Expressions that indexes, queries and the hand-written SQL of transfers share."""

from django.db import models
from django.db.models import F

# Beyond the number of every posting: after all of an instant.
LAST_NUMBER = 2**63 - 1


class WaitsUntil(models.Func):
    """When a transfer's time comes: at once, unless it is not to move before some instant.

    An expression of its own so that workers' look at what is due stays within an index however much waits for later;
    -infinity and not ``created_at``, so that nothing waits for a clock that was set back.
    """

    template = "COALESCE(%(expressions)s, '-infinity'::timestamptz)"
    output_field = models.DateTimeField()


class BalanceAfter(models.Func):
    """What an account held after all postings up to a position.

    Given are its organization, the account, and time and number of the position's posting. It is read back from the
    next mark, or from what the account holds now where there is none: past some hundred postings, however many the
    account has, and in one snapshot.
    """

    template = """(
        SELECT COALESCE(mark.balance_cents, account.balance_cents) - COALESCE((
            SELECT SUM(later.amount_cents) FROM transfers_posting later
            WHERE later.organization_id = place.organization_id AND later.account_id = place.account_id
                AND (later.posted_at, later.id) > (place.at, place.number)
                AND (later.posted_at, later.id)
                    <= (COALESCE(mark.posted_at, 'infinity'), COALESCE(mark.posting_id, 0))
        ), 0)::bigint
        FROM (SELECT %(expressions)s) AS place (organization_id, account_id, at, number)
        JOIN accounts_account account
            ON account.organization_id = place.organization_id AND account.id = place.account_id
        LEFT JOIN LATERAL (
            SELECT posting_id, posted_at, balance_cents FROM transfers_balancemark
            WHERE organization_id = place.organization_id AND account_id = place.account_id
                AND (posted_at, posting_id) >= (place.at, place.number)
            ORDER BY posted_at, posting_id LIMIT 1
        ) mark ON true
    )"""
    output_field = models.BigIntegerField()


WAITS_UNTIL = WaitsUntil(F("not_before"))
